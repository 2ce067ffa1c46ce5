/* server/app/start_risks.c: what is insecure about a configuration that a server can start with. */
#include "base/sys.h"
#include "server/app/start_text.h"
#include "server/server_private.h"

/* Can other machines reach it? */
static bool is_public(const struct stoa_server_socket *bound) {
  return bound->address.socket.any.sa_family != AF_UNIX && !stoa_address_is_loopback(&bound->address);
}

static void look_at_socket(struct stoa_start_facts *facts, const struct stoa_server *server,
                           const struct stoa_server_socket *bound) {
  char address[STOA_ADDRESS_TEXT_SIZE];
  bool has_proxy = bound->listener->proxy_protocol || server->settings->config.trusted_proxies.count > 0;
  stoa_address_format(&bound->address, address);
  if (is_public(bound) && !bound->listener->uses_tls && !has_proxy) {
    stoa_start_facts_add(facts, STOA_START_INSECURE, NULL,
                         "%s has no TLS: everybody on the way can read and change what is sent; write wss:// and set "
                         "server.tls, or use a proxy with TLS",
                         address);
  }
  if (is_public(bound) && bound->listener->is_admin && !bound->listener->uses_tls) {
    stoa_start_facts_add(facts, STOA_START_INSECURE, NULL,
                         "the admin address %s can be reached from other machines, and its key is sent without TLS; "
                         "bind it to 127.0.0.1",
                         address);
  }
  if (atomic_load(&bound->file_exists) && (bound->listener->mode & S_IWOTH) != 0) {
    stoa_start_facts_add(facts, STOA_START_INSECURE, NULL,
                         "every user of this machine may connect to %s; take the last 6 or 7 out of its mode", address);
  }
}

static bool has_item(const struct stoa_string *items, size_t count, const char *wanted) {
  for (size_t i = 0; i < count; i++) {
    if (items[i].len == strlen(wanted) && memcmp(items[i].data, wanted, items[i].len) == 0) {
      return true;
    }
  }
  return false;
}

static void look_at_lists(struct stoa_start_facts *facts, const struct stoa_server *server) {
  const struct stoa_server_config *config = &server->settings->config;
  static const char *const everybody[] = {"0.0.0.0/0", "::/0"};
  if (has_item(config->allowed_origins.items, config->allowed_origins.count, "*")) {
    stoa_start_facts_add(facts, STOA_START_INSECURE, NULL,
                         "server.allowed_origins has \"*\": any page that a user opens may connect with that user's "
                         "access; list the origins of your pages");
  }
  for (size_t i = 0; i < sizeof everybody / sizeof everybody[0]; i++) {
    if (has_item(config->trusted_proxies.items, config->trusted_proxies.count, everybody[i])) {
      stoa_start_facts_add(facts, STOA_START_INSECURE, NULL,
                           "server.trusted_proxies has \"%s\": every client may claim any address; list your proxies",
                           everybody[i]);
    }
  }
}

/* The group's right to read a key is common (ssl-cert), so it is no error. */
static void look_at_key(struct stoa_start_facts *facts, const struct stoa_tls_config *tls) {
  struct stat info;
  if (tls != NULL && tls->key.len > 0 && stoa_sys.stat(tls->key.data, &info) == 0 && (info.st_mode & S_IRGRP) != 0) {
    stoa_start_facts_add(facts, STOA_START_INSECURE, NULL, "the group of the file can read the key %s; its mode is %o",
                         tls->key.data, (unsigned)(info.st_mode & 0777));
  }
}

static void look_at_user(struct stoa_start_facts *facts, const struct stoa_server *server) {
  if (stoa_sys.geteuid() != 0) {
    return;
  }
  for (size_t i = 0; i < server->listeners.socket_count; i++) {
    if (is_public(&server->listeners.sockets[i])) {
      stoa_start_facts_add(facts, STOA_START_INSECURE, NULL,
                           "the program runs as root and can be reached from other machines; set server.run_as");
      return;
    }
  }
}

void stoa_start_risks_of_server(struct stoa_start_facts *facts, const struct stoa_server *server) {
  for (size_t i = 0; i < server->listeners.socket_count; i++) {
    look_at_socket(facts, server, &server->listeners.sockets[i]);
  }
  look_at_lists(facts, server);
  look_at_key(facts, server->config.tls);
  for (size_t i = 0; i < server->config.listeners.count; i++) {
    look_at_key(facts, server->config.listeners.items[i].tls);
  }
  look_at_user(facts, server);
}
