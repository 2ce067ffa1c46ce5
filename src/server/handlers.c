#include "server/handlers.h"

#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>

int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler) {
  const struct stoa_handler_key key = {handler->type, handler->message, handler->reply};
  assert(!server->started);
  if (handler->invoke == NULL || handler->function == NULL || handler->message == NULL ||
      (handler->takes_plain && handler->reply == NULL)) {
    return STOA_E_ARGUMENT;
  }
  /* The routes first: they can be removed again. */
  struct stoa_handler copy = *handler;
  int status = stoa_handler_routes_add(&server->handler_routes, handler, &copy.http);
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_handler_table_add(&server->handlers, &key, &copy);
  if (status != STOA_OK) {
    stoa_handler_routes_drop(&server->handler_routes, handler->http_count);
  }
  if (status == STOA_E_EXISTS) {
    const struct stoa_handler *there = stoa_handler_table_find(&server->handlers, handler->type);
    stoa_log(STOA_LOG_ERROR, "this type has a handler already", STOA_F_STR("handler", handler->name),
             STOA_F_INT("type", handler->type), STOA_F_STR("existing_handler", there->name));
  }
  return status;
}

const char *stoa_handler_operation(const struct stoa_handler *handler) {
  if (handler->operation != NULL) {
    return handler->operation;
  }
  return handler->name == NULL ? "" : handler->name;
}
