#include "server/settings/settings.h"

#include "base/memory.h"
#include "server/listener/tls.h"
#include "server/settings/options.h"

#include <assert.h>
#include <stoa/middleware.h>
#include <stoa/token.h>

#define CONFIG_BYTES_MAX (1024u * 1024)

/* A section that is left out is one with all defaults, so that snapshots can be compared key by key. */
static void take_sections(struct stoa_settings *settings) {
  static const struct stoa_tls_config no_tls;
  static const struct stoa_auth_config no_auth;
  static const struct stoa_admin_config no_admin;
  static const struct stoa_cors_config no_cors;
  struct stoa_server_config *config = &settings->config;
  config->tls = config->tls == NULL ? &no_tls : config->tls;
  config->auth = config->auth == NULL ? &no_auth : config->auth;
  config->admin = config->admin == NULL ? &no_admin : config->admin;
  config->cors = config->cors == NULL ? &no_cors : config->cors;
  if (config->limits != NULL) {
    settings->limits = *config->limits;
  }
  if (settings->limits.rate != NULL) {
    settings->rate_asked = *settings->limits.rate;
  }
  if (config->shedding != NULL) {
    settings->shedding = *config->shedding;
  }
  config->limits = &settings->limits;
  settings->limits.rate = &settings->rate_asked;
  config->shedding = &settings->shedding;
}

/* What is derived from numbers alone. */
static void derive(struct stoa_settings *settings) {
  const struct stoa_limits_config *limits = &settings->limits;
  const struct stoa_rate_config *rate = &settings->rate_asked;
  settings->rate = (struct stoa_rate_limits){rate->messages_per_s, rate->messages_burst, rate->bytes_per_s,
                                             rate->bytes_burst, rate->excess_max};
  settings->http_limits =
      (struct stoa_http_limits){limits->head_bytes_max, limits->target_bytes_max, limits->head_fields_max};
  settings->session_limits = (struct stoa_session_limits){
      .message_bytes_max = limits->message_bytes_max,
      .message_ms = limits->message_timeout_ms,
      .ping_ms = settings->config.ping_interval_ms,
      .pong_ms = settings->config.pong_timeout_ms,
  };
}

void stoa_settings_set_log(struct stoa_settings *settings, const struct stoa_log_config *log) {
  settings->log = log == NULL ? (struct stoa_log_config){0} : *log;
  settings->requests = settings->log.requests == NULL ? (struct stoa_request_log_config){0} : *settings->log.requests;
  settings->log.requests = &settings->requests;
  settings->requests.sample = settings->requests.sample == 0 ? STOA_REQUEST_LOG_SAMPLE : settings->requests.sample;
  stoa_options_fill_log(&settings->log);
}

int stoa_settings_create(const struct stoa_server_config *config, const struct stoa_log_config *log,
                         struct stoa_settings **out_settings) {
  struct stoa_settings *settings = stoa_calloc(1, sizeof *settings);
  if (settings == NULL) {
    return STOA_E_MEMORY;
  }
  atomic_init(&settings->refs, 1);
  settings->arena = stoa_arena_create(CONFIG_BYTES_MAX);
  if (config != NULL) {
    settings->config = *config;
  }
  take_sections(settings);
  stoa_options_fill(&settings->config, &settings->limits, &settings->rate_asked);
  if (settings->arena == NULL || !stoa_options_copy(settings->arena, &settings->config)) {
    stoa_settings_unref(settings);
    return STOA_E_MEMORY;
  }
  derive(settings);
  stoa_settings_set_log(settings, log);
  *out_settings = settings;
  return STOA_OK;
}

struct stoa_settings *stoa_settings_ref(struct stoa_settings *settings) {
  unsigned before = atomic_fetch_add(&settings->refs, 1);
  assert(before > 0);
  (void)before;
  return settings;
}

/* Secrets do not stay in freed memory. */
static void wipe(struct stoa_string text) {
  if (text.len > 0) {
    stoa_secret_wipe((char *)(uintptr_t)text.data, text.len); /* a copy in the arena */
  }
}

void stoa_settings_unref(struct stoa_settings *settings) {
  if (settings == NULL || atomic_fetch_sub(&settings->refs, 1) > 1) {
    return;
  }
  stoa_listeners_tls_unref(settings->tls);
  stoa_auth_fini(&settings->auth);
  wipe(settings->admin_key);
  stoa_arena_destroy(settings->arena);
  stoa_free(settings);
}
