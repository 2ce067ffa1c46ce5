#include "server/http/routes.h"

#include "base/memory.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>
#include <stoa/token.h>

#define ROLES_ALL (STOA_ROUTE_PUBLIC | STOA_ROUTE_ADMIN)

void stoa_routes_fini(struct stoa_routes *routes) {
  stoa_http_routes_destroy(routes->of_public);
  stoa_http_routes_destroy(routes->of_admin);
  while (routes->entries != NULL) {
    struct stoa_route_entry *entry = routes->entries;
    routes->entries = entry->next;
    stoa_secret_wipe(entry->text, entry->route.bearer_key.len);
    stoa_free(entry);
  }
  *routes = (struct stoa_routes){.entries = NULL};
}

bool stoa_bearer_key_is_good(struct stoa_string key) {
  for (size_t i = 0; i < key.len; i++) {
    if (key.data[i] <= ' ' || key.data[i] > '~') {
      return false;
    }
  }
  return key.len >= STOA_BEARER_KEY_LEN_MIN;
}

static int check(const struct stoa_route *route, enum stoa_http_route_method *out_method) {
  bool has_good_key = route->bearer_key.len == 0 || stoa_bearer_key_is_good(route->bearer_key);
  bool has_good_type = route->message == NULL || route->message->abi == STOA_DESCRIPTOR_ABI;
  if (route->method == NULL || route->path == NULL || route->handler == NULL ||
      (route->roles & ~(uint32_t)ROLES_ALL) != 0 || route->body_bytes_max > STOA_ROUTE_BODY_BYTES_HIGHEST ||
      !has_good_key || !has_good_type || !stoa_http_route_method_of(stoa_string_of(route->method), out_method)) {
    return STOA_E_ARGUMENT;
  }
  return STOA_OK;
}

static struct stoa_route_entry *copy(const struct stoa_route *route) {
  struct stoa_route_entry *entry = stoa_calloc(1, sizeof *entry + route->bearer_key.len);
  if (entry != NULL) {
    entry->route = *route;
    if (route->bearer_key.len > 0) {
      memcpy(entry->text, route->bearer_key.data, route->bearer_key.len);
    }
    entry->route.bearer_key = stoa_string_make(entry->text, route->bearer_key.len);
    entry->route.roles = route->roles == 0 ? STOA_ROUTE_PUBLIC : route->roles;
    /* Not needed any more: the tables have their own copies. */
    entry->route.method = NULL;
    entry->route.path = NULL;
  }
  return entry;
}

static const char *name_of(const struct stoa_handler_route *rpc) {
  return rpc == NULL ? "a route of the program" : rpc->handler == NULL ? "" : rpc->handler;
}

static void tell(const struct stoa_route *route, const struct stoa_handler_route *rpc, int status,
                 const struct stoa_http_route_problem *problem) {
  if (status == STOA_E_SYNTAX) {
    stoa_log(STOA_LOG_ERROR, "the path of a route is not a template", STOA_F_STR("method", route->method),
             STOA_F_STR("path", route->path), STOA_F_STR("reason", stoa_http_template_error_text(problem->error)),
             STOA_F_INT("at", problem->at));
  } else if (status == STOA_E_EXISTS) {
    const struct stoa_route_entry *other = problem->other->context;
    stoa_log(STOA_LOG_ERROR, "there is a route for the same method and paths already",
             STOA_F_STR("handler", name_of(rpc)), STOA_F_STR("method", route->method), STOA_F_STR("path", route->path),
             STOA_F_STR("existing_handler", name_of(other->rpc)),
             STOA_F_TEXT("existing_path", problem->other->template.text));
  }
}

/* Add to one table, which is made when it is first needed. */
static int add_to(struct stoa_http_routes **table, enum stoa_http_route_method method, const char *path,
                  struct stoa_route_entry *entry, struct stoa_http_route_problem *problem) {
  if (*table == NULL) {
    *table = stoa_http_routes_create(STOA_ROUTES_MAX);
  }
  return *table == NULL ? STOA_E_MEMORY : stoa_http_routes_add(*table, method, stoa_string_of(path), entry, problem);
}

/* Also from the table that has taken it before the other one did not. */
static void forget(struct stoa_routes *routes, struct stoa_route_entry *entry) {
  if (routes->of_public != NULL) {
    stoa_http_routes_remove(routes->of_public, entry);
  }
  if (routes->of_admin != NULL) {
    stoa_http_routes_remove(routes->of_admin, entry);
  }
  stoa_free(entry);
}

static int add(struct stoa_routes *routes, const struct stoa_route *route, const struct stoa_handler_route *rpc) {
  struct stoa_http_route_problem problem = {.error = STOA_HTTP_TEMPLATE_OK};
  enum stoa_http_route_method method;
  int status = check(route, &method);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_route_entry *entry = copy(route);
  if (entry == NULL) {
    return STOA_E_MEMORY;
  }
  entry->rpc = rpc;
  if ((entry->route.roles & STOA_ROUTE_PUBLIC) != 0) {
    status = add_to(&routes->of_public, method, route->path, entry, &problem);
  }
  if (status == STOA_OK && (entry->route.roles & STOA_ROUTE_ADMIN) != 0) {
    status = add_to(&routes->of_admin, method, route->path, entry, &problem);
  }
  if (status != STOA_OK) {
    tell(route, rpc, status, &problem);
    forget(routes, entry);
    return status;
  }
  entry->next = routes->entries;
  routes->entries = entry;
  if (route->body_bytes_max > routes->body_bytes_max) {
    routes->body_bytes_max = route->body_bytes_max;
  }
  return STOA_OK;
}

int stoa_server_add_route(struct stoa_server *server, const struct stoa_route *route) {
  assert(!server->started);
  return add(&server->routes, route, NULL);
}

/* Of rpcs. */

int stoa_routes_add_rpc(struct stoa_routes *routes, const struct stoa_handler_route *rpc, stoa_route_handler *handler) {
  const struct stoa_route route = {.method = rpc->binding->method,
                                   .path = rpc->binding->path,
                                   .roles = rpc->is_admin ? STOA_ROUTE_ADMIN : STOA_ROUTE_PUBLIC,
                                   .handler = handler};
  return add(routes, &route, rpc);
}

void stoa_routes_remove_rpc(struct stoa_routes *routes, const struct stoa_handler_route *rpc) {
  for (struct stoa_route_entry **link = &routes->entries; *link != NULL; link = &(*link)->next) {
    struct stoa_route_entry *entry = *link;
    if (entry->rpc == rpc) {
      *link = entry->next;
      forget(routes, entry);
      return;
    }
  }
}
