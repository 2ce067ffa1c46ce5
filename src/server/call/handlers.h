/* server/call/handlers.h: the handlers of a server, by type number (codec/handler_table.h). */
#ifndef STOA_SERVER_CALL_HANDLERS_H
#define STOA_SERVER_CALL_HANDLERS_H

#include <stoa/handler.h>

/* The operation, or the name when there is none, or "". */
static inline const char *stoa_handler_operation(const struct stoa_handler *handler) {
  if (handler->operation != NULL) {
    return handler->operation;
  }
  return handler->name == NULL ? "" : handler->name;
}

#endif
