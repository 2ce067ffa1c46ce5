/* server/app/reload.h: reads a program's configuration again and puts it in force: the library's sections, the level of
 * the log, and the program's own by its hook.
 *
 * Does not know: what asked for it.
 * Thread: the main thread. Lifetime: of the loader and the first reading.
 */
#ifndef STOA_SERVER_APP_RELOAD_H
#define STOA_SERVER_APP_RELOAD_H

#include "server/app/context.h"
#include "server/app/load.h"

struct stoa_app_reloader {
  const struct stoa_app_loader *loader;
  const struct stoa_app_loaded *first; /* of the start */
  struct stoa_app_loaded newest;       /* owned; what is in force since the last reload; zeroed: `first` is */
  int64_t read_us;                     /* when the files were read last, whatever came of it, by the wall clock */
};

/* Both are borrowed until fini. */
void stoa_app_reloader_init(struct stoa_app_reloader *reloader, const struct stoa_app_loader *loader,
                            const struct stoa_app_loaded *first);
void stoa_app_reloader_fini(struct stoa_app_reloader *reloader);
/* What is in force. */
const struct stoa_app_loaded *stoa_app_reloader_current(const struct stoa_app_reloader *reloader);

/* Reload, with context->reloader. Every mistake is logged, one line each, and then nothing has changed.
 * Errors: STOA_E_SYNTAX, STOA_E_LIMIT, STOA_E_MEMORY  as stoa_config_load(); as stoa_server_reload(); any status of the
 *         program's hook */
int stoa_app_reload(struct stoa_app_context *context);

#endif
