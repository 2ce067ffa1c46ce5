/* server/listener/open.c: binds the configured addresses, has the workers watch them, and hands connections over. */
#include "server/listener/listeners.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "server/app/systemd_sockets.h"
#include "server/server_private.h"
#include "server/worker/accept.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stoa/log.h>

/* A port that is free in one family may be taken in the other. */
#define PORT_TRIES_MAX 32
#define REFUSED_INPUT_READS_MAX 4

/* Accepting. */

struct handover {
  struct stoa_post post;
  struct sockaddr_storage peer;
  struct stoa_worker *to;
  const struct stoa_server_listener *listener;
  int fd;
};

/* A unix socket's peer mostly has no address, so the kernel does not write its family. */
static void take(struct stoa_worker *worker, const struct stoa_server_listener *listener, int fd,
                 const struct sockaddr_storage *peer) {
  const struct sockaddr_storage unix_peer = {.ss_family = AF_UNIX};
  bool is_tcp = peer->ss_family == AF_INET || peer->ss_family == AF_INET6;
  stoa_worker_accept(worker, listener, fd, is_tcp ? peer : &unix_peer);
}

static void on_handover(struct stoa_post *post) {
  struct handover *handover = stoa_container_of(post, struct handover, post);
  const struct stoa_worker *to = handover->to;
  bool takes_public = !to->draining || to->serves_posts;
  bool is_listening = to->listener_count > 0 && (takes_public || handover->listener->is_admin);
  if (is_listening) {
    take(handover->to, handover->listener, handover->fd, &handover->peer);
  } else {
    stoa_sys.close(handover->fd); /* the worker has stopped listening meanwhile */
  }
  stoa_free(handover);
}

static bool hand_over(struct stoa_worker *to, const struct stoa_server_listener *listener, int fd,
                      const struct sockaddr_storage *peer) {
  struct handover *handover = stoa_calloc(1, sizeof *handover);
  if (handover == NULL) {
    return false;
  }
  *handover = (struct handover){.post.run = on_handover, .peer = *peer, .to = to, .listener = listener, .fd = fd};
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
  if (to == worker || !hand_over(to, socket_of(listener)->listener, fd, peer)) {
    take(worker, socket_of(listener)->listener, fd, peer);
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
  stoa_metrics_note_refused(listener->context, STOA_REFUSED_DESCRIPTORS);
  if (socket_of(listener)->listener->uses_tls) {
    return;
  }
  for (int i = 0; i < REFUSED_INPUT_READS_MAX && stoa_sys.recv(fd, input, sizeof input, MSG_DONTWAIT) > 0; i++) {
  }
  ssize_t ignored = stoa_sys.send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)ignored;
  stoa_sys.shutdown(fd, SHUT_WR);
}

static void on_error(struct stoa_listener *listener, int reason) {
  const struct stoa_worker *worker = listener->context;
  bool is_limit = reason == EMFILE || reason == ENFILE;
  stoa_metric_add(worker->metrics, STOA_M_ACCEPT_ERRORS, is_limit ? STOA_ACCEPT_DESCRIPTORS : STOA_ACCEPT_OTHER, 1);
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
                                     .on_error = on_error,
                                     .context = worker};
  int status = stoa_listener_start(listener, worker->loop, fd);
  if (status != STOA_OK) {
    stoa_sys.close(fd);
    return status;
  }
  worker->listener_count++;
  return STOA_OK;
}

/* Every worker has a descriptor of its own, and closes it. `fd` is that of the first one, also after an error. */
static int share_with_all(struct stoa_server *server, uint32_t index, int fd) {
  int status = watch(&server->workers[0], index, fd, true);
  for (uint32_t i = 1; i < server->worker_count && status == STOA_OK; i++) {
    int copy = stoa_sys.dup_cloexec(fd);
    status = copy < 0 ? STOA_E_SYSTEM : watch(&server->workers[i], index, copy, true);
  }
  return status;
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

/* The next free entry, or NULL when there is none, which is logged. */
static struct stoa_server_socket *add_socket(struct stoa_server *server, const struct stoa_server_listener *listener,
                                             const struct stoa_address *address) {
  struct stoa_listeners *listeners = &server->listeners;
  if (listeners->socket_count == STOA_LISTENER_SOCKETS_MAX) {
    stoa_log(STOA_LOG_ERROR, "too many addresses", STOA_F_TEXT("address", listener->configured),
             STOA_F_INT("highest", STOA_LISTENER_SOCKETS_MAX));
    return NULL;
  }
  struct stoa_server_socket *bound = &listeners->sockets[listeners->socket_count++];
  bound->listener = listener;
  bound->address = *address;
  return bound;
}

static int open_socket(struct stoa_server *server, const struct stoa_server_listener *listener,
                       const struct stoa_address *address) {
  struct stoa_server_socket *bound = add_socket(server, listener, address);
  if (bound == NULL) {
    return STOA_E_LIMIT;
  }
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

/* The whole sentence is the event, because it is what a person reads. */
static int no_address(const struct stoa_server *server, const struct stoa_server_listener *listener, int reason) {
  struct stoa_option_name option = stoa_listeners_option(server, listener);
  if (reason == EADDRINUSE) {
    char event[384];
    bool is_unix = listener->addresses.form == STOA_ADDRESS_PATH;
    bool is_short = server->config.listeners.count == 0;
    snprintf(event, sizeof event, "%.*s is in use by another process; stop it, or set %s to another %s",
             (int)listener->configured.len, listener->configured.data, is_short ? "server.addresses" : option.text,
             is_unix ? "path" : "port");
    stoa_log(STOA_LOG_ERROR, event, STOA_F_STR("option", option.text));
    return STOA_E_SYSTEM;
  }
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
    const struct stoa_server_listener *wider = stoa_listeners_find_wider(&server->listeners, listener, &address);
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

/* Sockets that the service manager has passed. */

static int refuse_passed(const struct stoa_server_listener *listener, int fd, const char *what, int status) {
  stoa_log(STOA_LOG_ERROR, what, STOA_F_TEXT("address", listener->configured), STOA_F_INT("fd", fd));
  return status;
}

static int take_passed(const struct stoa_server_listener *listener, int fd, struct stoa_address *out_address) {
  int status = stoa_systemd_sockets_take(fd, out_address);
  if (status == STOA_E_EXISTS) {
    return refuse_passed(listener, fd, "two addresses take the same passed socket; remove one of them",
                         STOA_E_ARGUMENT);
  }
  if (status == STOA_E_TYPE) {
    return refuse_passed(listener, fd,
                         "a passed descriptor is not a listening stream socket; use ListenStream= with Accept=no",
                         STOA_E_ARGUMENT);
  }
  return status;
}

/* As with a unix socket, all workers watch the one socket. */
static int open_passed(struct stoa_server *server, const struct stoa_server_listener *listener, int fd) {
  const int on = 1;
  struct stoa_address address;
  int status = take_passed(listener, fd, &address);
  if (status != STOA_OK) {
    return status;
  }
  if (address.socket.any.sa_family != AF_UNIX) {
    stoa_sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  struct stoa_server_socket *bound = add_socket(server, listener, &address);
  if (bound == NULL) {
    stoa_sys.close(fd);
    return STOA_E_LIMIT;
  }
  return share_with_all(server, (uint32_t)(bound - server->listeners.sockets), fd);
}

static int open_all_passed(struct stoa_server *server, const struct stoa_server_listener *listener) {
  int fds[STOA_LISTENER_SOCKETS_MAX];
  size_t count = 0;
  int status = stoa_systemd_sockets_find(listener->addresses.name, fds, STOA_LISTENER_SOCKETS_MAX, &count);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR,
             "the service manager has passed no such socket; look at LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID",
             STOA_F_TEXT("address", listener->configured),
             STOA_F_STR("option", stoa_listeners_option(server, listener).text));
    return status;
  }
  for (size_t i = 0; i < count && status == STOA_OK; i++) {
    status = open_passed(server, listener, fds[i]);
  }
  return status;
}

static bool wants_free_port(const struct stoa_address_list *list) {
  return list->form == STOA_ADDRESS_NAME && stoa_address_port(&list->items[0]) == 0;
}

static int open_listener(struct stoa_server *server, const struct stoa_server_listener *listener) {
  size_t before = server->listeners.socket_count;
  if (listener->addresses.form == STOA_ADDRESS_GIVEN) {
    return open_all_passed(server, listener);
  }
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
             STOA_F_STR("tls", listener->uses_tls ? "on" : "off"), STOA_F_INT("workers", server->worker_count));
  }
}

int stoa_listeners_open(struct stoa_server *server) {
  for (size_t i = 0; i < server->listeners.count; i++) {
    struct stoa_server_listener *listener = &server->listeners.items[i];
    size_t first = server->listeners.socket_count;
    int status = open_listener(server, listener);
    if (status == STOA_E_SYSTEM) {
      return no_address(server, listener, errno);
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

void stoa_listeners_close_public(struct stoa_worker *worker) {
  struct stoa_listeners *listeners = &worker->server->listeners;
  for (size_t i = 0; i < listeners->socket_count && worker->listener_count > 0; i++) {
    if (!listeners->sockets[i].listener->is_admin) {
      remove_file(&listeners->sockets[i]);
    }
  }
  for (size_t i = 0; i < worker->listener_count; i++) {
    if (!socket_of(&worker->listeners[i])->listener->is_admin) {
      stoa_listener_close(&worker->listeners[i]);
    }
  }
}

void stoa_listeners_resume(struct stoa_worker *worker) {
  for (size_t i = 0; i < worker->listener_count; i++) {
    stoa_listener_resume(&worker->listeners[i]);
  }
}
