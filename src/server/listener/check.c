/* server/listener/check.c: what is looked at when a configuration is checked, and not when the server starts. */
#include "base/sys.h"
#include "server/listener/listeners.h"
#include "server/server_private.h"

#include <errno.h>
#include <stdio.h>
#include <stoa/log.h>

/* Is the certificate one that clients accept today? */
static int check_certificate(enum stoa_tls_validity validity, struct stoa_string file, const char *option) {
  static const char *const faults[] = {
      [STOA_TLS_NOT_YET_VALID] = "the certificate is not valid yet; look at its date and at this machine's clock",
      [STOA_TLS_EXPIRED] = "the certificate has expired; get a new one",
  };
  if (validity == STOA_TLS_VALID) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, faults[validity], STOA_F_TEXT("file", file), STOA_F_STR("option", option));
  return STOA_E_TLS;
}

static int check_certificates(const struct stoa_server *server, const struct stoa_tls_context *context,
                              const struct stoa_tls_config *tls, const char *section) {
  int64_t now_s = stoa_clock_wall_us(server->clock) / 1000000;
  int status = STOA_OK;
  for (size_t i = 0; i < stoa_tls_context_certificate_count(context); i++) {
    char option[96];
    if (i == 0) {
      snprintf(option, sizeof option, "%s.certificate", section);
    } else {
      snprintf(option, sizeof option, "%s.certificates[%zu].certificate", section, i - 1);
    }
    int found = check_certificate(stoa_tls_context_validity(context, i, now_s),
                                  i == 0 ? tls->certificate : tls->certificates.items[i - 1].certificate, option);
    status = status == STOA_OK ? found : status;
  }
  return status;
}

static int check_own_certificates(const struct stoa_server *server, const struct stoa_server_listener *listener) {
  char section[48];
  if (!listener->owns_tls || server->settings->tls == NULL) {
    return STOA_OK;
  }
  snprintf(section, sizeof section, "server.listeners[%u].tls", (unsigned)listener->index);
  return check_certificates(server, stoa_listeners_tls_of(server->settings->tls, listener),
                            server->config.listeners.items[listener->index].tls, section);
}

/* Perhaps it is this very server that runs there, so it is no error. A unix socket's file is left alone, and what a
 * service manager passes is known only when it starts the program. */
static void try_to_listen(const struct stoa_server *server, const struct stoa_server_listener *listener) {
  const struct stoa_listen_options options = {.share = true, .sole = !server->config.reuse_port};
  for (size_t i = 0; i < listener->addresses.count; i++) {
    struct stoa_address address = listener->addresses.items[i];
    int fd;
    if (listener->addresses.form == STOA_ADDRESS_PATH || listener->addresses.form == STOA_ADDRESS_GIVEN ||
        stoa_listeners_covers(server, listener, &address)) {
      continue;
    }
    if (stoa_listener_open(&address, &options, &fd) == STOA_OK) {
      stoa_sys.close(fd);
    } else if (errno != EAFNOSUPPORT && errno != EPROTONOSUPPORT) {
      stoa_log(STOA_LOG_WARN,
               errno == EADDRINUSE ? "cannot listen now; end the program that does, or take another port"
                                   : "cannot listen as this user on this machine",
               STOA_F_TEXT("address", listener->configured),
               STOA_F_STR("option", stoa_listeners_option(server, listener).text),
               STOA_F_STR("reason", strerror(errno)));
    }
  }
}

static bool has_port(const struct stoa_server *server, uint16_t port) {
  for (size_t i = 0; i < server->listeners.socket_count; i++) {
    const struct stoa_address *address = &server->listeners.sockets[i].address;
    if (address->socket.any.sa_family != AF_UNIX && stoa_address_port(address) == port) {
      return true;
    }
  }
  return false;
}

/* Ports of the running server are its own, whatever the address. Other faults than a port in use may be gone after a
 * restart, which may have other rights. */
static int check_new(const struct stoa_server *server, const struct stoa_server *other,
                     const struct stoa_server_listener *listener) {
  const struct stoa_listen_options options = {.share = true, .sole = !other->config.reuse_port};
  bool is_socket = listener->addresses.form != STOA_ADDRESS_PATH && listener->addresses.form != STOA_ADDRESS_GIVEN;
  for (size_t i = 0; is_socket && i < listener->addresses.count; i++) {
    struct stoa_address address = listener->addresses.items[i];
    int fd;
    if (stoa_listeners_covers(other, listener, &address) || has_port(server, stoa_address_port(&address))) {
      continue;
    }
    if (stoa_listener_open(&address, &options, &fd) == STOA_OK) {
      stoa_sys.close(fd);
    } else if (errno == EADDRINUSE) {
      stoa_log(STOA_LOG_ERROR, "another program listens on an address that is new; end it, or take another port",
               STOA_F_TEXT("address", listener->configured),
               STOA_F_STR("option", stoa_listeners_option(other, listener).text),
               STOA_F_STR("reason", strerror(errno)));
      return STOA_E_SYSTEM;
    }
  }
  return STOA_OK;
}

int stoa_listeners_check_new(const struct stoa_server *server, const struct stoa_server *other) {
  int status = STOA_OK;
  for (size_t i = 0; i < other->listeners.count; i++) {
    int found = check_new(server, other, &other->listeners.items[i]);
    status = status == STOA_OK ? found : status;
  }
  return status;
}

int stoa_listeners_check(const struct stoa_server *server) {
  int status = STOA_OK;
  if (server->settings->tls != NULL && stoa_listeners_tls_shared(server->settings->tls) != NULL) {
    status =
        check_certificates(server, stoa_listeners_tls_shared(server->settings->tls), server->config.tls, "server.tls");
  }
  for (size_t i = 0; i < server->listeners.count; i++) {
    const struct stoa_server_listener *listener = &server->listeners.items[i];
    int own = check_own_certificates(server, listener);
    status = status == STOA_OK ? own : status;
    try_to_listen(server, listener);
  }
  return status;
}
