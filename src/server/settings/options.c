#include "server/settings/options.h"

#include "base/array.h"
#include "net/tls_server.h"
#include "server/app/run_as.h"
#include "server/group/group.h"
#include "server/http/cors.h"
#include "server/http/routes.h"
#include "server/http/serve.h"
#include "server/listener/listeners.h"

#include <sched.h>
#include <stoa/log.h>

#define LINGER_MS_HIGHEST 10
#define MESSAGE_BYTES_HIGHEST (16u * 1024 * 1024)
#define CORS_MAX_AGE_S 600
#define MAILBOX_BYTES_DEFAULT (16u * 1024 * 1024)
/* Messages gathered from a full mailbox must fit in 32-bit offsets, in any codec and twice. */
#define MAILBOX_BYTES_HIGHEST (128u * 1024 * 1024)

static const struct stoa_string default_addresses[] = {STOA_STR("0.0.0.0:7700")};

static void or_default(uint32_t *value, uint32_t fallback) {
  if (*value == 0) {
    *value = fallback;
  }
}

static uint32_t core_count(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) {
    return 1;
  }
  return (uint32_t)CPU_COUNT(&set);
}

/* Copies end with a NUL, because paths are passed to the kernel. */
static bool copy_text(struct stoa_arena *arena, struct stoa_string *text, const char *fallback) {
  struct stoa_string source = text->len == 0 ? stoa_string_of(fallback) : *text;
  *text = stoa_arena_copy(arena, source);
  return text->data != NULL;
}

static const struct stoa_string *copy_list(struct stoa_arena *arena, const struct stoa_string *items, size_t count) {
  struct stoa_string *copies = stoa_arena_alloc(arena, count * sizeof *copies);
  for (size_t i = 0; copies != NULL && i < count; i++) {
    copies[i] = stoa_arena_copy(arena, items[i]);
    if (copies[i].data == NULL) {
      return NULL;
    }
  }
  return copies;
}

static void or_text(struct stoa_string *text, const char *fallback) {
  if (text->len == 0) {
    *text = stoa_string_of(fallback);
  }
}

void stoa_options_fill_tls(struct stoa_tls_config *tls) {
  or_text(&tls->min_version, STOA_TLS_MIN_VERSION_DEFAULT);
  or_text(&tls->groups, STOA_TLS_GROUPS_DEFAULT);
  or_text(&tls->ciphers, STOA_TLS_CIPHERS_DEFAULT);
  or_text(&tls->suites, STOA_TLS_SUITES_DEFAULT);
  or_default(&tls->ticket_rotation_s, STOA_TLS_TICKET_ROTATION_S_DEFAULT);
}

static bool copy_certificates(struct stoa_arena *arena, struct stoa_tls_config *tls) {
  size_t count = tls->certificates.count;
  struct stoa_certificate_config *copies = stoa_arena_alloc(arena, count * sizeof *copies);
  for (size_t i = 0; copies != NULL && i < count; i++) {
    copies[i] = tls->certificates.items[i];
    if (!copy_text(arena, &copies[i].certificate, "") || !copy_text(arena, &copies[i].key, "") ||
        !copy_text(arena, &copies[i].ocsp_file, "")) {
      return false;
    }
  }
  tls->certificates.items = copies;
  return copies != NULL;
}

bool stoa_options_copy_tls(struct stoa_arena *arena, const struct stoa_tls_config **tls) {
  if (*tls == NULL) {
    return true;
  }
  struct stoa_tls_config *copy = stoa_arena_calloc(arena, sizeof *copy);
  if (copy == NULL) {
    return false;
  }
  *copy = **tls;
  *tls = copy;
  stoa_options_fill_tls(copy);
  return copy_text(arena, &copy->certificate, "") && copy_text(arena, &copy->key, "") &&
         copy_text(arena, &copy->min_version, "") && copy_text(arena, &copy->groups, "") &&
         copy_text(arena, &copy->ciphers, "") && copy_text(arena, &copy->suites, "") &&
         copy_text(arena, &copy->client_ca, "") && copy_text(arena, &copy->ocsp_file, "") &&
         copy_certificates(arena, copy);
}

static bool copy_admin(struct stoa_arena *arena, const struct stoa_admin_config **admin) {
  if (*admin == NULL) {
    return true;
  }
  struct stoa_admin_config *copy = stoa_arena_calloc(arena, sizeof *copy);
  if (copy == NULL) {
    return false;
  }
  *copy = **admin;
  *admin = copy;
  return copy_text(arena, &copy->address, "") && copy_text(arena, &copy->key, "") &&
         copy_text(arena, &copy->key_file, "");
}

static bool copy_cors(struct stoa_arena *arena, const struct stoa_cors_config **cors) {
  if (*cors == NULL) {
    return true;
  }
  struct stoa_cors_config *copy = stoa_arena_calloc(arena, sizeof *copy);
  if (copy == NULL) {
    return false;
  }
  *copy = **cors;
  *cors = copy;
  or_default(&copy->max_age_s, CORS_MAX_AGE_S);
  copy->allowed_origins.items = copy_list(arena, copy->allowed_origins.items, copy->allowed_origins.count);
  copy->methods.items = copy_list(arena, copy->methods.items, copy->methods.count);
  copy->headers.items = copy_list(arena, copy->headers.items, copy->headers.count);
  return copy->allowed_origins.items != NULL && copy->methods.items != NULL && copy->headers.items != NULL;
}

static const struct stoa_listener_config *copy_listeners(struct stoa_arena *arena,
                                                         const struct stoa_listener_config *items, size_t count) {
  struct stoa_listener_config *copies = stoa_arena_alloc(arena, count * sizeof *copies);
  for (size_t i = 0; copies != NULL && i < count; i++) {
    copies[i] = items[i];
    if (!copy_text(arena, &copies[i].address, "") || !copy_text(arena, &copies[i].mode, "") ||
        !stoa_options_copy_tls(arena, &copies[i].tls)) {
      return NULL;
    }
  }
  return copies;
}

static bool copy_lists(struct stoa_arena *arena, struct stoa_server_config *config) {
  config->addresses.items = copy_list(arena, config->addresses.items, config->addresses.count);
  config->allowed_origins.items = copy_list(arena, config->allowed_origins.items, config->allowed_origins.count);
  config->listeners.items = copy_listeners(arena, config->listeners.items, config->listeners.count);
  config->trusted_proxies.items = copy_list(arena, config->trusted_proxies.items, config->trusted_proxies.count);
  config->hosts.items = copy_list(arena, config->hosts.items, config->hosts.count);
  return config->addresses.items != NULL && config->allowed_origins.items != NULL && config->listeners.items != NULL &&
         config->trusted_proxies.items != NULL && config->hosts.items != NULL;
}

static bool copy_auth(struct stoa_arena *arena, const struct stoa_auth_config **auth) {
  if (*auth == NULL) {
    return true;
  }
  struct stoa_auth_config *copy = stoa_arena_calloc(arena, sizeof *copy);
  if (copy == NULL) {
    return false;
  }
  *copy = **auth;
  *auth = copy;
  struct stoa_string *texts[] = {&copy->jwks_file, &copy->public_key_file, &copy->secret_file, &copy->secret,
                                 &copy->issuer};
  for (size_t i = 0; i < STOA_COUNT_OF(texts); i++) {
    if (!copy_text(arena, texts[i], "")) {
      return false;
    }
  }
  copy->audiences.items = copy_list(arena, copy->audiences.items, copy->audiences.count);
  return copy->audiences.items != NULL;
}

bool stoa_options_copy(struct stoa_arena *arena, struct stoa_server_config *config) {
  return copy_lists(arena, config) && copy_text(arena, &config->path, "") && copy_text(arena, &config->codec, "") &&
         copy_text(arena, &config->web_root, "") && copy_text(arena, &config->run_as, "") &&
         stoa_options_copy_tls(arena, &config->tls) && copy_auth(arena, &config->auth) &&
         copy_admin(arena, &config->admin) && copy_cors(arena, &config->cors);
}

static void fill_limits(struct stoa_limits_config *limits) {
  or_default(&limits->handshake_timeout_ms, 10000);
  or_default(&limits->head_bytes_max, STOA_HTTP_HEAD_BYTES_MAX_DEFAULT);
  or_default(&limits->target_bytes_max, STOA_HTTP_TARGET_BYTES_MAX_DEFAULT);
  or_default(&limits->head_fields_max, STOA_HTTP_FIELDS_MAX);
  or_default(&limits->message_bytes_max, 64 * 1024);
  or_default(&limits->message_timeout_ms, 60000);
  or_default(&limits->send_queue_bytes_max, 1024 * 1024);
  or_default(&limits->address_sessions_max, 256);
  or_default(&limits->session_errors_max, 100);
  or_default(&limits->address_handshakes_per_s, 20);
  or_default(&limits->mailbox_bytes_max, MAILBOX_BYTES_DEFAULT);
  or_default(&limits->session_calls_max, 32);
  or_default(&limits->call_timeout_ms, 30000);
  or_default(&limits->body_bytes_max, 1024 * 1024);
  or_default(&limits->body_timeout_ms, 30000);
  or_default(&limits->bodies_bytes_max, 64 * 1024 * 1024);
}

static void fill_rate(struct stoa_rate_config *rate, uint32_t message_bytes_max) {
  or_default(&rate->messages_burst, rate->messages_per_s > UINT32_MAX / 2 ? UINT32_MAX : rate->messages_per_s * 2);
  or_default(&rate->bytes_burst, rate->bytes_per_s > UINT32_MAX / 4 ? UINT32_MAX : rate->bytes_per_s * 4);
  or_default(&rate->excess_max, 40);
  if (rate->bytes_burst < message_bytes_max) {
    rate->bytes_burst = message_bytes_max;
  }
}

void stoa_options_fill(struct stoa_server_config *config, struct stoa_limits_config *limits,
                       struct stoa_rate_config *rate) {
  if (config->addresses.count == 0 && config->listeners.count == 0) {
    config->addresses.items = default_addresses;
    config->addresses.count = STOA_COUNT_OF(default_addresses);
  }
  or_text(&config->path, "/");
  or_text(&config->codec, "json");
  or_default(&config->ping_interval_ms, 25000);
  or_default(&config->pong_timeout_ms, 10000);
  or_default(&config->drain_ms, 30000);
  fill_limits(limits);
  fill_rate(rate, limits->message_bytes_max);
}

void stoa_options_fill_log(struct stoa_log_config *config) {
  or_default(&config->slow_turn_ms, 100);
}

uint32_t stoa_options_workers(const struct stoa_server_config *config) {
  uint32_t cores = core_count();
  if (config->workers != 0) {
    return config->workers;
  }
  return cores > STOA_WORKERS_MAX ? STOA_WORKERS_MAX : cores;
}

static int out_of_range(const char *name, uint32_t value, uint32_t highest) {
  stoa_log(STOA_LOG_ERROR, "an option is out of range", STOA_F_STR("option", name), STOA_F_INT("value", value),
           STOA_F_INT("highest", highest));
  return STOA_E_ARGUMENT;
}

/* Deadlines are compared by the sign of a 32-bit difference. */
static int check_times(const struct stoa_settings *settings) {
  const struct {
    const char *name;
    uint32_t value;
  } times[] = {
      {"server.limits.handshake_timeout_ms", settings->limits.handshake_timeout_ms},
      {"server.limits.message_timeout_ms", settings->limits.message_timeout_ms},
      {"server.limits.call_timeout_ms", settings->limits.call_timeout_ms},
      {"server.limits.body_timeout_ms", settings->limits.body_timeout_ms},
      {"server.ping_interval_ms", settings->config.ping_interval_ms},
      {"server.pong_timeout_ms", settings->config.pong_timeout_ms},
      {"server.drain_ms", settings->config.drain_ms},
  };
  int status = STOA_OK;
  for (size_t i = 0; i < STOA_COUNT_OF(times); i++) {
    if (times[i].value > INT32_MAX) {
      status = out_of_range(times[i].name, times[i].value, INT32_MAX);
    }
  }
  return status;
}

static int check_listeners(const struct stoa_server_config *config) {
  if (config->addresses.count > 0 && config->listeners.count > 0) {
    stoa_log(STOA_LOG_ERROR, "server.addresses is the short form of server.listeners; set only one of them",
             STOA_F_INT("addresses", config->addresses.count), STOA_F_INT("listeners", config->listeners.count));
    return STOA_E_ARGUMENT;
  }
  if (config->addresses.count > STOA_LISTENERS_MAX) {
    return out_of_range("server.addresses", (uint32_t)config->addresses.count, STOA_LISTENERS_MAX);
  }
  if (config->listeners.count > STOA_LISTENERS_MAX) {
    return out_of_range("server.listeners", (uint32_t)config->listeners.count, STOA_LISTENERS_MAX);
  }
  return STOA_OK;
}

/* Connections of one address for each of its sessions: a browser opens six to load the page and keeps them for a while.
 * CONNECTIONS_MORE is for sessions that are closing. */
#define CONNECTIONS_EACH 8u
#define CONNECTIONS_MORE 16u

static uint32_t address_connections_max(uint32_t sessions_max) {
  uint32_t most = (UINT32_MAX - CONNECTIONS_MORE) / CONNECTIONS_EACH;
  return sessions_max > most ? 0 : sessions_max * CONNECTIONS_EACH + CONNECTIONS_MORE;
}

/* Needs the arena for the networks. */
static int set_peer_limits(struct stoa_settings *settings) {
  const struct stoa_limits_config *limits = &settings->limits;
  const struct stoa_server_config *config = &settings->config;
  settings->peers_limits = (struct stoa_peers_limits){
      .connections_max = address_connections_max(limits->address_sessions_max),
      .sessions_max = limits->address_sessions_max,
      .handshakes_per_s = limits->address_handshakes_per_s,
      .limit_loopback = limits->limit_loopback,
      .trusted = &settings->trusted_proxies,
  };
  return stoa_networks_parse("server.trusted_proxies", config->trusted_proxies.items, config->trusted_proxies.count,
                             settings->arena, &settings->trusted_proxies);
}

static int check_sizes(const struct stoa_settings *settings) {
  const struct stoa_limits_config *limits = &settings->limits;
  const struct {
    const char *name;
    uint32_t value;
    uint32_t highest;
  } sizes[] = {
      {"server.workers", stoa_options_workers(&settings->config), STOA_WORKERS_MAX},
      {"server.limits.head_bytes_max", limits->head_bytes_max, STOA_STREAM_READ_BYTES},
      {"server.limits.head_fields_max", limits->head_fields_max, STOA_HTTP_FIELDS_MAX},
      {"server.limits.message_bytes_max", limits->message_bytes_max, MESSAGE_BYTES_HIGHEST},
      {"server.limits.mailbox_bytes_max", limits->mailbox_bytes_max, MAILBOX_BYTES_HIGHEST},
      {"server.limits.session_calls_max", limits->session_calls_max, UINT16_MAX},
      {"server.limits.body_bytes_max", limits->body_bytes_max, STOA_ROUTE_BODY_BYTES_HIGHEST},
      {"server.linger_ms", settings->config.linger_ms, LINGER_MS_HIGHEST},
  };
  int status = STOA_OK;
  for (size_t i = 0; i < STOA_COUNT_OF(sizes); i++) {
    if (sizes[i].value > sizes[i].highest) {
      status = out_of_range(sizes[i].name, sizes[i].value, sizes[i].highest);
    }
  }
  return status;
}

static int check_path(const struct stoa_settings *settings) {
  if (settings->config.path.data[0] == '/') {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, "server.path must start with a slash", STOA_F_TEXT("server.path", settings->config.path));
  return STOA_E_ARGUMENT;
}

static int check_run_as(const struct stoa_settings *settings) {
  struct stoa_run_as ignored;
  struct stoa_string text = settings->config.run_as;
  int status = text.len == 0 ? STOA_OK : stoa_run_as_find(text, &ignored);
  if (status == STOA_OK) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR,
           status == STOA_E_SYNTAX ? "not a user to run as; write \"user\" or \"user:group\", and not root"
                                   : "this machine has no such user or group",
           STOA_F_TEXT("server.run_as", text));
  return STOA_E_ARGUMENT;
}

/* All of them are made, so that one run tells all mistakes. */
int stoa_options_check(struct stoa_settings *settings) {
  const int statuses[] = {check_listeners(&settings->config),
                          check_sizes(settings),
                          check_path(settings),
                          stoa_options_check_origins(&settings->config),
                          check_times(settings),
                          check_run_as(settings),
                          stoa_cors_check(settings->config.cors),
                          set_peer_limits(settings)};
  for (size_t i = 0; i < STOA_COUNT_OF(statuses); i++) {
    if (statuses[i] != STOA_OK) {
      return statuses[i];
    }
  }
  return STOA_OK;
}
