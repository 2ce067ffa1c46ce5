#include "server/listeners.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "server/admin.h"
#include "server/server_private.h"
#include "server/worker_accept.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stoa/log.h>
#include <strings.h>
#include <sys/resource.h>

#define MODE_DEFAULT 0660
#define MODE_DIGITS_MAX 4
/* A port that is free in one family may be taken in the other. */
#define PORT_TRIES_MAX 32
#define REFUSED_INPUT_READS_MAX 4

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

static int open_tls(const struct stoa_server *server, const struct stoa_tls_config *own,
                    struct stoa_server_listener *listener) {
  bool has_own = own != NULL && (own->certificate.len > 0 || own->key.len > 0);
  enum stoa_address_scheme scheme = listener->addresses.scheme;
  if (!has_own) {
    listener->tls = scheme == STOA_ADDRESS_WSS ? server->tls : NULL;
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
  int status = stoa_tls_context_create(own->certificate.data, own->key.data, &listener->tls);
  return status != STOA_OK
             ? status
             : stoa_tls_context_names(listener->tls, server->config_arena, &listener->certificate_names.items,
                                      &listener->certificate_names.count);
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
    return refuse(server, listener, "not an address; write host:port, :port, [::1]:port or unix:/path");
  }
  if (listener->proxy_protocol && server->config.trusted_proxies.count == 0) {
    return refuse(server, listener, "proxy_protocol needs the proxies' networks in server.trusted_proxies");
  }
  if (listener->is_admin && !stoa_admin_allows(server, listener)) {
    return refuse(server, listener,
                  "an admin listener at this address needs server.admin.key or key_file; without a key use 127.0.0.1, "
                  "[::1] or a unix socket");
  }
  status = parse_mode(config, listener);
  return status == STOA_OK ? open_tls(server, config->tls, listener) : status;
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
  bool same_tls = one->tls == other->tls && !one->owns_tls && !other->owns_tls;
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

/* The listener whose address already covers this one, or NULL. */
static const struct stoa_server_listener *find_wider(const struct stoa_listeners *listeners,
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
  return find_wider(&server->listeners, own, address) != NULL;
}

/* An address that a wider one covers needs no socket if both have the same settings. With other settings it is an
 * error, because it cannot be bound. */
static int check_wider(const struct stoa_listeners *listeners) {
  for (size_t i = 0; i < listeners->count; i++) {
    const struct stoa_server_listener *own = &listeners->items[i];
    for (size_t j = 0; j < own->addresses.count; j++) {
      const struct stoa_server_listener *wider = find_wider(listeners, own, &own->addresses.items[j]);
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

void stoa_listeners_fini(struct stoa_server *server) {
  for (size_t i = 0; i < server->listeners.count; i++) {
    if (server->listeners.items[i].owns_tls) {
      stoa_tls_context_destroy(server->listeners.items[i].tls);
    }
  }
  server->listeners.count = 0;
}

/* Accepting. */

struct handover {
  struct stoa_post post;
  struct stoa_worker *to;
  const struct stoa_server_listener *listener;
  int fd;
};

/* Only connections of unix sockets are handed over, and their peers have no address. */
static void take(struct stoa_worker *worker, const struct stoa_server_listener *listener, int fd) {
  const struct sockaddr_storage unix_peer = {.ss_family = AF_UNIX};
  stoa_worker_accept(worker, listener, fd, &unix_peer);
}

static void on_handover(struct stoa_post *post) {
  struct handover *handover = stoa_container_of(post, struct handover, post);
  if (handover->to->listener_count > 0) {
    take(handover->to, handover->listener, handover->fd);
  } else {
    stoa_sys.close(handover->fd); /* the worker has stopped listening meanwhile */
  }
  stoa_free(handover);
}

static bool hand_over(struct stoa_worker *to, const struct stoa_server_listener *listener, int fd) {
  struct handover *handover = stoa_calloc(1, sizeof *handover);
  if (handover == NULL) {
    return false;
  }
  *handover = (struct handover){.post.run = on_handover, .to = to, .listener = listener, .fd = fd};
  stoa_loop_post(to->loop, &handover->post);
  return true;
}

static const struct stoa_server_socket *socket_of(const struct stoa_listener *listener) {
  const struct stoa_worker *worker = listener->context;
  assert(listener->index < worker->server->listeners.socket_count);
  return &worker->server->listeners.sockets[listener->index];
}

static void on_accept(struct stoa_listener *listener, int fd, const struct sockaddr_storage *peer) {
  struct stoa_worker *worker = listener->context;
  stoa_worker_accept(worker, socket_of(listener)->listener, fd, peer);
}

/* The kernel mostly wakes the same worker, so connections are passed to the workers in turn. */
static void on_accept_shared(struct stoa_listener *listener, int fd, const struct sockaddr_storage *peer) {
  struct stoa_worker *worker = listener->context;
  struct stoa_server *server = worker->server;
  unsigned next = atomic_fetch_add(&server->listeners.next_worker, 1) % server->worker_count;
  struct stoa_worker *to = &server->workers[next];
  (void)peer;
  if (to == worker || !hand_over(to, socket_of(listener)->listener, fd)) {
    take(worker, socket_of(listener)->listener, fd);
  }
}

/* Read what the peer has sent first, or closing would reset the connection and the answer could be lost. Over TLS no
 * answer is possible without a handshake. */
static void on_refuse(struct stoa_listener *listener, int fd) {
  static const char answer[] =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
      "Content-Type: text/plain\r\nContent-Length: 42\r\n\r\n"
      "the server is out of descriptors for now.\n";
  uint8_t input[4096];
  if (socket_of(listener)->listener->tls != NULL) {
    return;
  }
  for (int i = 0; i < REFUSED_INPUT_READS_MAX && stoa_sys.recv(fd, input, sizeof input, MSG_DONTWAIT) > 0; i++) {
  }
  ssize_t ignored = stoa_sys.send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)ignored;
  stoa_sys.shutdown(fd, SHUT_WR);
}

/* Opening. */

/* The worker owns the descriptor, also after an error. */
static int watch(struct stoa_worker *worker, uint32_t index, int fd, bool is_shared) {
  struct stoa_listener *listener = &worker->listeners[worker->listener_count];
  assert(worker->listener_count < STOA_LISTENER_SOCKETS_MAX);
  *listener = (struct stoa_listener){.io.fd = -1,
                                     .exclusive = is_shared && worker->server->worker_count > 1,
                                     .index = index,
                                     .spare = &worker->spare,
                                     .on_accept = is_shared ? on_accept_shared : on_accept,
                                     .on_refuse = on_refuse,
                                     .context = worker};
  int status = stoa_listener_start(listener, worker->loop, fd);
  if (status != STOA_OK) {
    stoa_sys.close(fd);
    return status;
  }
  worker->listener_count++;
  return STOA_OK;
}

/* Every worker has a descriptor of its own, and closes it. */
static int share_with_all(struct stoa_server *server, uint32_t index, int fd) {
  for (uint32_t i = 0; i < server->worker_count; i++) {
    int copy = stoa_sys.dup_cloexec(fd);
    int status = copy < 0 ? STOA_E_SYSTEM : watch(&server->workers[i], index, copy, true);
    if (status != STOA_OK) {
      return status;
    }
  }
  return STOA_OK;
}

static void remove_file(struct stoa_server_socket *bound) {
  if (atomic_exchange(&bound->file_exists, false)) {
    stoa_socket_file_remove(&bound->address, &bound->file);
  }
}

static int open_unix(struct stoa_server *server, struct stoa_server_socket *bound) {
  const struct stoa_listen_options options = {.mode = bound->listener->mode};
  int fd;
  int status = stoa_listener_open(&bound->address, &options, &fd);
  if (status != STOA_OK) {
    return status;
  }
  atomic_store(&bound->file_exists, stoa_socket_file_note(&bound->address, &bound->file) == STOA_OK);
  status = share_with_all(server, (uint32_t)(bound - server->listeners.sockets), fd);
  if (status != STOA_OK) {
    remove_file(bound); /* there may be no worker that removes it */
  }
  stoa_sys.close(fd);
  return status;
}

static int open_tcp(struct stoa_server *server, struct stoa_server_socket *bound) {
  bool reuse_port = server->config.reuse_port;
  uint32_t index = (uint32_t)(bound - server->listeners.sockets);
  for (uint32_t i = 0; i < server->worker_count; i++) {
    const struct stoa_listen_options options = {.share = server->worker_count > 1 || reuse_port,
                                                .sole = i == 0 && !reuse_port};
    int fd;
    int status = stoa_listener_open(&bound->address, &options, &fd);
    if (status != STOA_OK) {
      return status;
    }
    status = watch(&server->workers[i], index, fd, false);
    if (status != STOA_OK) {
      return status;
    }
  }
  return STOA_OK;
}

static int open_socket(struct stoa_server *server, const struct stoa_server_listener *listener,
                       const struct stoa_address *address) {
  struct stoa_listeners *listeners = &server->listeners;
  if (listeners->socket_count == STOA_LISTENER_SOCKETS_MAX) {
    stoa_log(STOA_LOG_ERROR, "too many addresses", STOA_F_TEXT("address", listener->configured),
             STOA_F_INT("highest", STOA_LISTENER_SOCKETS_MAX));
    return STOA_E_LIMIT;
  }
  struct stoa_server_socket *bound = &listeners->sockets[listeners->socket_count++];
  bound->listener = listener;
  bound->address = *address;
  return address->socket.any.sa_family == AF_UNIX ? open_unix(server, bound) : open_tcp(server, bound);
}

/* Remove all sockets after the first `count`. */
static void take_back(struct stoa_server *server, size_t count) {
  for (uint32_t i = 0; i < server->worker_count; i++) {
    struct stoa_worker *worker = &server->workers[i];
    while (worker->listener_count > 0 && worker->listeners[worker->listener_count - 1].index >= count) {
      stoa_listener_close(&worker->listeners[--worker->listener_count]);
    }
  }
  server->listeners.socket_count = count;
}

static bool is_missing(int reason) {
  return reason == EAFNOSUPPORT || reason == EPROTONOSUPPORT || reason == EADDRNOTAVAIL;
}

static void log_left_out(const struct stoa_server_listener *listener, const struct stoa_address *address,
                         const char *reason) {
  char text[STOA_ADDRESS_TEXT_SIZE];
  stoa_address_format(address, text);
  stoa_log(STOA_LOG_WARN, "an address does not exist on this machine and is skipped",
           STOA_F_TEXT("configured", listener->configured), STOA_F_STR("address", text), STOA_F_STR("reason", reason));
}

static void log_covered(const struct stoa_server_listener *listener, const struct stoa_server_listener *wider) {
  stoa_log(STOA_LOG_WARN, "an address is skipped: another listed address includes it",
           STOA_F_TEXT("address", listener->configured), STOA_F_TEXT("included_in", wider->configured));
}

static int no_address(const struct stoa_server_listener *listener, int reason) {
  stoa_log(STOA_LOG_ERROR, "cannot listen", STOA_F_TEXT("address", listener->configured),
           STOA_F_STR("reason", strerror(reason)));
  return STOA_E_SYSTEM;
}

/* Open one address of the list. [::] on a machine without IPv6 is IPv4 alone, or nothing when IPv4 is listed
 * separately.
 * Errors: STOA_E_NOT_FOUND  this machine does not have the address of a name, errno says why; else as open_socket() */
static int open_item(struct stoa_server *server, const struct stoa_server_listener *listener,
                     struct stoa_address *address) {
  size_t before = server->listeners.socket_count;
  int status = open_socket(server, listener, address);
  int reason = errno;
  bool is_any = address->socket.any.sa_family == AF_INET6 && stoa_address_is_any(address);
  bool is_of_name = listener->addresses.form == STOA_ADDRESS_NAME;
  if (status != STOA_E_SYSTEM || !is_missing(reason) || !(is_any || is_of_name)) {
    return status;
  }
  take_back(server, before);
  if (is_any && !address->ipv6_only) {
    stoa_address_to_ipv4(address);
    return open_socket(server, listener, address);
  }
  log_left_out(listener, address, strerror(reason));
  errno = reason;
  return is_of_name ? STOA_E_NOT_FOUND : STOA_OK;
}

/* Open all addresses of the list, with one port. Of a name, addresses that this machine does not have are skipped, but
 * one at least must open.
 * Errors: STOA_E_SYSTEM  errno says why; STOA_E_LIMIT, STOA_E_MEMORY */
static int try_list(struct stoa_server *server, const struct stoa_server_listener *listener) {
  const struct stoa_address_list *list = &listener->addresses;
  size_t first = server->listeners.socket_count;
  int result = STOA_E_SYSTEM;
  for (size_t i = 0; i < list->count; i++) {
    struct stoa_address address = list->items[i];
    const struct stoa_server_listener *wider = find_wider(&server->listeners, listener, &address);
    if (wider != NULL) {
      log_covered(listener, wider);
      result = STOA_OK;
      continue;
    }
    if (server->listeners.socket_count > first) {
      stoa_address_set_port(&address, stoa_address_port(&server->listeners.sockets[first].address));
    }
    int status = open_item(server, listener, &address);
    if (status == STOA_OK) {
      result = STOA_OK;
    } else if (status != STOA_E_NOT_FOUND) {
      return status;
    }
  }
  return result;
}

static bool wants_free_port(const struct stoa_address_list *list) {
  return list->form == STOA_ADDRESS_NAME && stoa_address_port(&list->items[0]) == 0;
}

static int open_listener(struct stoa_server *server, const struct stoa_server_listener *listener) {
  size_t before = server->listeners.socket_count;
  int status = try_list(server, listener);
  for (int tries = 1; tries < PORT_TRIES_MAX && status == STOA_E_SYSTEM && errno == EADDRINUSE &&
                      wants_free_port(&listener->addresses);
       tries++) {
    take_back(server, before);
    status = try_list(server, listener);
  }
  return status;
}

static void tell(struct stoa_server *server, struct stoa_server_listener *listener, size_t first) {
  const struct stoa_listeners *listeners = &server->listeners;
  stoa_address_format(
      first < listeners->socket_count ? &listeners->sockets[first].address : &listener->addresses.items[0],
      listener->text);
  for (size_t i = first; i < listeners->socket_count; i++) {
    char text[STOA_ADDRESS_TEXT_SIZE];
    stoa_address_format(&listeners->sockets[i].address, text);
    stoa_log(STOA_LOG_INFO, "listening", STOA_F_STR("address", text),
             STOA_F_STR("role", listener->is_admin ? "admin" : "public"),
             STOA_F_STR("tls", listener->tls != NULL ? "on" : "off"), STOA_F_INT("workers", server->worker_count));
  }
}

int stoa_listeners_open(struct stoa_server *server) {
  for (size_t i = 0; i < server->listeners.count; i++) {
    struct stoa_server_listener *listener = &server->listeners.items[i];
    size_t first = server->listeners.socket_count;
    int status = open_listener(server, listener);
    if (status == STOA_E_SYSTEM) {
      return no_address(listener, errno);
    }
    if (status != STOA_OK) {
      return status;
    }
    tell(server, listener, first);
  }
  return STOA_OK;
}

void stoa_listeners_close(struct stoa_worker *worker) {
  struct stoa_listeners *listeners = &worker->server->listeners;
  /* Must come before the sockets are closed: see stoa_socket_file_remove(). */
  for (size_t i = 0; i < listeners->socket_count && worker->listener_count > 0; i++) {
    remove_file(&listeners->sockets[i]);
  }
  for (size_t i = 0; i < worker->listener_count; i++) {
    stoa_listener_close(&worker->listeners[i]);
  }
  worker->listener_count = 0;
}

void stoa_listeners_resume(struct stoa_worker *worker) {
  for (size_t i = 0; i < worker->listener_count; i++) {
    stoa_listener_resume(&worker->listeners[i]);
  }
}

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
