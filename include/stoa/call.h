/* stoa/call.h: calls that are answered later.
 *
 * A handler of a call that cannot answer at once takes the call's handle and returns STOA_LATER. Whoever holds the
 * handle then completes it once, on any thread: with a reply, with an error, or by dropping it.
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
 * protoc-gen-stoa writes SERVICE_RPC_reply() and SERVICE_RPC_fail() for each call, which take the reply's own struct.
 *
 * Does not know: who answers, and what for.
 * Thread: stoa_call_take() inside the handler; all else on any thread. One handle is used by one thread at a time.
 * Lifetime: a handle belongs to the program until it is completed, which consumes it in every case; completing it again
 *           is a mistake like a second free, an assert where that can still be seen. It outlives its
 *           session, and the server too: completing it then is fine and does nothing. What the request points to is
 *           gone when the handler returns; copy what the answer needs.
 *
 * Limits: a session may wait for session_calls_max answers (32); at that number its input is not read until one is
 * there. After call_timeout_ms (30 s) the client is answered STOA_ERROR_UNAVAILABLE with the reason TIMEOUT, which is
 * temporary; the completion that follows is dropped and counted.
 */
#ifndef STOA_CALL_H
#define STOA_CALL_H

#include <stoa/descriptor.h>
#include <stoa/session.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_call;

/* What a handler returns when it has taken its call: the answer follows, or was given already. It is no error. Taking a
 * call and returning something else is a mistake, as is returning it without a call: an assert. */
STOA_API extern const struct stoa_error stoa_later;
#define STOA_LATER (&stoa_later)

/* Take the call that the handler is answering. The handler must then return STOA_LATER, also when it completes the call
 * before it returns.
 *
 * Errors: STOA_E_ARGUMENT  not inside the handler of a call of this session; STOA_E_EXISTS  taken already;
 *         STOA_E_CLOSED    the session is closing; STOA_E_MEMORY. The handler answers as usual after an error. */
STOA_API int stoa_call_take(struct stoa_session *session, struct stoa_call **out_call);

/* Answer. On the session's own worker the reply is appended to the session's output at once; on another thread it is
 * encoded there, for the session's codec, and handed over to the worker. Answers arrive in the order in which they are
 * given by one thread, not in that of the calls.
 *
 * type, reply  the type that the handler was registered with, and a struct of it; borrowed until the call returns
 * Errors: STOA_E_TIMEOUT  the client was answered TIMEOUT before
 *         STOA_E_CLOSED   the session or the server has ended. Nothing is sent after these two, and they are counted as
 *                         late. On the session's own worker also: its connection broke
 *         STOA_E_UTF8     a string field is not UTF-8
 *         STOA_E_TYPE     the session's codec has no form for it
 *         STOA_E_LIMIT    it is nested too deep (stoa/codec.h); on the session's own worker also: it is longer than
 *                         server.limits.message_bytes_max, or the session's queue is full, and it is closed with 4008
 *         STOA_E_MEMORY; what else a codec of the program's own returns. After these the client is answered INTERNAL.
 * STOA_OK does not promise that the session is still there when the reply reaches its worker. One that is found to be
 * too long there is answered INTERNAL and logged. */
STOA_API int stoa_call_reply(struct stoa_call *call, const struct stoa_message_type *type, const void *reply);
/* Answer with an error. It does not count as a mistake of the session. A session without a subprotocol is told nothing.
 * `error` is not NULL and not STOA_LATER, and borrowed until the call returns. Errors: as stoa_call_reply() */
STOA_API int stoa_call_fail(struct stoa_call *call, const struct stoa_error *error);
/* Give up: the client is answered INTERNAL. NULL is fine. */
STOA_API void stoa_call_drop(struct stoa_call *call);

/* Does the client still wait? False once the call has timed out or its session has ended, so that work for nobody can
 * be saved; it may change at any time. */
STOA_API bool stoa_call_waits(const struct stoa_call *call);
/* The session that called; valid until the handle is consumed. */
STOA_API const struct stoa_uuid *stoa_call_session_id(const struct stoa_call *call);

/* How calls that were taken have ended, since the start. taken is the sum of the others but `late`. */
struct stoa_call_counts {
  uint64_t taken;
  uint64_t outstanding; /* the client waits */
  uint64_t replied;
  uint64_t failed;    /* with an error of the program's, or by a reply that could not be encoded */
  uint64_t dropped;   /* by stoa_call_drop() */
  uint64_t timed_out; /* the client was told TIMEOUT */
  uint64_t abandoned; /* the session ended first */
  uint64_t late;      /* handles of timed_out and abandoned calls that were completed afterwards */
};
/* Any thread, between start and destroy; each figure for itself is exact, together they are not of one moment. */
STOA_API void stoa_server_call_counts(const struct stoa_server *server, struct stoa_call_counts *out_counts);

#ifdef __cplusplus
}
#endif

#endif
