#include "server/admin/admin.h"

#include "base/array.h"
#include "base/memory.h"
#include "base/units.h"
#include "server/admin/pages.h"
#include "server/server_private.h"
#include "token/file.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stoa/log.h>
#include <stoa/token.h>

#define READY_BYTES_MAX ((size_t)64 * 1024)

/* The configuration. */

struct stoa_string stoa_admin_address(const struct stoa_server_config *config) {
  struct stoa_string none = stoa_string_make(NULL, 0);
  bool is_set = config->admin != NULL && config->admin->address.len > 0;
  return is_set && !stoa_string_equal(config->admin->address, stoa_string_of("off")) ? config->admin->address : none;
}

static int refuse_key(const char *option, const char *reason, int status) {
  stoa_log(STOA_LOG_ERROR, "the key of the admin listener cannot be used", STOA_F_STR("option", option),
           STOA_F_STR("reason", reason));
  return status;
}

/* The key is never logged. */
static int set_key(struct stoa_settings *settings, const char *option, struct stoa_string key) {
  if (!stoa_bearer_key_is_good(key)) {
    return refuse_key(option, "it needs at least 32 characters, without blanks; make one with: openssl rand -hex 32",
                      STOA_E_ARGUMENT);
  }
  struct stoa_string copy = stoa_arena_copy(settings->arena, key);
  if (copy.data == NULL) {
    return STOA_E_MEMORY;
  }
  settings->admin_key = copy;
  return STOA_OK;
}

static struct stoa_string without_line_end(const struct stoa_token_file *file) {
  size_t len = file->len;
  while (len > 0 && (file->data[len - 1] == '\n' || file->data[len - 1] == '\r')) {
    len--;
  }
  return stoa_string_make((const char *)file->data, len);
}

static int read_key_file(struct stoa_settings *settings, struct stoa_string path) {
  struct stoa_token_file file = {.len = 0};
  const char *why = "";
  int status = stoa_token_file_read(path.data, &file, &why);
  if (status == STOA_OK && file.is_open_to_read) {
    why = "others may read this file; run chmod o-r on it";
    status = STOA_E_DENIED;
  }
  if (status == STOA_E_MEMORY) {
    return status;
  }
  status = status != STOA_OK ? refuse_key("server.admin.key_file", why, status)
                             : set_key(settings, "server.admin.key_file", without_line_end(&file));
  stoa_token_file_fini(&file);
  return status;
}

int stoa_admin_read_key(struct stoa_settings *settings) {
  const struct stoa_admin_config *config = settings->config.admin;
  if (config == NULL || (config->key.len == 0 && config->key_file.len == 0)) {
    return STOA_OK;
  }
  if (config->key.len > 0 && config->key_file.len > 0) {
    return refuse_key("server.admin.key", "set only one of key and key_file", STOA_E_ARGUMENT);
  }
  return config->key.len > 0 ? set_key(settings, "server.admin.key", config->key)
                             : read_key_file(settings, config->key_file);
}

static bool is_local(const struct stoa_address *address) {
  return address->socket.any.sa_family == AF_UNIX || stoa_address_is_loopback(address);
}

bool stoa_admin_allows(const struct stoa_settings *settings, const struct stoa_server_listener *listener) {
  const struct stoa_admin_config *config = settings->config.admin;
  bool has_key = config->key.len > 0 || config->key_file.len > 0;
  for (size_t i = 0; i < listener->addresses.count && !has_key; i++) {
    if (!is_local(&listener->addresses.items[i])) {
      return false;
    }
  }
  return true;
}

/* Foreign pages. */

static bool is_of_other_site(const struct stoa_http_head *head, const uint8_t *data) {
  struct stoa_string site = stoa_http_field(head, data, "Sec-Fetch-Site", NULL);
  return stoa_string_equal(site, stoa_string_of("cross-site")) || stoa_string_equal(site, stoa_string_of("same-site"));
}

static bool is_repeated(const struct stoa_http_head *head, const uint8_t *data, const char *name) {
  size_t index = 0;
  bool is_there = stoa_http_field(head, data, name, &index).data != NULL;
  return is_there && stoa_http_field(head, data, name, &index).data != NULL;
}

bool stoa_admin_is_safe(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                        const char **out_reason) {
  const struct stoa_server *server = stoa_worker_of_stream(stream)->server;
  const struct stoa_server_listener *listener =
      &server->listeners.items[stoa_server_session_of_stream(stream)->listener];
  struct stoa_origin_rules rules = stoa_worker_of_stream(stream)->settings->origin_rules;
  char reason[STOA_ORIGIN_REASON_SIZE];
  rules.allowed_origins = (struct stoa_string_list){NULL, 0}; /* those are pages for clients */
  rules.certificate_names = stoa_listeners_tls_names(stoa_worker_of_stream(stream)->settings->tls, listener);
  const struct stoa_origin_request request = {
      .origin = stoa_http_field(head, data, "Origin", NULL),
      .host = stoa_http_field(head, data, "Host", NULL),
      .is_tls = stream->conn.tls != NULL,
      .local = in6addr_loopback.s6_addr, /* the host must be known at every address */
  };
  if (is_of_other_site(head, data) || is_repeated(head, data, "Origin")) {
    *out_reason = "a page of another site may not use this address";
    return false;
  }
  if (!stoa_origin_check(&rules, &request, reason)) {
    stoa_log(STOA_LOG_WARN, "admin request refused", STOA_F_STR("reason", reason));
    *out_reason = "the host or the page is not known here; see the log";
    return false;
  }
  return true;
}

/* Health. */

static void reply_text(struct stoa_http_exchange *exchange, uint16_t status, struct stoa_bytes body) {
  static const struct stoa_http_field no_store = {"Cache-Control", STOA_STR("no-store")};
  const struct stoa_http_answer reply = {.status = status,
                                         .content_type = "text/plain; charset=utf-8",
                                         .fields = &no_store,
                                         .field_count = 1,
                                         .body = body};
  int ignored = stoa_http_reply(exchange, &reply);
  (void)ignored;
}

static void on_healthz(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  (void)request;
  reply_text(exchange, 200, stoa_bytes_make("ok\n", 3));
}

/* One line; a reason of several lines could pass for other checks. */
static int add_line(struct stoa_buffer *out, const char *name, const char *reason) {
  char line[256];
  int len = snprintf(line, sizeof line, "%s: %.180s", name, reason == NULL ? "ok" : reason);
  for (int i = 0; i < len; i++) {
    if ((unsigned char)line[i] < ' ') {
      line[i] = ' ';
    }
  }
  int status = stoa_buffer_append(out, line, (size_t)len);
  return status == STOA_OK ? stoa_buffer_append(out, "\n", 1) : status;
}

/* A worker that did not turn for so long is stuck: in a handler that does not return, or without a processor. */
#define STUCK_MS 5000u

/* True when none is stuck. Each question sends posts that the next one looks at, so that an idle worker is not woken
 * for nothing. The worker that answers turns. */
static bool workers_turn(struct stoa_server *server, char *out_reason, size_t size) {
  const struct stoa_worker *own = stoa_worker_current();
  bool is_good = true;
  for (uint32_t i = 0; i < server->worker_count; i++) {
    struct stoa_worker *worker = &server->workers[i];
    uint64_t stuck_ms = worker == own ? 0 : stoa_worker_watch_probe(worker) / STOA_NS_PER_MS;
    if (stuck_ms >= STUCK_MS && is_good) {
      is_good = false;
      snprintf(out_reason, size, "worker %u has not turned for %llu s", i, (unsigned long long)(stuck_ms / 1000));
    }
  }
  return is_good;
}

static void on_readyz(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  struct stoa_server *server = user;
  struct stoa_buffer text;
  char reason_of_workers[64];
  (void)request;
  stoa_buffer_init(&text, READY_BYTES_MAX);
  bool is_draining = stoa_worker_current()->draining;
  bool do_turn = is_draining || workers_turn(server, reason_of_workers, sizeof reason_of_workers);
  bool is_ready = !is_draining && do_turn;
  int status = add_line(&text, "server", is_draining ? "draining" : NULL);
  status = status == STOA_OK ? add_line(&text, "workers", do_turn ? NULL : reason_of_workers) : status;
  for (uint32_t i = 0; i < server->admin.check_count && status == STOA_OK; i++) {
    const struct stoa_admin_check *check = &server->admin.checks[i];
    const char *reason = check->check(check->user);
    is_ready = is_ready && reason == NULL;
    status = add_line(&text, check->name, reason);
  }
  if (status == STOA_OK) {
    reply_text(exchange, is_ready ? 200 : 503, (struct stoa_bytes){text.data, text.len});
  } else {
    stoa_http_drop(exchange);
  }
  stoa_buffer_fini(&text);
}

static bool is_good_name(const char *name) {
  size_t len = strlen(name);
  size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
  return len > 0 && len == good && len < sizeof((struct stoa_admin_check){0}).name;
}

int stoa_server_add_check(struct stoa_server *server, const char *name, stoa_ready_check *check, void *user) {
  struct stoa_admin *admin = &server->admin;
  assert(!server->started);
  if (name == NULL || check == NULL || !is_good_name(name)) {
    return STOA_E_ARGUMENT;
  }
  for (uint32_t i = 0; i < admin->check_count; i++) {
    if (strcmp(admin->checks[i].name, name) == 0) {
      return STOA_E_EXISTS;
    }
  }
  if (strcmp(name, "server") == 0 || strcmp(name, "workers") == 0) {
    return STOA_E_EXISTS;
  }
  if (admin->check_count == STOA_ADMIN_CHECKS_MAX) {
    return STOA_E_LIMIT;
  }
  if (admin->checks == NULL) {
    admin->checks = stoa_calloc(STOA_ADMIN_CHECKS_MAX, sizeof *admin->checks);
    if (admin->checks == NULL) {
      return STOA_E_MEMORY;
    }
  }
  struct stoa_admin_check *added = &admin->checks[admin->check_count++];
  snprintf(added->name, sizeof added->name, "%s", name);
  added->check = check;
  added->user = user;
  return STOA_OK;
}

static int add_routes(struct stoa_server *server) {
  const struct stoa_route routes[] = {
      {.method = "GET", .path = "/healthz", .roles = STOA_ROUTE_ADMIN, .handler = on_healthz, .without_key = true},
      {.method = "GET",
       .path = "/readyz",
       .roles = STOA_ROUTE_ADMIN,
       .handler = on_readyz,
       .user = server,
       .without_key = true},
  };
  int status = STOA_OK;
  for (size_t i = 0; i < STOA_COUNT_OF(routes) && status == STOA_OK; i++) {
    status = stoa_server_add_route(server, &routes[i]);
  }
  return status == STOA_OK ? stoa_admin_pages_add(server) : status;
}

int stoa_admin_init(struct stoa_server *server) {
  int status = stoa_admin_read_key(server->settings);
  int added = add_routes(server);
  return status == STOA_OK ? added : status;
}

void stoa_admin_fini(struct stoa_server *server) {
  struct stoa_admin *admin = &server->admin;
  stoa_free(admin->checks);
  stoa_buffer_fini(&admin->config);
  pthread_mutex_destroy(&admin->config_mutex);
}
