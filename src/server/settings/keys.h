/* server/settings/keys.h: which keys of the configuration a reload changes, and which need a restart.
 *
 * Each key of the sections server and log stands in one table; a test compares it with the descriptors and with
 * docs/configuration.md.
 *
 * Does not know: how a value is applied.
 * Thread: any; nothing changes.
 */
#ifndef STOA_SERVER_SETTINGS_KEYS_H
#define STOA_SERVER_SETTINGS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stoa/server.h>

struct stoa_settings_key {
  const char *path; /* "server.limits.rate.messages_per_s"; items of a list have no number */
  bool is_hot;      /* false: the value is that of the start, until a restart */
};

/* NULL: there is no such key, but perhaps keys below it. */
const struct stoa_settings_key *stoa_settings_key_of(const char *path);
/* The n-th; NULL after the last one. */
const struct stoa_settings_key *stoa_settings_key_at(size_t index);

/* Add the keys that differ, each once: hot ones to `changed`, others to `needs_restart`, if that kind is wanted. */
struct stoa_settings_comparison {
  const struct stoa_server_config *config;
  const struct stoa_log_config *log; /* NULL: not compared */
};
void stoa_settings_compare(const struct stoa_settings_comparison *before, const struct stoa_settings_comparison *after,
                           bool wants_hot, struct stoa_reload_report *report);
/* Add one key that needs a restart although the table says otherwise. */
void stoa_reload_report_add(struct stoa_reload_report *report, const char *path, bool is_hot);

#endif
