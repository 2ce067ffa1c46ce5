/* server/http/serve.h: finds the route of an HTTP request and decides whether it may be used: the listener's role,
 * pages of other origins, keys, the type of the body. Then the request becomes an exchange.
 *
 * Thread: the stream's worker.
 */
#ifndef STOA_SERVER_HTTP_SERVE_H
#define STOA_SERVER_HTTP_SERVE_H

#include "http/http.h"

/* Answer a request that no upgrade is asked for, now or later. False when no route has its path: nothing was answered.
 * Parameters as on_request of struct stoa_http_host. */
bool stoa_http_serve(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data);

#endif
