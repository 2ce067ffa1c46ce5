/* server/settings/reload.h: replaces the settings of a server that runs: everything is built and checked first, then
 * one step that cannot fail puts it in force.
 *
 * Does not know: where the configuration comes from.
 * Thread: any, while the server runs. Between prepare and its end, no other reload of the server begins.
 */
#ifndef STOA_SERVER_SETTINGS_RELOAD_H
#define STOA_SERVER_SETTINGS_RELOAD_H

#include <stoa/server.h>

struct stoa_settings;

struct stoa_reload {
  struct stoa_server *server;
  struct stoa_settings *settings; /* owned until its end */
  struct stoa_reload_report report;
};

/* Build and check. With STOA_OK either commit or drop follows, on the same thread.
 *
 * log     NULL: it stays as it is
 * Errors: as stoa_server_reload() */
int stoa_reload_prepare(struct stoa_server *server, const struct stoa_server_config *config,
                        const struct stoa_log_config *log, struct stoa_reload *out_reload);
/* Put it in force, and log what has changed.
 *
 * more  names of other keys that have changed, or "" */
void stoa_reload_commit(struct stoa_reload *reload, const char *more);
/* Forget it; nothing has changed. */
void stoa_reload_drop(struct stoa_reload *reload);

/* One line for a key whose new value needs a restart. */
void stoa_reload_log_restart(const char *key);

#endif
