#include "net/listener.h"

#include "base/container.h"
#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stoa/log.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_PER_TURN 64
#define RETRY_MS 200
#define LOG_INTERVAL_MS 10000

static int fail_and_close(int fd) {
  int saved_errno = errno;
  stoa_sys.close(fd);
  errno = saved_errno;
  return -1;
}

/* stoa_sys.bind(2) creates a unix socket's file with the socket's own mode, less the umask, so its mode is never wider
 * than configured. The chmod in stoa_listener_open() restores the bits that the umask removed. */
static int prepare(int fd, const struct stoa_address *address, const struct stoa_listen_options *options) {
  const int on = 1;
  if (address->socket.any.sa_family == AF_UNIX) {
    return stoa_sys.fchmod(fd, options->mode);
  }
  stoa_sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options->share) {
    stoa_sys.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (address->socket.any.sa_family == AF_INET6) {
    /* Always set, or net.ipv6.bindv6only would decide. */
    const int only = address->ipv6_only ? 1 : 0;
    return stoa_sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  return 0;
}

static int bind_to(const struct stoa_address *address, const struct stoa_listen_options *options) {
  int fd = stoa_sys.socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  if (prepare(fd, address, options) != 0 || stoa_sys.bind(fd, &address->socket.any, address->len) != 0) {
    return fail_and_close(fd);
  }
  return fd;
}

/* A socket file without a listener is left over from a process that was killed. */
static void remove_stale(const struct stoa_address *address) {
  struct stat info;
  if (stoa_sys.lstat(address->socket.un.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    return;
  }
  /* Non-blocking, because a live listener with a full backlog would block us; EAGAIN means that it is alive. */
  int fd = stoa_sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && stoa_sys.connect(fd, &address->socket.any, address->len) != 0 && errno == ECONNREFUSED) {
    stoa_sys.unlink(address->socket.un.sun_path);
  }
  if (fd >= 0) {
    stoa_sys.close(fd);
  }
}

/* Two processes that both set SO_REUSEPORT share a port without an error. A bind without it fails when any other
 * process holds the port, so it is tried first. */
static bool taken_by_another(const struct stoa_address *address) {
  const struct stoa_listen_options alone = {0};
  int fd = bind_to(address, &alone);
  if (fd < 0) {
    return true;
  }
  stoa_sys.close(fd);
  return false;
}

static int finish_unix(int fd, const struct stoa_address *address, mode_t mode) {
  if (stoa_sys.chmod(address->socket.un.sun_path, mode) == 0 && stoa_sys.listen(fd, BACKLOG) == 0) {
    return 0;
  }
  int saved_errno = errno;
  stoa_sys.unlink(address->socket.un.sun_path);
  errno = saved_errno;
  return -1;
}

/* Accepted sockets inherit the options, which saves a call for each connection. No Nagle: a turn's output is one write
 * anyway. No TCP_USER_TIMEOUT: it would reset a peer that is alive and reads slowly, whatever the ping settings say. */
static int finish(int fd, struct stoa_address *address, const struct stoa_listen_options *options) {
  const int on = 1;
  if (address->socket.any.sa_family == AF_UNIX) {
    return finish_unix(fd, address, options->mode);
  }
  socklen_t len = sizeof address->socket;
  stoa_sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return stoa_sys.listen(fd, BACKLOG) != 0 ? -1 : stoa_sys.getsockname(fd, &address->socket.any, &len);
}

int stoa_listener_open(struct stoa_address *address, const struct stoa_listen_options *options, int *out_fd) {
  bool is_unix = address->socket.any.sa_family == AF_UNIX;
  if (is_unix) {
    remove_stale(address);
  } else if (options->share && options->sole && taken_by_another(address)) {
    return STOA_E_SYSTEM;
  }
  int fd = bind_to(address, options);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  if (finish(fd, address, options) != 0) {
    fail_and_close(fd);
    return STOA_E_SYSTEM;
  }
  *out_fd = fd;
  return STOA_OK;
}

static int look_at_file(const struct stoa_address *address, struct stat *out_info) {
  assert(address->socket.any.sa_family == AF_UNIX);
  return stoa_sys.lstat(address->socket.un.sun_path, out_info);
}

int stoa_socket_file_note(const struct stoa_address *address, struct stoa_socket_file *out_file) {
  struct stat info;
  if (look_at_file(address, &info) != 0) {
    return STOA_E_SYSTEM;
  }
  *out_file = (struct stoa_socket_file){info.st_dev, info.st_ino};
  return STOA_OK;
}

void stoa_socket_file_remove(const struct stoa_address *address, const struct stoa_socket_file *file) {
  struct stat info;
  if (look_at_file(address, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_dev == file->device &&
      info.st_ino == file->inode) {
    stoa_sys.unlink(address->socket.un.sun_path);
  }
}

void stoa_spare_open(struct stoa_spare *spare) {
  *spare = (struct stoa_spare){.fd = stoa_sys.eventfd(0, EFD_CLOEXEC)};
}

void stoa_spare_close(struct stoa_spare *spare) {
  if (spare->fd >= 0) {
    stoa_sys.close(spare->fd);
  }
  spare->fd = -1;
}

/* At most one log line an interval, because refusals come in floods. */
static bool may_log(const struct stoa_listener *listener) {
  const struct stoa_spare *spare = listener->spare;
  return spare == NULL || !spare->logged || stoa_loop_now_ms(listener->loop) - spare->logged_ms >= LOG_INTERVAL_MS;
}

static void note_logged(struct stoa_listener *listener) {
  if (listener->spare != NULL) {
    listener->spare->logged = true;
    listener->spare->logged_ms = stoa_loop_now_ms(listener->loop);
    listener->spare->refused = 0;
  }
}

static void log_refused(struct stoa_listener *listener, int reason) {
  struct rlimit limit = {0};
  listener->spare->refused++;
  if (!may_log(listener)) {
    return;
  }
  stoa_sys.getrlimit(RLIMIT_NOFILE, &limit);
  const char *advice = reason == ENFILE ? "raise the system's limit, fs.file-max"
                                        : "raise the limit of open files (LimitNOFILE=, ulimit -n), or set "
                                          "server.limits.sessions_max below it";
  stoa_log(STOA_LOG_WARN, "out of descriptors, refusing connections", STOA_F_STR("reason", strerror(reason)),
           STOA_F_INT("limit", limit.rlim_cur), STOA_F_INT("refused", listener->spare->refused),
           STOA_F_STR("advice", advice));
  note_logged(listener);
}

static void watch_again(struct stoa_listener *listener) {
  listener->io.fd = listener->paused_fd;
  listener->paused = stoa_loop_add(listener->loop, &listener->io) != STOA_OK;
  if (listener->paused) {
    listener->io.fd = -1;
    stoa_loop_timer_start(listener->loop, &listener->retry, RETRY_MS);
  }
}

/* Removed from the loop, because the events of a descriptor watched with EPOLLEXCLUSIVE cannot be changed. */
static void pause_accepting(struct stoa_listener *listener, int reason) {
  assert(!listener->paused);
  if (may_log(listener)) {
    stoa_log(STOA_LOG_WARN, "cannot accept, pausing", STOA_F_STR("reason", strerror(reason)),
             STOA_F_INT("retry_ms", RETRY_MS));
    note_logged(listener);
  }
  listener->paused = true;
  listener->paused_fd = listener->io.fd;
  stoa_loop_remove(listener->loop, &listener->io);
  stoa_loop_timer_start(listener->loop, &listener->retry, RETRY_MS);
}

static int accept_one(const struct stoa_listener *listener, struct sockaddr_storage *out_peer) {
  socklen_t len = sizeof *out_peer;
  return stoa_sys.accept4(listener->io.fd, (struct sockaddr *)out_peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Another thread may take the freed descriptor first; then there is no spare until the next resume. Returns 0 when a
 * connection was refused, EAGAIN when none waits (any more), else the reason. */
static int refuse_one(struct stoa_listener *listener, int reason) {
  struct stoa_spare *spare = listener->spare;
  struct sockaddr_storage peer = {0};
  if (spare == NULL || spare->fd < 0) {
    return reason;
  }
  stoa_sys.close(spare->fd);
  int fd = accept_one(listener, &peer);
  int result = fd >= 0 ? 0 : errno;
  if (fd >= 0) {
    if (listener->on_refuse != NULL) {
      listener->on_refuse(listener, fd);
    }
    stoa_sys.close(fd);
    log_refused(listener, reason);
  }
  spare->fd = stoa_sys.eventfd(0, EFD_CLOEXEC);
  return result;
}

/* These errors of accept4(2) belong to one connection or are temporary: the next connection is not affected. */
static bool concerns_one(int reason) {
  return reason == ECONNABORTED || reason == EINTR || reason == EPROTO || reason == EPERM || reason == ENETDOWN ||
         reason == EHOSTDOWN || reason == EHOSTUNREACH || reason == ENETUNREACH || reason == ENOPROTOOPT ||
         reason == ETIMEDOUT;
}

static bool no_descriptors(int reason) {
  return reason == EMFILE || reason == ENFILE;
}

static void on_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_listener *listener = (struct stoa_listener *)io;
  (void)events;
  for (int i = 0; i < ACCEPTS_PER_TURN && io->fd >= 0; i++) {
    struct sockaddr_storage peer = {0};
    int fd = accept_one(listener, &peer);
    if (fd >= 0) {
      listener->on_accept(listener, fd, &peer);
      continue;
    }
    int reason = errno;
    if (reason != EAGAIN && reason != EWOULDBLOCK && listener->on_error != NULL) {
      listener->on_error(listener, reason);
    }
    reason = no_descriptors(reason) ? refuse_one(listener, reason) : reason;
    if (reason == EAGAIN || reason == EWOULDBLOCK) {
      return;
    }
    if (reason != 0 && !concerns_one(reason)) {
      pause_accepting(listener, reason);
      return;
    }
  }
}

static void on_retry(struct stoa_timer *timer) {
  struct stoa_listener *listener = stoa_container_of(timer, struct stoa_listener, retry);
  stoa_listener_resume(listener);
}

int stoa_listener_start(struct stoa_listener *listener, struct stoa_loop *loop, int fd) {
  assert(fd >= 0);
  assert(listener->on_accept != NULL);
  listener->loop = loop;
  listener->io.fd = fd;
  listener->io.events = listener->exclusive ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN;
  listener->io.on_ready = on_ready;
  listener->retry.on_due = on_retry;
  int status = stoa_loop_add(loop, &listener->io);
  if (status != STOA_OK) {
    listener->io.fd = -1;
  }
  return status;
}

void stoa_listener_resume(struct stoa_listener *listener) {
  if (!listener->paused) {
    return;
  }
  stoa_loop_timer_stop(listener->loop, &listener->retry);
  if (listener->spare != NULL && listener->spare->fd < 0) {
    listener->spare->fd = stoa_sys.eventfd(0, EFD_CLOEXEC);
  }
  watch_again(listener);
}

void stoa_listener_close(struct stoa_listener *listener) {
  int fd = listener->paused ? listener->paused_fd : listener->io.fd;
  if (fd < 0) {
    return;
  }
  listener->paused = false;
  stoa_loop_timer_stop(listener->loop, &listener->retry);
  stoa_loop_remove(listener->loop, &listener->io);
  stoa_sys.close(fd);
}
