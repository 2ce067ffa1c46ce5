/* server/http/answer.h: the reply or error of an rpc as the answer to the HTTP request that called it.
 *
 * Does not know: handlers, middlewares.
 * Thread: the connection's worker. After success the exchange must not be used any more.
 */
#ifndef STOA_SERVER_HTTP_ANSWER_H
#define STOA_SERVER_HTTP_ANSWER_H

#include "server/format.h"

struct stoa_error;
struct stoa_handler_route;
struct stoa_http_exchange;

/* Append a reply as the body of an answer. Any thread. Errors: as stoa_transcode_write() */
int stoa_http_answer_write(const struct stoa_handler_route *rpc, const struct stoa_message_type *type,
                           const void *reply, struct stoa_buffer *out);
/* Answer with 200 and JSON: the first payload, or else the message.
 * Errors: those of stoa_transcode_write(), after which the request still waits
 *         STOA_E_CLOSED  the connection has ended, or memory is out: the client got 500, or its connection ends */
int stoa_http_answer_reply(struct stoa_http_exchange *exchange, const struct stoa_outgoing *reply);
/* Answer with an error and its status (stoa_error_http_status()). 401 has the field WWW-Authenticate. When a stream was
 * begun (sse.h), it ends with the error as its last event.
 * Errors: STOA_E_UTF8    a text is not UTF-8; the request still waits
 *         STOA_E_CLOSED  as above */
int stoa_http_answer_error(struct stoa_http_exchange *exchange, const struct stoa_error *error);

#endif
