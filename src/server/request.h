/* server/request.h: answers a request: an upgrade to a session, a file of the page, or a refusal.
 *
 * Thread: the stream's worker's.
 */
#ifndef STOA_SERVER_REQUEST_H
#define STOA_SERVER_REQUEST_H

#include "http/http.h"

/* The on_request of struct stoa_http_host. */
void stoa_request_on_head(struct stoa_stream *stream, const struct stoa_http_head *head, int code, const uint8_t *data);

#endif
