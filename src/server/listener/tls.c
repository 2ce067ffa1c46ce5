#include "server/listener/tls.h"

#include "base/memory.h"
#include "net/tls_server.h"
#include "server/server_private.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

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

/* Reloading. */

bool stoa_listeners_tls_fits(const struct stoa_server *server, const struct stoa_server_config *config) {
  for (size_t i = 0; i < server->listeners.count; i++) {
    const struct stoa_server_listener *listener = &server->listeners.items[i];
    const struct stoa_tls_config *own = i < config->listeners.count ? config->listeners.items[i].tls : NULL;
    bool owns = has_certificate(own);
    bool uses = owns || (listener->uses_tls && !listener->owns_tls && has_certificate(config->tls));
    if (owns != listener->owns_tls || uses != listener->uses_tls) {
      return false;
    }
  }
  return true;
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

void stoa_listeners_tls_warn(const struct stoa_server *server, const struct stoa_listeners_tls *set) {
  warn_of_dates(server, set->shared, "server.tls");
  for (size_t i = 0; i < STOA_LISTENERS_MAX; i++) {
    char section[48];
    snprintf(section, sizeof section, "server.listeners[%zu].tls", i);
    warn_of_dates(server, set->own[i], section);
  }
}
