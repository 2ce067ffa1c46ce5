/* server/http/handler_routes.h: the HTTP routes of a server's handlers, checked and copied.
 *
 * Does not know: requests. Thread: one at a time while handlers are registered, any after that.
 * Lifetime: embedded in the server; routes live until fini. A zeroed one is empty.
 */
#ifndef STOA_SERVER_HTTP_HANDLER_ROUTES_H
#define STOA_SERVER_HTTP_HANDLER_ROUTES_H

#include "server/http/transcode.h"
#include "wire/http_route.h"

#define STOA_HANDLER_ROUTES_MAX STOA_HTTP_ROUTES_MAX_DEFAULT

struct stoa_handler_route {
  const struct stoa_http_binding *binding; /* a copy */
  const char *handler;                     /* its name; borrowed from the program */
  uint32_t type;                           /* its type number */
  enum stoa_http_route_method method;
  struct stoa_http_template template;
  bool is_admin; /* of admin listeners, not of public ones */
  bool is_first; /* of its handler's: the block with the handler's routes, bindings and texts begins here */
};

struct stoa_handler_routes {
  struct stoa_handler_route **items; /* in the order in which they were added */
  uint32_t count, capacity;
};

void stoa_handler_routes_fini(struct stoa_handler_routes *routes);

/* Add all routes of a handler, or none.
 *
 * out_http  the copies of the bindings, which live as long as the routes; NULL when the handler has none
 * Errors: STOA_E_SYNTAX    one is not valid (logged)
 *         STOA_E_EXISTS    one has the method and paths of another one (logged)
 *         STOA_E_ARGUMENT  the handler has routes and no reply
 *         STOA_E_LIMIT     STOA_HANDLER_ROUTES_MAX
 *         STOA_E_MEMORY */
int stoa_handler_routes_add(struct stoa_handler_routes *routes, const struct stoa_handler *handler,
                            const struct stoa_http_binding **out_http);
/* Remove those of the handler that was added last; it has `count` of them. */
void stoa_handler_routes_drop(struct stoa_handler_routes *routes, uint32_t count);

#endif
