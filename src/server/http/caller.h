/* server/http/caller.h: who calls an rpc by HTTP. While a request is handled, its connection stands in for a session:
 * the address and the token are those of the request, because a proxy sends requests of many clients on one connection.
 *
 * Does not know: routes, messages.
 * Thread: the connection's worker. Between begin and end the connection has no other request.
 */
#ifndef STOA_SERVER_HTTP_CALLER_H
#define STOA_SERVER_HTTP_CALLER_H

#include <stoa/bytes.h>

struct stoa_error;
struct stoa_handler;
struct stoa_http_exchange;
struct stoa_peer;
struct stoa_session;

/* Set the client's address. Errors: STOA_E_MEMORY */
int stoa_http_caller_begin(struct stoa_session *session, const struct stoa_peer *client);
/* May a request of so many bytes be handled now (server.limits.rate)? NULL, or the error for the client in the worker's
 * arena. */
const struct stoa_error *stoa_http_caller_check_rate(struct stoa_session *session, size_t bytes);
/* Verify the token, and whether the handler needs one (stoa/auth.h).
 *
 * authorization  the field; data NULL: none
 * is_repeated    it comes twice: a proxy may have looked at the other one
 * Returns NULL, or the error for the client in the worker's arena. */
const struct stoa_error *stoa_http_caller_authenticate(struct stoa_session *session, const struct stoa_handler *handler,
                                                       struct stoa_string authorization, bool is_repeated);
/* The request was answered, or its client is gone: forget the caller, with the program's pointer and the user's name.
 */
void stoa_http_caller_end(struct stoa_session *session);

#endif
