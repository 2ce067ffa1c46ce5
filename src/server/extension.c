#include "server/extension.h"

#include "server/server_private.h"

#include <assert.h>

int stoa_server_extend(struct stoa_server *server, const struct stoa_extension *extension) {
  assert(!server->started);
  assert(extension->on_worker_start != NULL && extension->on_closing != NULL && extension->on_worker_stop != NULL);
  if (server->extension_count == STOA_EXTENSIONS_MAX) {
    return STOA_E_LIMIT;
  }
  int status = extension->check_name == NULL
                   ? STOA_OK
                   : stoa_server_add_check(server, extension->check_name, extension->check, extension->user);
  if (status != STOA_OK && status != STOA_E_EXISTS) {
    return status;
  }
  server->extensions[server->extension_count++] = *extension;
  return STOA_OK;
}
