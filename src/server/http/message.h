/* server/http/message.h: the message of an rpc in an HTTP request, checked by the rules of its fields.
 *
 * Thread: the connection's worker.
 */
#ifndef STOA_SERVER_HTTP_MESSAGE_H
#define STOA_SERVER_HTTP_MESSAGE_H

#include <stoa/codec.h>

struct stoa_handler;
struct stoa_http_exchange;

/* Decode into *out_message, in the worker's arena.
 *
 * body       of the request; borrowed as long as the message is used
 * out_error  its text is for the client; empty on success, and without memory
 * Errors: as stoa_transcode_read() and stoa_http_query_parse(); those of stoa_message_check() */
int stoa_http_message_read(const struct stoa_http_exchange *exchange, const struct stoa_handler *handler,
                           struct stoa_bytes body, void **out_message, struct stoa_codec_error *out_error);

#endif
