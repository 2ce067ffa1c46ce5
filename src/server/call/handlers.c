#include "server/call/handlers.h"

#include "server/http/rpc.h"
#include "server/server_private.h"
#include "wire/typed.h"

#include <assert.h>
#include <stoa/log.h>

/* Serve the routes that were added last. */
static int serve_routes(struct stoa_server *server, uint32_t count) {
  const struct stoa_handler_routes *routes = &server->handler_routes;
  int status = STOA_OK;
  for (uint32_t i = routes->count - count; i < routes->count && status == STOA_OK; i++) {
    status = stoa_routes_add_rpc(&server->routes, routes->items[i], stoa_http_rpc_handle);
  }
  return status;
}

/* Those that were not added are not found. */
static void drop_routes(struct stoa_server *server, uint32_t count) {
  const struct stoa_handler_routes *routes = &server->handler_routes;
  for (uint32_t i = routes->count - count; i < routes->count; i++) {
    stoa_routes_remove_rpc(&server->routes, routes->items[i]);
  }
  stoa_handler_routes_drop(&server->handler_routes, count);
}

int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler) {
  const struct stoa_handler_key key = {handler->type, handler->message, handler->reply};
  assert(!server->started);
  if (handler->invoke == NULL || handler->function == NULL || handler->message == NULL ||
      (handler->takes_plain && handler->reply == NULL) ||
      (handler->is_stream &&
       (handler->reply == NULL || handler->takes_plain || handler->type > STOA_TYPE_STREAM_MAX)) ||
      (handler->is_admin && (handler->http_count == 0 || handler->takes_plain))) {
    return STOA_E_ARGUMENT;
  }
  /* The routes first: they can be removed again. */
  struct stoa_handler copy = *handler;
  int status = stoa_handler_routes_add(&server->handler_routes, handler, &copy.http);
  if (status != STOA_OK) {
    return status;
  }
  status = serve_routes(server, handler->http_count);
  bool is_served = status == STOA_OK;
  if (is_served) {
    status = stoa_handler_table_add(&server->handlers, &key, &copy);
  }
  if (status != STOA_OK) {
    drop_routes(server, handler->http_count);
  }
  if (status == STOA_E_EXISTS && is_served) {
    const struct stoa_handler *there = stoa_handler_table_find(&server->handlers, handler->type);
    stoa_log(STOA_LOG_ERROR, "this type has a handler already", STOA_F_STR("handler", handler->name),
             STOA_F_INT("type", handler->type), STOA_F_STR("existing_handler", there->name));
  }
  return status;
}
