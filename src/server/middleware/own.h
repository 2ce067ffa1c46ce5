/* server/middleware/own.h: adds a middleware whose `user` is heap memory of its own.
 *
 * Thread: as stoa_server_use().
 */
#ifndef STOA_SERVER_MIDDLEWARE_OWN_H
#define STOA_SERVER_MIDDLEWARE_OWN_H

#include "base/memory.h"

#include <stoa/middleware.h>

/* Add it. `middleware->user` NULL: memory was out. After an error `destroy` has been called for the others.
 * Errors: STOA_E_MEMORY; as stoa_server_use() */
static inline int stoa_middleware_own(struct stoa_server *server, const struct stoa_selector *selector,
                                      const struct stoa_middleware *middleware) {
  int status = middleware->user == NULL ? STOA_E_MEMORY : stoa_server_use(server, selector, middleware);
  if (status != STOA_OK && middleware->user != NULL) {
    middleware->destroy(middleware->user);
  }
  return status;
}

#endif
