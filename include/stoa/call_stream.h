/* stoa/call_stream.h: calls with many replies (server-streaming rpcs).
 *
 * The handler of an rpc that returns a stream gets the request and the stream's handle. It returns
 *   NULL         the stream has ended well: after the items that were sent
 *   an error     the stream ends with it
 *   STOA_LATER   the stream goes on: the handle belongs to the program, which ends it once, on any thread
 *
 *   static const struct stoa_error *on_watch(void *user, struct stoa_session *session, const struct watch *request,
 *                                            struct stoa_call_stream *stream) {
 *     for (size_t i = 0; i < request->count; i++) {
 *       shop_v1_shop_watch_send(stream, item_at(user, i)); // a long stream looks at the status: see below
 *     }
 *     return NULL;
 *   }
 *
 * protoc-gen-stoa writes SERVICE_RPC_send(), SERVICE_RPC_end() and SERVICE_RPC_fail(), which take items as their
 * generated struct. By HTTP the items are Server-Sent Events (docs/streams.md); the handler is the same.
 *
 * A slow client bounds what the program may send. Sending gives STOA_E_AGAIN when the client has not taken enough of
 * the items before, or the session's queue is long: nothing is kept of that item. The event STOA_OK tells when to go
 * on.
 *
 * Does not know: what items mean, where they come from.
 * Thread: stoa_call_stream_listen() in the handler; all else on any thread. One handle is used by one thread at a time.
 * Lifetime: a handle is valid until its handler has returned something else than STOA_LATER, or until it is ended:
 *           ending consumes it, also when it returns an error. Ending it twice is a bug like a double free. A handle
 *           may outlive its session and the server: sending then gives STOA_E_CLOSED, and ending it does nothing.
 *
 * Limits: a stream counts among the session_calls_max (32) calls of a session; at that number a further stream is
 * refused with STOA_ERROR_LIMIT and the reason TOO_MANY_STREAMS. It may last as long as the program wants. But when
 * the program has more to send and the client takes nothing for call_timeout_ms (30 s), the stream ends with
 * STOA_ERROR_UNAVAILABLE and the reason TIMEOUT. A server that drains ends it with STOA_ERROR_UNAVAILABLE and the
 * reason DRAINING.
 */
#ifndef STOA_CALL_STREAM_H
#define STOA_CALL_STREAM_H

#include <stoa/call.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_call_stream;

/* Bytes of items that a client has not taken and that the server may send, before it grants more. An item takes the
 * length of its payload and 8. */
#define STOA_CALL_STREAM_WINDOW_BYTES (256u * 1024)

/* What happened to the stream, on the session's worker, never inside a function of this header.
 *
 * status  STOA_OK        sending gave STOA_E_AGAIN before: send more. Not after the program has ended it
 *         STOA_E_CLOSED  the last call, always: the program has ended it; or the client has cancelled it, the session
 *                        has ended, or it has timed out: then `stream` must still be ended, which does nothing more */
typedef void stoa_call_stream_event(void *context, struct stoa_call_stream *stream, int status);

/* Be told, before the handler returns. `context` is kept until the event STOA_E_CLOSED.
 * Errors: STOA_E_ARGUMENT  not inside the stream's handler; STOA_E_EXISTS  called before */
STOA_API int stoa_call_stream_listen(struct stoa_call_stream *stream, stoa_call_stream_event *on_event, void *context);

/* Send an item. On the session's own worker it is appended to the session's output at once. On another thread it is
 * encoded there, for the session's codec, and posted to the worker. Items arrive in the sequence in which they were
 * sent.
 *
 * type, item  the reply type that the handler was registered with, and a struct of it; borrowed until the call returns
 * Errors, after which nothing was sent and the stream goes on:
 *         STOA_E_AGAIN    the client, or the connection, has not taken enough: go on after the next event STOA_OK
 *         STOA_E_UTF8     a string field is not UTF-8
 *         STOA_E_TYPE     the session's codec has no form for it
 *         STOA_E_LIMIT    it is nested too deep (stoa/codec.h), or longer than server.limits.message_bytes_max
 *         STOA_E_MEMORY; any other status that the program's own codec returns
 * Errors, after which the stream has ended and must be dropped:
 *         STOA_E_TIMEOUT  the client took nothing for too long
 *         STOA_E_CLOSED   the client has cancelled it, or the session or the server has ended
 * STOA_OK does not guarantee that the session still exists when the item reaches its worker. */
STOA_API int stoa_call_stream_send(struct stoa_call_stream *stream, const struct stoa_message_type *type,
                                   const void *item);

/* End well, after the items that were sent.
 * Errors: STOA_E_TIMEOUT, STOA_E_CLOSED  as above: nothing is sent, and it is counted as late */
STOA_API int stoa_call_stream_end(struct stoa_call_stream *stream);
/* End with an error, after the items that were sent. It does not count towards session_errors_max. A session without a
 * subprotocol gets nothing.
 * `error` is not NULL and not STOA_LATER; it is borrowed until the function returns.
 * Errors: STOA_E_TIMEOUT, STOA_E_CLOSED  as above; those of encoding as stoa_call_stream_send(), after which the client
 *         gets INTERNAL */
STOA_API int stoa_call_stream_fail(struct stoa_call_stream *stream, const struct stoa_error *error);
/* Give up: the client gets INTERNAL. NULL is allowed. */
STOA_API void stoa_call_stream_drop(struct stoa_call_stream *stream);

/* Does the client still wait for items? False after a cancel, a time-out and the end of the session. The result may
 * change at any time. */
STOA_API bool stoa_call_stream_waits(const struct stoa_call_stream *stream);
/* The session that called; valid until the handle is consumed. All 0 for an HTTP request. */
STOA_API const struct stoa_uuid *stoa_call_stream_session_id(const struct stoa_call_stream *stream);

/* How the streams ended, since the start. `begun` is the sum of the others except `late` and `items`. */
struct stoa_call_stream_counts {
  uint64_t begun;
  uint64_t outstanding; /* not ended yet */
  uint64_t ended;       /* well */
  uint64_t failed;      /* with an error from the program, or because an item or the error could not be sent */
  uint64_t dropped;     /* by stoa_call_stream_drop() */
  uint64_t cancelled;   /* by the client; an HTTP request whose connection ended counts here */
  uint64_t timed_out;   /* the client took nothing for too long */
  uint64_t abandoned;   /* the session ended first, or the server drained */
  uint64_t late;        /* handles of the last three that were ended afterwards */
  uint64_t items;       /* that were sent */
};
/* Any thread, between start and destroy. Each number is exact, but they are not read at one moment. */
STOA_API void stoa_server_call_stream_counts(const struct stoa_server *server,
                                             struct stoa_call_stream_counts *out_counts);

#ifdef __cplusplus
}
#endif

#endif
