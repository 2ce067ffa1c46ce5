/* server/http/rpc.h: HTTP requests that call an rpc: the same handler, middlewares, errors and counters as for a
 * message of a session.
 *
 *   request ─▶ rate of the address ─▶ token ─▶ message, with the rules of its fields ─▶ dispatch.h
 *
 * Does not know: how a reply becomes an answer (answer.h), who the caller is (caller.h).
 * Thread: the connection's worker.
 */
#ifndef STOA_SERVER_HTTP_RPC_H
#define STOA_SERVER_HTTP_RPC_H

#include <stoa/http.h>

/* A stoa_route_handler for the routes of rpcs (stoa_routes_add_rpc()). */
void stoa_http_rpc_handle(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request);

#endif
