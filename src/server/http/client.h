/* server/http/client.h: whose an HTTP request is: the address of the client behind trusted proxies, and the address of
 * our end.
 *
 * Thread: the stream's worker.
 */
#ifndef STOA_SERVER_HTTP_CLIENT_H
#define STOA_SERVER_HTTP_CLIENT_H

#include "server/listener/peer.h"
#include "wire/http.h"

struct stoa_stream;

/* The client's address: the one that a trusted proxy gives with this request, else the connection's.
 * Errors: STOA_E_SYNTAX  the proxy's fields name different clients (logged) */
int stoa_http_client_find(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                          struct stoa_peer *out_client);

/* The address of our end, or the destination of a PROXY header; NULL for a unix socket. If the system does not report
 * it, loopback, so that the strict rules apply.
 *
 * out_local  memory for it */
const uint8_t *stoa_http_client_local(struct stoa_stream *stream, struct stoa_peer *out_local);

#endif
