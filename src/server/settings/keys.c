#include "server/settings/keys.h"

#include "base/array.h"
#include "server/config/compare.h"

#include <assert.h>

#define HOT true
#define COLD false

/* Cold are: what is opened once (addresses, files, threads, rings), what clients were told at their handshake (path,
 * codec, forms, the interval of pings), and what is built into structures that sessions share (linger). */
static const struct stoa_settings_key keys[] = {
    {"server.addresses", COLD},
    {"server.path", COLD},
    {"server.codec", COLD},
    {"server.byte_order", COLD},
    {"server.payload_type", COLD},
    {"server.allowed_origins", HOT},
    {"server.workers", COLD},
    {"server.web_root", COLD},
    {"server.tls.certificate", HOT},
    {"server.tls.key", HOT},
    {"server.tls.min_version", HOT},
    {"server.tls.groups", HOT},
    {"server.tls.ciphers", HOT},
    {"server.tls.suites", HOT},
    {"server.tls.tickets", HOT},
    {"server.tls.ticket_rotation_s", HOT},
    {"server.tls.client_ca", HOT},
    {"server.tls.client_verify", HOT},
    {"server.tls.ocsp_file", HOT},
    {"server.tls.certificates", HOT},
    {"server.tls.refuse_unknown_names", HOT},
    {"server.limits.handshake_timeout_ms", HOT},
    {"server.limits.head_bytes_max", HOT},
    {"server.limits.target_bytes_max", HOT},
    {"server.limits.head_fields_max", HOT},
    {"server.limits.message_bytes_max", HOT},
    {"server.limits.message_timeout_ms", HOT},
    {"server.limits.send_queue_bytes_max", HOT},
    {"server.limits.address_sessions_max", HOT},
    {"server.limits.limit_loopback", HOT},
    {"server.limits.session_errors_max", HOT},
    {"server.limits.sessions_max", HOT},
    {"server.limits.connections_max", HOT},
    {"server.limits.rate.messages_per_s", HOT},
    {"server.limits.rate.messages_burst", HOT},
    {"server.limits.rate.bytes_per_s", HOT},
    {"server.limits.rate.bytes_burst", HOT},
    {"server.limits.rate.excess_max", HOT},
    {"server.limits.mailbox_bytes_max", HOT},
    {"server.limits.address_handshakes_per_s", HOT},
    {"server.limits.session_calls_max", HOT},
    {"server.limits.call_timeout_ms", HOT},
    {"server.limits.body_bytes_max", HOT},
    {"server.limits.body_timeout_ms", HOT},
    {"server.limits.bodies_bytes_max", HOT},
    {"server.compression", HOT},
    {"server.ping_interval_ms", COLD},
    {"server.pong_timeout_ms", HOT},
    {"server.drain_ms", HOT},
    {"server.reuse_port", COLD},
    {"server.io_uring", COLD},
    {"server.linger_ms", COLD},
    {"server.linger_adaptive", COLD},
    {"server.listeners", COLD},
    {"server.listeners.address", COLD},
    {"server.listeners.role", COLD},
    {"server.listeners.tls", HOT},
    {"server.listeners.proxy_protocol", COLD},
    {"server.listeners.mode", COLD},
    {"server.trusted_proxies", HOT},
    {"server.hosts", HOT},
    {"server.admin.address", COLD},
    {"server.admin.key", HOT},
    {"server.admin.key_file", HOT},
    {"server.auth.jwks_file", HOT},
    {"server.auth.public_key_file", HOT},
    {"server.auth.secret_file", HOT},
    {"server.auth.secret", HOT},
    {"server.auth.issuer", HOT},
    {"server.auth.audiences", HOT},
    {"server.auth.required", HOT},
    {"server.auth.leeway_s", HOT},
    {"server.auth.query_token", HOT},
    {"server.run_as", COLD},
    {"server.cors.allowed_origins", HOT},
    {"server.cors.methods", HOT},
    {"server.cors.headers", HOT},
    {"server.cors.max_age_s", HOT},
    {"server.cors.credentials", HOT},
    {"server.shedding.lag_ms", HOT},
    {"server.tracing.endpoint", COLD},
    {"server.tracing.header_secrets", COLD},
    {"server.tracing.header_secrets_file", COLD},
    {"server.tracing.ca_file", COLD},
    {"server.tracing.service_name", COLD},
    {"server.tracing.sampling", HOT},
    {"server.tracing.sample", HOT},
    {"server.tracing.spans_max", COLD},
    {"server.tracing.timeout_ms", COLD},
    {"server.http_fallback", COLD},
    {"log.level", HOT},
    {"log.format", COLD},
    {"log.connections", HOT},
    {"log.slow_turn_ms", HOT},
    {"log.requests.mode", HOT},
    {"log.requests.sample", HOT},
};

const struct stoa_settings_key *stoa_settings_key_at(size_t index) {
  return index < STOA_COUNT_OF(keys) ? &keys[index] : NULL;
}

const struct stoa_settings_key *stoa_settings_key_of(const char *path) {
  for (size_t i = 0; i < STOA_COUNT_OF(keys); i++) {
    if (strcmp(keys[i].path, path) == 0) {
      return &keys[i];
    }
  }
  return NULL;
}

void stoa_reload_report_add(struct stoa_reload_report *report, const char *path, bool is_hot) {
  const struct stoa_settings_key *key = stoa_settings_key_of(path);
  const char **names = is_hot ? report->changed : report->needs_restart;
  size_t *count = is_hot ? &report->changed_count : &report->needs_restart_count;
  assert(key != NULL);
  for (size_t i = 0; i < *count; i++) {
    if (names[i] == key->path) {
      return;
    }
  }
  assert(*count < STOA_RELOAD_KEYS_MAX);
  names[(*count)++] = key->path;
}

struct taking {
  struct stoa_reload_report *report;
  bool wants_hot;
};

/* A section that is a key itself. A list of listeners is not: its items have keys below it. */
static bool is_whole(void *context, const char *path) {
  (void)context;
  return stoa_settings_key_of(path) != NULL && strcmp(path, "server.listeners") != 0;
}

static void on_difference(void *context, const char *path) {
  const struct taking *taking = context;
  const struct stoa_settings_key *key = stoa_settings_key_of(path);
  assert(key != NULL);
  if (key->is_hot == taking->wants_hot) {
    stoa_reload_report_add(taking->report, path, key->is_hot);
  }
}

void stoa_settings_compare(const struct stoa_settings_comparison *before, const struct stoa_settings_comparison *after,
                           bool wants_hot, struct stoa_reload_report *report) {
  static_assert(STOA_COUNT_OF(keys) <= STOA_RELOAD_KEYS_MAX, "a report has room for all keys");
  struct taking taking = {report, wants_hot};
  const struct stoa_config_comparison comparison = {is_whole, on_difference, &taking};
  stoa_config_compare(&stoa_server_config_type, "server", before->config, after->config, &comparison);
  if (after->log != NULL) {
    stoa_config_compare(&stoa_log_config_type, "log", before->log, after->log, &comparison);
  }
}
