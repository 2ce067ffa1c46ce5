#include "server/listeners_tls.h"

#include "base/container.h"
#include "base/memory.h"
#include "net/tls_server.h"
#include "server/options.h"
#include "server/server_private.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

#define RELOAD_BYTES_MAX (1024u * 1024)

struct stoa_listeners_tls {
  atomic_uint refs;
  struct stoa_tls_context *shared;                  /* of server.tls; NULL: none */
  struct stoa_tls_context *own[STOA_LISTENERS_MAX]; /* NULL: the listener has none of its own */
};

/* From the configuration to settings. */

static int refuse(const char *section, const char *key, const char *what, struct stoa_string value) {
  char option[96];
  snprintf(option, sizeof option, "%s.%s", section, key);
  stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("option", option), STOA_F_TEXT("value", value));
  return STOA_E_ARGUMENT;
}

static int out_of_range(const char *section, const char *key, size_t value, size_t highest) {
  char option[96];
  snprintf(option, sizeof option, "%s.%s", section, key);
  stoa_log(STOA_LOG_ERROR, "an option is out of range", STOA_F_STR("option", option), STOA_F_INT("value", value),
           STOA_F_INT("highest", highest));
  return STOA_E_ARGUMENT;
}

static int check_version(const char *section, const struct stoa_tls_config *tls) {
  bool known = stoa_string_equal(tls->min_version, stoa_string_of("1.2")) ||
               stoa_string_equal(tls->min_version, stoa_string_of("1.3"));
  return known ? STOA_OK
               : refuse(section, "min_version", "not a version of TLS that is supported; write 1.2 or 1.3",
                        tls->min_version);
}

static int check_clients(const char *section, const struct stoa_tls_config *tls) {
  bool asks = tls->client_verify != STOA_TLS_CONFIG_CLIENT_VERIFY_OFF;
  if (asks && tls->client_ca.len == 0) {
    return refuse(section, "client_ca", "client_verify needs client_ca, a file with the clients' authorities",
                  tls->client_ca);
  }
  if (!asks && tls->client_ca.len > 0) {
    return refuse(section, "client_ca", "client_ca does nothing while client_verify is off; write optional or required",
                  tls->client_ca);
  }
  return STOA_OK;
}

static int check_certificates(const char *section, const struct stoa_tls_config *tls) {
  if (tls->certificates.count > STOA_TLS_CERTIFICATES_MAX - 1) {
    return out_of_range(section, "certificates", tls->certificates.count, STOA_TLS_CERTIFICATES_MAX - 1);
  }
  for (size_t i = 0; i < tls->certificates.count; i++) {
    const struct stoa_certificate_config *item = &tls->certificates.items[i];
    if (item->certificate.len == 0 || item->key.len == 0) {
      char key[48];
      snprintf(key, sizeof key, "certificates[%zu]", i);
      return refuse(section, key, "each of the certificates needs both certificate and key",
                    item->certificate.len == 0 ? item->key : item->certificate);
    }
  }
  return STOA_OK;
}

/* All of them are made, so that one run tells all mistakes. */
static int check(const char *section, const struct stoa_tls_config *tls) {
  int rotation =
      tls->ticket_rotation_s > STOA_TLS_TICKET_ROTATION_S_HIGHEST
          ? out_of_range(section, "ticket_rotation_s", tls->ticket_rotation_s, STOA_TLS_TICKET_ROTATION_S_HIGHEST)
          : STOA_OK;
  int version = check_version(section, tls);
  int clients = check_clients(section, tls);
  int certificates = check_certificates(section, tls);
  return rotation != STOA_OK || version != STOA_OK || clients != STOA_OK || certificates != STOA_OK ? STOA_E_ARGUMENT
                                                                                                    : STOA_OK;
}

static enum stoa_tls_client_verify verify_of(const struct stoa_tls_config *tls) {
  static const enum stoa_tls_client_verify modes[] = {
      [STOA_TLS_CONFIG_CLIENT_VERIFY_OFF] = STOA_TLS_CLIENT_VERIFY_OFF,
      [STOA_TLS_CONFIG_CLIENT_VERIFY_OPTIONAL] = STOA_TLS_CLIENT_VERIFY_OPTIONAL,
      [STOA_TLS_CONFIG_CLIENT_VERIFY_REQUIRED] = STOA_TLS_CLIENT_VERIFY_REQUIRED,
  };
  return modes[tls->client_verify];
}

static int create_context(const struct stoa_server *server, const struct stoa_tls_config *tls, const char *section,
                          const struct stoa_tls_context *previous, struct stoa_tls_context **out_context) {
  int status = check(section, tls);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_tls_files *files = stoa_calloc(tls->certificates.count + 1, sizeof *files);
  if (files == NULL) {
    return STOA_E_MEMORY;
  }
  files[0] = (struct stoa_tls_files){tls->certificate.data, tls->key.data, tls->ocsp_file.data};
  for (size_t i = 0; i < tls->certificates.count; i++) {
    const struct stoa_certificate_config *item = &tls->certificates.items[i];
    files[i + 1] = (struct stoa_tls_files){item->certificate.data, item->key.data, item->ocsp_file.data};
  }
  const struct stoa_tls_server_settings settings = {
      .files = files,
      .file_count = tls->certificates.count + 1,
      .refuse_unknown_names = tls->refuse_unknown_names,
      .only_1_3 = stoa_string_equal(tls->min_version, stoa_string_of("1.3")),
      .groups = tls->groups.data,
      .ciphers = tls->ciphers.data,
      .suites = tls->suites.data,
      .no_tickets = tls->tickets == STOA_TLS_CONFIG_TICKETS_OFF,
      .ticket_rotation_s = tls->ticket_rotation_s,
      .client_ca = tls->client_ca.data,
      .client_verify = verify_of(tls),
      .clock = server->clock,
      .option = section,
      .previous = previous,
  };
  status = stoa_tls_server_context_create(&settings, out_context);
  stoa_free(files);
  return status;
}

/* The set. */

static bool has_certificate(const struct stoa_tls_config *tls) {
  return tls != NULL && tls->certificate.len > 0 && tls->key.len > 0;
}

/* A listener's own section that is not complete has no context; listeners.c logs that. */
static int create_own(const struct stoa_server *server, const struct stoa_server_config *config,
                      const struct stoa_listeners_tls *previous, struct stoa_listeners_tls *set) {
  int status = STOA_OK;
  for (size_t i = 0; i < config->listeners.count && i < STOA_LISTENERS_MAX; i++) {
    const struct stoa_tls_config *tls = config->listeners.items[i].tls;
    char section[48];
    if (!has_certificate(tls)) {
      continue;
    }
    snprintf(section, sizeof section, "server.listeners[%zu].tls", i);
    int created = create_context(server, tls, section, previous == NULL ? NULL : previous->own[i], &set->own[i]);
    status = status == STOA_OK ? created : status;
  }
  return status;
}

int stoa_listeners_tls_create(const struct stoa_server *server, const struct stoa_server_config *config,
                              const struct stoa_listeners_tls *previous, struct stoa_listeners_tls **out_set) {
  struct stoa_listeners_tls *set = stoa_calloc(1, sizeof *set);
  int status = STOA_OK;
  if (set == NULL) {
    return STOA_E_MEMORY;
  }
  atomic_init(&set->refs, 1);
  const struct stoa_tls_config *tls = config->tls;
  if (tls != NULL && (tls->certificate.len > 0 || tls->key.len > 0)) {
    status = create_context(server, tls, "server.tls", previous == NULL ? NULL : previous->shared, &set->shared);
  }
  int own = create_own(server, config, previous, set);
  status = status == STOA_OK ? own : status;
  if (status != STOA_OK) {
    stoa_listeners_tls_unref(set);
    return status;
  }
  *out_set = set;
  return STOA_OK;
}

struct stoa_listeners_tls *stoa_listeners_tls_ref(struct stoa_listeners_tls *set) {
  unsigned before = atomic_fetch_add(&set->refs, 1);
  assert(before > 0);
  (void)before;
  return set;
}

void stoa_listeners_tls_unref(struct stoa_listeners_tls *set) {
  if (set == NULL || atomic_fetch_sub(&set->refs, 1) > 1) {
    return;
  }
  stoa_tls_context_unref(set->shared);
  for (size_t i = 0; i < STOA_LISTENERS_MAX; i++) {
    stoa_tls_context_unref(set->own[i]);
  }
  stoa_free(set);
}

struct stoa_tls_context *stoa_listeners_tls_of(const struct stoa_listeners_tls *set,
                                               const struct stoa_server_listener *listener) {
  assert(listener->index < STOA_LISTENERS_MAX);
  if (!listener->uses_tls) {
    return NULL;
  }
  return listener->owns_tls ? set->own[listener->index] : set->shared;
}

struct stoa_tls_context *stoa_listeners_tls_shared(const struct stoa_listeners_tls *set) {
  return set->shared;
}

struct stoa_string_list stoa_listeners_tls_names(const struct stoa_listeners_tls *set,
                                                 const struct stoa_server_listener *listener) {
  const struct stoa_tls_context *context = listener->owns_tls ? set->own[listener->index] : set->shared;
  struct stoa_string_list names = {NULL, 0};
  if (context != NULL) {
    names.items = stoa_tls_context_names(context, &names.count);
  }
  return names;
}

/* Workers. */

static struct stoa_listeners_tls *take_current(struct stoa_server *server) {
  pthread_mutex_lock(&server->tls_mutex);
  struct stoa_listeners_tls *set = stoa_listeners_tls_ref(server->tls);
  pthread_mutex_unlock(&server->tls_mutex);
  return set;
}

void stoa_listeners_tls_begin(struct stoa_worker *worker) {
  struct stoa_listeners_tls *before = worker->tls;
  worker->tls = take_current(worker->server);
  stoa_listeners_tls_unref(before);
}

void stoa_listeners_tls_end(struct stoa_worker *worker) {
  stoa_listeners_tls_unref(worker->tls);
  worker->tls = NULL;
}

static void on_changed(struct stoa_post *post) {
  struct stoa_worker *worker = stoa_container_of(post, struct stoa_worker, tls_post);
  /* First, so that a change from now on posts again. */
  atomic_store(&worker->tls_posted, false);
  stoa_listeners_tls_begin(worker);
}

struct stoa_tls_context *stoa_listeners_tls_accept(struct stoa_worker *worker,
                                                   const struct stoa_server_listener *listener) {
  if (listener->uses_tls && atomic_load_explicit(&worker->tls_posted, memory_order_acquire)) {
    stoa_listeners_tls_begin(worker);
  }
  return stoa_listeners_tls_of(worker->tls, listener);
}

static void tell_workers(struct stoa_server *server) {
  for (uint32_t i = 0; i < server->worker_count; i++) {
    struct stoa_worker *worker = &server->workers[i];
    if (!atomic_exchange(&worker->tls_posted, true)) {
      worker->tls_post.run = on_changed;
      stoa_loop_post(worker->loop, &worker->tls_post);
    }
  }
}

/* Reloading. */

static bool has_same_addresses(const struct stoa_server *server, const struct stoa_server_config *config) {
  const struct stoa_listeners *listeners = &server->listeners;
  bool is_short = config->listeners.count == 0;
  size_t count = is_short ? config->addresses.count : config->listeners.count;
  /* Without both, the default address. */
  bool same = count == listeners->count || (count == 0 && server->config.listeners.count == 0);
  for (size_t i = 0; same && i < count; i++) {
    same = stoa_string_equal(is_short ? config->addresses.items[i] : config->listeners.items[i].address,
                             listeners->items[i].configured);
  }
  return same;
}

/* The sections tls of the configuration, as the server uses them; the rest is borrowed. */
static int copy_config(const struct stoa_server_config *config, struct stoa_arena *arena,
                       struct stoa_server_config *out) {
  size_t count = config->listeners.count;
  struct stoa_listener_config *copies = stoa_arena_alloc(arena, count * sizeof *copies);
  *out = *config;
  bool good = copies != NULL && stoa_options_copy_tls(arena, &out->tls);
  for (size_t i = 0; good && i < count; i++) {
    copies[i] = config->listeners.items[i];
    good = stoa_options_copy_tls(arena, &copies[i].tls);
  }
  out->listeners.items = copies;
  return good ? STOA_OK : stoa_arena_status(arena);
}

static int check_reload(const struct stoa_server *server, const struct stoa_server_config *config) {
  if (!has_same_addresses(server, config)) {
    stoa_log(STOA_LOG_ERROR, "the addresses have changed, which needs a restart; TLS stays as it is");
    return STOA_E_ARGUMENT;
  }
  for (size_t i = 0; i < server->listeners.count; i++) {
    const struct stoa_server_listener *listener = &server->listeners.items[i];
    const struct stoa_tls_config *own = config->listeners.count == 0 ? NULL : config->listeners.items[i].tls;
    bool owns = has_certificate(own);
    bool uses = owns || (listener->uses_tls && !listener->owns_tls && has_certificate(config->tls));
    if (owns != listener->owns_tls || uses != listener->uses_tls) {
      stoa_log(STOA_LOG_ERROR,
               "an address has a certificate of its own now, or none any more, which needs a restart; TLS stays as it "
               "is",
               STOA_F_TEXT("address", listener->configured));
      return STOA_E_ARGUMENT;
    }
  }
  return STOA_OK;
}

static void warn_of_dates(const struct stoa_server *server, const struct stoa_tls_context *context,
                          const char *section) {
  int64_t now_s = stoa_clock_wall_us(server->clock) / 1000000;
  for (size_t i = 0; context != NULL && i < stoa_tls_context_certificate_count(context); i++) {
    if (stoa_tls_context_validity(context, i, now_s) != STOA_TLS_VALID) {
      stoa_log(STOA_LOG_WARN, "a certificate is not valid today, and clients will refuse it",
               STOA_F_STR("option", section), STOA_F_INT("number", i));
    }
  }
}

static void warn(const struct stoa_server *server, const struct stoa_listeners_tls *set) {
  warn_of_dates(server, set->shared, "server.tls");
  for (size_t i = 0; i < server->listeners.count; i++) {
    char section[48];
    snprintf(section, sizeof section, "server.listeners[%zu].tls", i);
    warn_of_dates(server, set->own[i], section);
  }
}

static void replace(struct stoa_server *server, struct stoa_listeners_tls *set) {
  pthread_mutex_lock(&server->tls_mutex);
  struct stoa_listeners_tls *before = server->tls;
  server->tls = set;
  pthread_mutex_unlock(&server->tls_mutex);
  tell_workers(server);
  stoa_listeners_tls_unref(before);
}

static int reload(struct stoa_server *server, const struct stoa_server_config *config, struct stoa_arena *arena) {
  struct stoa_server_config copy;
  struct stoa_listeners_tls *set;
  int status = copy_config(config, arena, &copy);
  if (status == STOA_OK) {
    status = check_reload(server, &copy);
  }
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_listeners_tls *previous = take_current(server);
  status = stoa_listeners_tls_create(server, &copy, previous, &set);
  stoa_listeners_tls_unref(previous);
  if (status == STOA_OK) {
    warn(server, set);
    replace(server, set);
    stoa_log(STOA_LOG_INFO, "TLS was reloaded; new connections use it");
  }
  return status;
}

int stoa_listeners_reload_tls(struct stoa_server *server, const struct stoa_server_config *config) {
  assert(server->started);
  struct stoa_arena *arena = stoa_arena_create(RELOAD_BYTES_MAX);
  if (arena == NULL) {
    return STOA_E_MEMORY;
  }
  int status = reload(server, config == NULL ? &server->config : config, arena);
  stoa_arena_destroy(arena);
  return status;
}
