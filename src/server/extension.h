/* server/extension.h: a library on top of the server, such as rooms, that follows workers and sessions beside the
 * program's own callbacks (struct stoa_callbacks).
 *
 * Thread: add before the start; callbacks on the worker.
 */
#ifndef STOA_SERVER_EXTENSION_H
#define STOA_SERVER_EXTENSION_H

#include "base/metric.h"

#include <stoa/http.h>
#include <stoa/server.h>

#define STOA_EXTENSIONS_MAX 4u

struct stoa_extension {
  /* Before the program's on_worker_start. A status other than STOA_OK ends the start. */
  int (*on_worker_start)(void *user, struct stoa_server *server, uint32_t worker);
  /* The session has left its groups but those with the extension's mark (struct stoa_membership), which are to be left
   * now, and nothing can be sent to it any more; before the program's on_closing. Also for sessions that were never
   * admitted. */
  void (*on_closing)(void *user, struct stoa_session *session);
  /* After the program's on_worker_stop. Only when on_worker_start succeeded. */
  void (*on_worker_stop)(void *user, struct stoa_server *server, uint32_t worker);
  void *user; /* borrowed until the server is destroyed */
  /* Its check in /readyz (stoa_server_add_check()); check_name NULL: it has none. A check of the program with that name
   * takes its place. */
  const char *check_name;
  stoa_ready_check *check;
  /* Its sets of metrics, written into /metrics behind the server's own: NULL at and above their number. Any worker,
   * while the server runs. May be NULL. */
  const struct stoa_metrics *(*metrics)(void *user, uint32_t index);
};

/* The first three functions must be set. Copied.
 * Errors: STOA_E_LIMIT  STOA_EXTENSIONS_MAX, or the checks of the server; STOA_E_MEMORY */
int stoa_server_extend(struct stoa_server *server, const struct stoa_extension *extension);

#endif
