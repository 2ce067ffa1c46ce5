/* server/app/context.h: a running program's own struct: what it consists of, and what it tells its parts.
 *
 * Does not know: the order of its steps (life.h), the command line (app.c).
 * Thread: the main thread, except where stoa/app.h says otherwise. Lifetime: of stoa_app_run().
 */
#ifndef STOA_SERVER_APP_CONTEXT_H
#define STOA_SERVER_APP_CONTEXT_H

#include "server/app/guard.h"
#include "server/app/start_text.h"
#include "server/app/watch.h"

#include <stoa/app.h>
#include <stoa/uuid.h>

struct stoa_app_reloader;

struct stoa_app_context {
  const struct stoa_app *app;
  const void *config;
  char own_id[STOA_UUID_TEXT_LEN + 1];
  bool in_setup; /* servers and components may be added */
  bool has_guard;
  struct stoa_server *servers[STOA_APP_SERVERS_MAX]; /* owned */
  size_t server_count;
  size_t begun_count; /* servers that run */
  struct stoa_app_component components[STOA_APP_COMPONENTS_MAX];
  size_t component_count;
  size_t started_count;
  /* Read the configuration again: called on the main thread, after RELOADING=1 was sent. An error is logged by the
   * callee, and everything stays as it was. NULL: SIGHUP is logged and ignored. */
  int (*on_reload)(struct stoa_app_context *context);
  struct stoa_app_reloader *reloader; /* borrowed; of on_reload */
  bool reload_waits;                  /* asked for during the start */
  struct stoa_watch watch;            /* of its files; closed: they are not watched */
  struct stoa_start_facts facts;      /* the program's notes */
  struct stoa_guard guard;
};

/* `app` and `config` are borrowed. Takes the server, also after an error.
 * Errors: STOA_E_SYSTEM  there are no random bytes for an id; STOA_E_MEMORY */
int stoa_app_context_init(struct stoa_app_context *out_context, const struct stoa_app *app, const void *config,
                          struct stoa_server *server);
/* Destroy the servers, the last one first. */
void stoa_app_context_fini(struct stoa_app_context *context);

#endif
