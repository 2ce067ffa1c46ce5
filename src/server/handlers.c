#include "server/handlers.h"

#include "base/array.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>

/* Where a type is, or where it would go. */
static size_t handler_place(const struct stoa_server *server, uint32_t type) {
  size_t low = 0;
  size_t high = server->handler_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (server->handlers[middle].type < type) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

const struct stoa_handler *stoa_server_find_handler(const struct stoa_server *server, uint32_t type) {
  size_t place = handler_place(server, type);
  bool found = place < server->handler_count && server->handlers[place].type == type;
  return found ? &server->handlers[place] : NULL;
}

static bool is_complete(const struct stoa_handler *handler) {
  return handler->type <= STOA_TYPE_MAX && handler->invoke != NULL && handler->function != NULL &&
         handler->message != NULL && handler->message->abi == STOA_DESCRIPTOR_ABI &&
         (handler->reply == NULL || handler->reply->abi == STOA_DESCRIPTOR_ABI);
}

int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler) {
  assert(!server->started);
  if (!is_complete(handler)) {
    return STOA_E_ARGUMENT;
  }
  size_t place = handler_place(server, handler->type);
  if (place < server->handler_count && server->handlers[place].type == handler->type) {
    stoa_log(STOA_LOG_ERROR, "a handler of this type is there already", STOA_F_STR("handler", handler->name),
             STOA_F_INT("type", handler->type), STOA_F_STR("there", server->handlers[place].name));
    return STOA_E_EXISTS;
  }
  if (stoa_array_resize(&server->handlers, sizeof *server->handlers, server->handler_count + 1) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  struct stoa_handler *handlers = server->handlers;
  memmove(handlers + place + 1, handlers + place, (server->handler_count - place) * sizeof *handlers);
  handlers[place] = *handler;
  assert(place == 0 || handlers[place - 1].type < handler->type);
  server->handler_count++;
  return STOA_OK;
}
