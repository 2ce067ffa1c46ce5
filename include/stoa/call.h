/* stoa/call.h: calls that a handler answers later (asynchronous replies).
 *
 * A handler that cannot answer a call at once takes the call's handle and returns STOA_LATER. The program then
 * completes the handle once, on any thread: with a reply, with an error, or by dropping it.
 *
 *   static const struct stoa_error *on_find(void *user, struct stoa_session *session, const struct find *request,
 *                                           struct found *reply) {
 *     struct stoa_call *call;
 *     if (stoa_call_take(session, &call) != STOA_OK) {
 *       return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", NULL);
 *     }
 *     ask_database(user, copy_of(request), call);
 *     return STOA_LATER;
 *   }
 *
 * protoc-gen-stoa writes SERVICE_RPC_reply() and SERVICE_RPC_fail() for each call. They take the reply as its generated
 * struct.
 *
 * Does not know: which code completes the call, and what the call means.
 * Thread: stoa_call_take() inside the handler; all else on any thread. One handle is used by one thread at a time.
 * Lifetime: a handle belongs to the program until it is completed. Completing consumes it, also when it returns an
 *           error. Completing it twice is a bug like a double free; it is an assert where it can be detected. A handle
 *           may outlive its session and the server: completing it then is allowed and does nothing. What the request
 *           points to is freed when the handler returns; copy what the answer needs.
 *
 * Limits: a session may have session_calls_max calls outstanding (32); at that number its input is not read until one
 * is answered. After call_timeout_ms (30 s) the client gets STOA_ERROR_UNAVAILABLE with the reason TIMEOUT, which is
 * temporary; a later completion is dropped and counted.
 */
#ifndef STOA_CALL_H
#define STOA_CALL_H

#include <stoa/descriptor.h>
#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_call;

/* What a handler returns when it has taken its call: the answer follows, or was already given. It is not an error. To
 * take a call and return something else is a bug (an assert), and so is to return it without having taken a call. */
STOA_API extern const struct stoa_error stoa_later;
#define STOA_LATER (&stoa_later)

/* Take the call that the handler is running for. The handler must then return STOA_LATER, also when it completes the
 * call before it returns.
 *
 * Errors: STOA_E_ARGUMENT  not inside the handler of a call of this session, or of a stream (stoa/call_stream.h);
 *         STOA_E_EXISTS    already taken;
 *         STOA_E_CLOSED    the session is closing; STOA_E_MEMORY. After an error the handler answers as usual. */
STOA_API int stoa_call_take(struct stoa_session *session, struct stoa_call **out_call);

/* Answer with a reply. On the session's own worker the reply is appended to the session's output at once. On another
 * thread it is encoded there, for the session's codec, and posted to the worker. Answers from one thread arrive in the
 * sequence in which it gave them, not in that of the calls. A message that was sent plainly (takes_plain in
 * stoa/handler.h) gets no reply: the call only ends.
 *
 * type, reply  the type that the handler was registered with, and a struct of it; borrowed until the call returns
 * Errors: STOA_E_TIMEOUT  the client was already answered with TIMEOUT
 *         STOA_E_CLOSED   the session or the server has ended. After these two nothing is sent, and the completion is
 *                         counted as late. On the session's own worker also: its connection broke
 *         STOA_E_UTF8     a string field is not UTF-8
 *         STOA_E_TYPE     the session's codec has no form for it
 *         STOA_E_LIMIT    it is nested too deep (stoa/codec.h); on the session's own worker also: it is longer than
 *                         server.limits.message_bytes_max, or the session's queue is full, and the session is closed
 *                         with 4008
 *         STOA_E_MEMORY; any other status that the program's own codec returns. After these the client is answered with
 *         INTERNAL.
 * STOA_OK does not guarantee that the session still exists when the reply reaches its worker. A reply that turns out to
 * be too long there is logged, and the client is answered with INTERNAL. */
STOA_API int stoa_call_reply(struct stoa_call *call, const struct stoa_message_type *type, const void *reply);
/* Answer with an error. It does not count towards session_errors_max. A session without a subprotocol gets nothing. A
 * message that was sent plainly gets the error of a plain message.
 * `error` is not NULL and not STOA_LATER; it is borrowed until the function returns. Errors: as stoa_call_reply() */
STOA_API int stoa_call_fail(struct stoa_call *call, const struct stoa_error *error);
/* Give up: the client is answered with INTERNAL. NULL is allowed. */
STOA_API void stoa_call_drop(struct stoa_call *call);

/* Is the call still outstanding? False once the call has timed out or its session has ended; the program can then skip
 * the work. The result may change at any time. */
STOA_API bool stoa_call_waits(const struct stoa_call *call);
/* The session that called; valid until the handle is consumed. */
STOA_API const struct stoa_uuid *stoa_call_session_id(const struct stoa_call *call);

/* How the taken calls ended, since the start. `taken` is the sum of the others except `late`. */
struct stoa_call_counts {
  uint64_t taken;
  uint64_t outstanding; /* not answered yet */
  uint64_t replied;
  uint64_t failed;    /* with an error from the program, or because the reply could not be encoded */
  uint64_t dropped;   /* by stoa_call_drop() */
  uint64_t timed_out; /* the client was answered with TIMEOUT */
  uint64_t abandoned; /* the session ended first */
  uint64_t late;      /* handles of timed_out and abandoned calls that were completed afterwards */
};
/* Any thread, between start and destroy. Each number is exact, but they are not read at one moment. */
STOA_API void stoa_server_call_counts(const struct stoa_server *server, struct stoa_call_counts *out_counts);

#ifdef __cplusplus
}
#endif

#endif
