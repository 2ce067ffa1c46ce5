/* server/http/routes.h: the HTTP routes of a server, one table for each role of a listener.
 *
 * Does not know: requests, connections.
 * Thread: as stoa_server_add_route(); any after the start. Lifetime: a part of the server; entries live as long.
 */
#ifndef STOA_SERVER_HTTP_ROUTES_H
#define STOA_SERVER_HTTP_ROUTES_H

#include "wire/http_route.h"

#include <stoa/http.h>

#define STOA_ROUTE_BODY_BYTES_HIGHEST (64u * 1024 * 1024)
#define STOA_ROUTES_MAX STOA_HTTP_ROUTES_MAX_DEFAULT /* of a role */
/* Of keys for routes and for admin listeners. */
#define STOA_BEARER_KEY_LEN_MIN 32

struct stoa_handler_route;
struct stoa_http_routes;

/* A route, with copies of its texts. */
struct stoa_route_entry {
  struct stoa_route route;
  const struct stoa_handler_route *rpc; /* NULL: a route of the program */
  bool is_fallback;                     /* that of the HTTP fallback: see fallback.h */
  struct stoa_route_entry *next;
  char text[]; /* the key */
};

struct stoa_routes {
  struct stoa_http_routes *of_public; /* NULL: no routes */
  struct stoa_http_routes *of_admin;
  struct stoa_route_entry *entries;
  uint32_t body_bytes_max; /* the most that a route may have, 0 for none */
};

/* Zeroed is empty. */
void stoa_routes_fini(struct stoa_routes *routes);
/* Serve a route of an rpc, at the public listeners or at those of its role. `rpc` is borrowed as long as the routes
 * live, or until it is removed. Errors: as stoa_server_add_route() */
int stoa_routes_add_rpc(struct stoa_routes *routes, const struct stoa_handler_route *rpc, stoa_route_handler *handler);
void stoa_routes_remove_rpc(struct stoa_routes *routes, const struct stoa_handler_route *rpc);
/* Is it a key that a field can carry, and long enough? */
bool stoa_bearer_key_is_good(struct stoa_string key);

#endif
