#include "server/settings/reload.h"

#include "server/listener/tls.h"
#include "server/server_private.h"
#include "server/settings/keys.h"
#include "server/worker/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

#define NAMES_SIZE 1024

/* The parts of the report. */

static bool has_name(const char *const *names, size_t count, const char *start) {
  for (size_t i = 0; i < count; i++) {
    if (strncmp(names[i], start, strlen(start)) == 0) {
      return true;
    }
  }
  return false;
}

/* Keys that a reload can change, but not here and now. */
static void move_to_restart(struct stoa_reload_report *report, const char *start) {
  size_t kept = 0;
  for (size_t i = 0; i < report->changed_count; i++) {
    if (strncmp(report->changed[i], start, strlen(start)) == 0) {
      stoa_reload_report_add(report, report->changed[i], false);
    } else {
      report->changed[kept++] = report->changed[i];
    }
  }
  report->changed_count = kept;
}

static void report_keys(const struct stoa_server *server, const struct stoa_settings *now, struct stoa_reload *reload) {
  const struct stoa_settings_comparison after = {&reload->settings->config, &reload->settings->log};
  const struct stoa_settings_comparison in_force = {&now->config, &now->log};
  const struct stoa_settings_comparison at_start = {&server->config, NULL};
  stoa_settings_compare(&in_force, &after, true, &reload->report);
  stoa_settings_compare(&at_start, &(struct stoa_settings_comparison){after.config, NULL}, false, &reload->report);
}

/* Building. */

/* What cannot be replaced while the server runs stays as it was at the start. */
static void keep_what_stays(struct stoa_reload *reload) {
  const struct stoa_server *server = reload->server;
  struct stoa_settings *settings = reload->settings;
  settings->config.ping_interval_ms = server->config.ping_interval_ms;
  settings->session_limits.ping_ms = server->config.ping_interval_ms;
  if (!server->has_shedding && settings->shedding.lag_ms > 0) {
    stoa_reload_report_add(&reload->report, "server.shedding.lag_ms", true);
    move_to_restart(&reload->report, "server.shedding");
  }
}

/* The sections tls belong to listeners by their place in the list. */
static int renew_tls(struct stoa_reload *reload, const struct stoa_settings *now) {
  const struct stoa_server *server = reload->server;
  struct stoa_settings *settings = reload->settings;
  struct stoa_listeners_tls *own = NULL;
  struct stoa_server_config config = settings->config;
  const struct stoa_reload_report *report = &reload->report;
  if (has_name(report->needs_restart, report->needs_restart_count, "server.addresses") ||
      has_name(report->needs_restart, report->needs_restart_count, "server.listeners")) {
    config.listeners.items = server->config.listeners.items;
    config.listeners.count = server->config.listeners.count;
  }
  if (!stoa_listeners_tls_fits(server, &config)) {
    stoa_log(STOA_LOG_WARN,
             "an address would begin or cease to use a certificate of its own, which needs a restart; the certificates "
             "stay as they are",
             STOA_F_STR("option", "server.listeners"));
    move_to_restart(&reload->report, "server.tls");
    move_to_restart(&reload->report, "server.listeners");
    own = stoa_listeners_tls_ref(now->tls);
  } else {
    int status = stoa_listeners_tls_create(server, &config, now->tls, &own);
    if (status != STOA_OK) {
      return status;
    }
    stoa_listeners_tls_warn(server, own);
  }
  stoa_listeners_tls_unref(settings->tls);
  settings->tls = own;
  return STOA_OK;
}

static int check_open_listeners(const struct stoa_server *server, const struct stoa_settings *settings) {
  for (size_t i = 0; i < server->listeners.count; i++) {
    const struct stoa_server_listener *listener = &server->listeners.items[i];
    if (listener->is_admin && !stoa_admin_allows(settings, listener)) {
      stoa_log(STOA_LOG_ERROR, "an admin listener that is open to other machines needs its key until the next restart",
               STOA_F_TEXT("address", listener->configured), STOA_F_STR("option", "server.admin.key"));
      return STOA_E_ARGUMENT;
    }
  }
  return STOA_OK;
}

/* A second server is made of the configuration, which finds every mistake that a start would find; its settings are
 * what is wanted of it. */
static int make_settings(const struct stoa_server *server, const struct stoa_server_config *config,
                         struct stoa_settings **out_settings) {
  struct stoa_server *other;
  int status = stoa_server_make(config, server->clock, &other);
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_listeners_check_new(server, other);
  if (status == STOA_OK) {
    status = check_open_listeners(server, other->settings);
  }
  if (status == STOA_OK) {
    *out_settings = stoa_settings_ref(other->settings);
  }
  stoa_server_destroy(other);
  return status;
}

static int prepare(struct stoa_reload *reload, const struct stoa_server_config *config,
                   const struct stoa_log_config *log) {
  struct stoa_server *server = reload->server;
  int status = make_settings(server, config, &reload->settings);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_settings *now = stoa_server_settings(server);
  stoa_settings_set_log(reload->settings, log == NULL ? &now->log : log);
  report_keys(server, now, reload);
  keep_what_stays(reload);
  status = renew_tls(reload, now);
  stoa_settings_unref(now);
  return status;
}

int stoa_reload_prepare(struct stoa_server *server, const struct stoa_server_config *config,
                        const struct stoa_log_config *log, struct stoa_reload *out_reload) {
  struct stoa_reload *reload = out_reload;
  *reload = (struct stoa_reload){.server = server};
  if (!server->started) {
    return STOA_E_CLOSED;
  }
  pthread_mutex_lock(&server->reload_mutex);
  int status = prepare(reload, config, log);
  if (status != STOA_OK) {
    stoa_reload_drop(reload);
  }
  return status;
}

void stoa_reload_drop(struct stoa_reload *reload) {
  stoa_metrics_note_reload(reload->server, STOA_RELOAD_REFUSED);
  stoa_settings_unref(reload->settings);
  reload->settings = NULL;
  pthread_mutex_unlock(&reload->server->reload_mutex);
}

/* Putting it in force. */

void stoa_reload_log_restart(const char *key) {
  struct stoa_log_site site = {0}; /* one for each line: all of them are shown */
  const struct stoa_log_field fields[] = {STOA_F_STR("key", key)};
  stoa_log_write(&site, STOA_LOG_WARN, "a changed key needs a restart; its old value stays until then", fields, 1);
}

static void log_report(const struct stoa_reload_report *report, const char *more) {
  char names[NAMES_SIZE];
  size_t len = 0;
  names[0] = '\0';
  for (size_t i = 0; i < report->changed_count && len < sizeof names; i++) {
    len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len == 0 ? "" : ",", report->changed[i]);
  }
  if (more[0] != '\0' && len < sizeof names) {
    snprintf(names + len, sizeof names - len, "%s%s", len == 0 ? "" : ",", more);
  }
  stoa_log(STOA_LOG_INFO, "configuration reloaded", STOA_F_STR("changed", names));
  for (size_t i = 0; i < report->needs_restart_count; i++) {
    stoa_reload_log_restart(report->needs_restart[i]);
  }
}

void stoa_reload_commit(struct stoa_reload *reload, const char *more) {
  stoa_metrics_note_reload(reload->server, STOA_RELOAD_OK);
  assert(reload->settings != NULL);
  stoa_workers_use_settings(reload->server, reload->settings);
  reload->settings = NULL;
  log_report(&reload->report, more);
  pthread_mutex_unlock(&reload->server->reload_mutex);
}

int stoa_server_reload(struct stoa_server *server, const struct stoa_server_config *config,
                       struct stoa_reload_report *out_report) {
  struct stoa_reload reload;
  int status = stoa_reload_prepare(server, config, NULL, &reload);
  if (status != STOA_OK) {
    return status;
  }
  if (out_report != NULL) {
    *out_report = reload.report;
  }
  stoa_reload_commit(&reload, "");
  return STOA_OK;
}
