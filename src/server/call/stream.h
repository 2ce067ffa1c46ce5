/* server/call/stream.h: calls with many replies (stoa/call_stream.h), of a worker's sessions and of HTTP requests.
 *
 * A stream's items are bounded three times: by the credit that the client has granted (256 KiB at first), by the length
 * of the session's queue, and, of items that other threads send, by both: those that find the queue too long wait at
 * their stream, never more than its credit. By HTTP the exchange bounds what is written and not taken.
 *
 * stream.c begins streams and hears the client, stream_send.c sends items and the program's end, stream_end.c ends
 * streams and calls the program back. Each calls those behind it only.
 *
 * Thread: the worker's. Lifetime: as pending.h.
 */
#ifndef STOA_SERVER_CALL_STREAM_H
#define STOA_SERVER_CALL_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stoa/call_stream.h>

struct stoa_handler;
struct stoa_invocation;
struct stoa_question;

/* What a client may have granted and not used. */
#define STOA_CALL_STREAM_CREDIT_MAX INT64_C(0x7fffffff)

/* A handler is about to run. The invocation, NULL without a chain, is copied.
 * Errors: STOA_E_LIMIT   the session has session_calls_max calls and streams
 *         STOA_E_EXISTS  a stream of the session has this type and id
 *         STOA_E_CLOSED  the session or the request has ended
 *         STOA_E_MEMORY */
int stoa_call_stream_begin(struct stoa_session *session, const struct stoa_handler *handler,
                           const struct stoa_question *question, struct stoa_invocation *invocation,
                           struct stoa_call_stream **out_stream);
/* The error for the client when begin has failed. */
const struct stoa_error *stoa_call_stream_refusal(int status);
/* Its copy of the invocation, or NULL. */
struct stoa_invocation *stoa_call_stream_invocation(struct stoa_call_stream *stream);
/* The handler has returned; the stream may be gone after that. Exactly once after begin. */
void stoa_call_stream_on_returned(struct stoa_call_stream *stream, const struct stoa_error *error);

/* From the client. Unknown ids are ignored. */
void stoa_call_streams_cancel(struct stoa_session *session, uint32_t type, uint32_t id);
/* Errors: STOA_E_LIMIT  more than STOA_CALL_STREAM_CREDIT_MAX; nothing was granted */
int stoa_call_streams_grant(struct stoa_session *session, uint32_t type, uint32_t id, uint32_t bytes);
/* It has sent nonsense about the stream, which ends with BAD_REQUEST. */
void stoa_call_streams_break(struct stoa_session *session, uint32_t type, uint32_t id);

/* The session's output was sent. */
void stoa_call_streams_on_drained(struct stoa_session *session);
/* The server ends: so do the streams of this session, or HTTP request, with an error. */
void stoa_call_streams_drain(struct stoa_session *session);

#endif
