/* server/http/sse.h: the items of a stream as Server-Sent Events (WHATWG HTML 9.2), the answer to an HTTP request.
 *
 *   data: {"price":3}              an item: an event of the type "message"
 *   event: error                   the end with an error, as the body of an answer would have it
 *   data: {"code":404,...}
 *   event: end                     the good end, so that an EventSource knows not to reconnect
 *   data: {}
 *   :                              a comment, so that proxies and the server notice a connection that is gone
 *
 * Does not know: handlers, when to send.
 * Thread: each function says.
 */
#ifndef STOA_SERVER_HTTP_SSE_H
#define STOA_SERVER_HTTP_SSE_H

#include <stoa/buffer.h>
#include <stoa/http.h>

struct stoa_error;
struct stoa_handler_route;
struct stoa_message_type;

/* Without an item for so long, a comment is sent. Proxies give up after 60 s by default. */
#define STOA_SSE_HEARTBEAT_MS 15000u

/* Begin the answer, unless it was begun. At most `bytes_max` of what is written wait for the connection to take them,
 * or one event. Any thread. Errors: as stoa_http_begin(), but for STOA_E_EXISTS; on_event is then not called */
int stoa_sse_begin(struct stoa_http_exchange *exchange, size_t bytes_max, stoa_http_stream_event *on_event,
                   void *context);
/* Append an item as an event. Any thread. Errors: as stoa_transcode_write() */
int stoa_sse_write_item(const struct stoa_handler_route *rpc, const struct stoa_message_type *type, const void *item,
                        struct stoa_buffer *out);
/* Send an event that was written. Any thread, after begin.
 * Errors: STOA_E_AGAIN   it does not fit now: try again when on_event is called
 *         STOA_E_LIMIT   it is too long; STOA_E_CLOSED  the connection has ended; STOA_E_MEMORY */
int stoa_sse_send(struct stoa_http_exchange *exchange, struct stoa_bytes event);
/* A comment. The worker's thread; nothing is sent while something waits, or before the head was. */
void stoa_sse_heartbeat(struct stoa_http_exchange *exchange);
/* End the answer, and consume the exchange. The worker's thread, after begin. Without memory for the last event the
 * connection ends. */
void stoa_sse_end(struct stoa_http_exchange *exchange);
/* Errors: STOA_E_UTF8  a text of the error; the answer goes on */
int stoa_sse_fail(struct stoa_http_exchange *exchange, const struct stoa_error *error);
/* Was the answer begun, so that an error must be an event? The worker's thread. */
bool stoa_sse_is_begun(const struct stoa_http_exchange *exchange);

#endif
