#include "server/listener/listeners.h"

#include "base/sys.h"
#include "server/admin/admin.h"
#include "server/server_private.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>
#include <strings.h>
#include <sys/resource.h>

#define MODE_DEFAULT 0660
#define MODE_DIGITS_MAX 4

/* The configuration. */

struct stoa_option_name stoa_listeners_option(const struct stoa_server *server,
                                              const struct stoa_server_listener *listener) {
  struct stoa_option_name name;
  bool is_short = server->config.listeners.count == 0;
  if (listener->is_of_admin) {
    snprintf(name.text, sizeof name.text, "server.admin.address");
    return name;
  }
  snprintf(name.text, sizeof name.text, is_short ? "server.addresses[%u]" : "server.listeners[%u].address",
           (unsigned)listener->index);
  return name;
}

static int refuse(const struct stoa_server *server, const struct stoa_server_listener *listener, const char *what) {
  stoa_log(STOA_LOG_ERROR, what, STOA_F_TEXT("address", listener->configured),
           STOA_F_STR("option", stoa_listeners_option(server, listener).text));
  return STOA_E_ARGUMENT;
}

static int parse_mode(const struct stoa_listener_config *config, struct stoa_server_listener *listener) {
  struct stoa_string text = config->mode;
  mode_t mode = 0;
  bool is_unix = listener->addresses.form == STOA_ADDRESS_PATH;
  if (text.len == 0) {
    listener->mode = MODE_DEFAULT;
    return STOA_OK;
  }
  bool good = text.len <= MODE_DIGITS_MAX;
  for (size_t i = 0; good && i < text.len; i++) {
    good = text.data[i] >= '0' && text.data[i] <= '7';
    mode = mode * 8 + (mode_t)(text.data[i] - '0');
  }
  if (!good || mode > 0777 || !is_unix) {
    stoa_log(STOA_LOG_ERROR,
             is_unix ? "not a file mode; write it in octal, as in 0660" : "only unix sockets have a mode",
             STOA_F_TEXT("mode", text), STOA_F_TEXT("address", listener->configured));
    return STOA_E_ARGUMENT;
  }
  listener->mode = mode;
  return STOA_OK;
}

/* Is it configured? If it is not usable, that is logged already. */
static bool has_tls(const struct stoa_server *server) {
  const struct stoa_tls_config *tls = server->config.tls;
  return tls != NULL && (tls->certificate.len > 0 || tls->key.len > 0);
}

static int choose_tls(const struct stoa_server *server, const struct stoa_tls_config *own,
                      struct stoa_server_listener *listener) {
  bool has_own = own != NULL && (own->certificate.len > 0 || own->key.len > 0);
  enum stoa_address_scheme scheme = listener->addresses.scheme;
  listener->uses_tls = has_own || scheme == STOA_ADDRESS_WSS;
  if (!has_own) {
    return scheme == STOA_ADDRESS_WSS && !has_tls(server)
               ? refuse(server, listener,
                        "a wss:// address needs server.tls.certificate and server.tls.key, or its own tls")
               : STOA_OK;
  }
  if (scheme == STOA_ADDRESS_WS) {
    return refuse(server, listener, "a ws:// address does not use TLS; write wss://, or remove its tls");
  }
  if (own->certificate.len == 0 || own->key.len == 0) {
    return refuse(server, listener, "a listener's tls needs both certificate and key");
  }
  listener->owns_tls = true;
  return STOA_OK;
}

static bool starts_with(struct stoa_string text, const char *start) {
  size_t len = strlen(start);
  return text.len >= len && strncasecmp(text.data, start, len) == 0;
}

static int parse(const struct stoa_server *server, const struct stoa_listener_config *config,
                 struct stoa_server_listener *listener) {
  listener->configured = config->address;
  listener->is_admin = config->role == STOA_LISTENER_CONFIG_ROLE_ADMIN;
  listener->proxy_protocol = config->proxy_protocol == STOA_LISTENER_CONFIG_PROXY_PROTOCOL_ON;
  int status = stoa_address_parse(config->address, &listener->addresses);
  if (status == STOA_E_NOT_FOUND) {
    return refuse(server, listener,
                  "the name in an address does not resolve; correct it, or write an address of this machine");
  }
  if (starts_with(config->address, "https://") || starts_with(config->address, "http://")) {
    return refuse(server, listener,
                  "pages have https:// in front; to listen with TLS write wss://host:port, without "
                  "it host:port");
  }
  if (status != STOA_OK) {
    return refuse(server, listener, "not an address; write host:port, :port, [::1]:port, unix:/path or fd:NAME");
  }
  if (listener->proxy_protocol && server->settings->config.trusted_proxies.count == 0) {
    return refuse(server, listener, "proxy_protocol needs the proxies' networks in server.trusted_proxies");
  }
  if (listener->is_admin && !stoa_admin_allows(server->settings, listener)) {
    return refuse(server, listener,
                  "an admin listener at this address needs server.admin.key or key_file; without a key use 127.0.0.1, "
                  "[::1] or a unix socket");
  }
  status = parse_mode(config, listener);
  return status == STOA_OK ? choose_tls(server, config->tls, listener) : status;
}

/* Addresses that name the same place. */

static bool has_ipv4_at(const struct stoa_listeners *listeners, uint16_t port) {
  for (size_t i = 0; i < listeners->count; i++) {
    const struct stoa_address_list *list = &listeners->items[i].addresses;
    for (size_t j = 0; j < list->count; j++) {
      if (list->items[j].socket.any.sa_family == AF_INET && stoa_address_port(&list->items[j]) == port) {
        return true;
      }
    }
  }
  return false;
}

/* "[::]:7700" beside "0.0.0.0:7700" or "10.0.0.1:7700": when IPv4 addresses are listed, [::] means IPv6 only. */
static void leave_ipv4_to_others(struct stoa_listeners *listeners) {
  for (size_t i = 0; i < listeners->count; i++) {
    struct stoa_address_list *list = &listeners->items[i].addresses;
    struct stoa_address *address = &list->items[0];
    if (list->form == STOA_ADDRESS_LITERAL && address->socket.any.sa_family == AF_INET6 &&
        stoa_address_is_any(address) && stoa_address_port(address) != 0) {
      address->ipv6_only = has_ipv4_at(listeners, stoa_address_port(address));
    }
  }
}

static bool is_alike(const struct stoa_server_listener *one, const struct stoa_server_listener *other) {
  bool same_tls = one->uses_tls == other->uses_tls && !one->owns_tls && !other->owns_tls;
  return same_tls && one->is_admin == other->is_admin && one->proxy_protocol == other->proxy_protocol &&
         one->mode == other->mode;
}

static bool covers_all(const struct stoa_address_list *wide, const struct stoa_address_list *narrow) {
  for (size_t i = 0; i < narrow->count; i++) {
    bool covered = false;
    for (size_t j = 0; j < wide->count && !covered; j++) {
      covered = stoa_address_covers(&wide->items[j], &narrow->items[i]);
    }
    if (!covered) {
      return false;
    }
  }
  return true;
}

static int check_pair(const struct stoa_server *server, const struct stoa_server_listener *one,
                      const struct stoa_server_listener *other) {
  if (one->addresses.count == 0 || other->addresses.count == 0) {
    return STOA_OK; /* not an address, which is logged already */
  }
  bool forth = covers_all(&one->addresses, &other->addresses);
  bool back = covers_all(&other->addresses, &one->addresses);
  if (forth && back) {
    stoa_log(STOA_LOG_ERROR, "an address is listed twice; remove one of the two",
             STOA_F_TEXT("address", one->configured), STOA_F_TEXT("again", other->configured),
             STOA_F_STR("option", stoa_listeners_option(server, other).text));
    return STOA_E_ARGUMENT;
  }
  return STOA_OK;
}

const struct stoa_server_listener *stoa_listeners_find_wider(const struct stoa_listeners *listeners,
                                                             const struct stoa_server_listener *own,
                                                             const struct stoa_address *address) {
  for (size_t i = 0; i < listeners->count; i++) {
    const struct stoa_server_listener *other = &listeners->items[i];
    for (size_t j = 0; other != own && j < other->addresses.count; j++) {
      const struct stoa_address *wide = &other->addresses.items[j];
      /* Of two equal addresses the first one stays. */
      if (stoa_address_covers(wide, address) && (other < own || !stoa_address_covers(address, wide))) {
        return other;
      }
    }
  }
  return NULL;
}

bool stoa_listeners_covers(const struct stoa_server *server, const struct stoa_server_listener *own,
                           const struct stoa_address *address) {
  return stoa_listeners_find_wider(&server->listeners, own, address) != NULL;
}

/* An address that a wider one covers needs no socket if both have the same settings. With other settings it is an
 * error, because it cannot be bound. */
static int check_wider(const struct stoa_listeners *listeners) {
  for (size_t i = 0; i < listeners->count; i++) {
    const struct stoa_server_listener *own = &listeners->items[i];
    for (size_t j = 0; j < own->addresses.count; j++) {
      const struct stoa_server_listener *wider = stoa_listeners_find_wider(listeners, own, &own->addresses.items[j]);
      if (wider != NULL && !is_alike(wider, own)) {
        stoa_log(STOA_LOG_ERROR, "two listeners with different options have the same address; change the port of one",
                 STOA_F_TEXT("address", own->configured), STOA_F_TEXT("shared_with", wider->configured));
        return STOA_E_ARGUMENT;
      }
    }
  }
  return STOA_OK;
}

static int check_all(struct stoa_server *server) {
  struct stoa_listeners *listeners = &server->listeners;
  int status = STOA_OK;
  leave_ipv4_to_others(listeners);
  for (size_t i = 0; i < listeners->count; i++) {
    for (size_t j = i + 1; j < listeners->count; j++) {
      int pair = check_pair(server, &listeners->items[i], &listeners->items[j]);
      status = status == STOA_OK ? pair : status;
    }
  }
  return status == STOA_OK ? check_wider(listeners) : status;
}

/* The listener of server.admin comes after those of the lists. */
static int add_admin(struct stoa_server *server) {
  const struct stoa_listener_config config = {.address = stoa_admin_address(&server->config),
                                              .role = STOA_LISTENER_CONFIG_ROLE_ADMIN};
  struct stoa_listeners *listeners = &server->listeners;
  if (config.address.len == 0) {
    return STOA_OK;
  }
  assert(listeners->count <= STOA_LISTENERS_MAX);
  struct stoa_server_listener *listener = &listeners->items[listeners->count];
  listener->index = (uint8_t)listeners->count;
  listener->is_of_admin = true;
  listeners->count++;
  return parse(server, &config, listener);
}

int stoa_listeners_init(struct stoa_server *server) {
  struct stoa_listeners *listeners = &server->listeners;
  const struct stoa_server_config *config = &server->config;
  bool is_short = config->listeners.count == 0;
  size_t count = is_short ? config->addresses.count : config->listeners.count;
  int status = STOA_OK;
  assert(count > 0);
  if (count > STOA_LISTENERS_MAX) {
    return STOA_E_ARGUMENT; /* which is logged already */
  }
  for (size_t i = 0; i < count; i++) {
    const struct stoa_listener_config of_address = {.address = is_short ? config->addresses.items[i]
                                                                        : config->listeners.items[i].address};
    struct stoa_server_listener *listener = &listeners->items[i];
    listener->index = (uint8_t)i;
    listeners->count = i + 1;
    int parsed = parse(server, is_short ? &of_address : &config->listeners.items[i], listener);
    status = status == STOA_OK ? parsed : status;
  }
  int admin = add_admin(server);
  status = status == STOA_OK ? admin : status;
  int checked = check_all(server);
  return status == STOA_OK ? checked : status;
}

/* Limits. */

void stoa_listeners_raise_limit(void) {
  struct rlimit limit;
  if (stoa_sys.getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return;
  }
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (before != limit.rlim_max && stoa_sys.setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    limit.rlim_cur = before;
  }
  stoa_log(STOA_LOG_INFO, "descriptors", STOA_F_INT("limit", limit.rlim_cur), STOA_F_INT("soft_limit_was", before));
}
