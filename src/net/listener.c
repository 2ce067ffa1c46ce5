#include "net/listener.h"

#include "base/sys.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stoa/log.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_PER_TURN 64
#define RETRY_MS 200

static int bind_to(const struct stoa_address *address, bool reuse_port) {
  const int on = 1;
  int fd = stoa_sys.socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  stoa_sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) {
    stoa_sys.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (stoa_sys.bind(fd, &address->socket.any, address->len) != 0) {
    int saved_errno = errno;
    stoa_sys.close(fd);
    errno = saved_errno;
    return -1;
  }
  return fd;
}

/* A socket file that nobody listens on is left over from a process that was killed. */
static void remove_stale(const struct stoa_address *address) {
  struct stat info;
  if (stoa_sys.lstat(address->socket.un.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    return;
  }
  /* Not blocking, for a live one with a full backlog would keep us waiting: EAGAIN tells that it lives. */
  int fd = stoa_sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && stoa_sys.connect(fd, &address->socket.any, address->len) != 0 && errno == ECONNREFUSED) {
    stoa_sys.unlink(address->socket.un.sun_path);
  }
  if (fd >= 0) {
    stoa_sys.close(fd);
  }
}

/* Two processes that both set SO_REUSEPORT share a port without a word. A bind without it fails when any other
 * process holds the port, so it is tried first. */
static bool taken_by_another(const struct stoa_address *address) {
  int fd = bind_to(address, false);
  if (fd < 0) {
    return true;
  }
  stoa_sys.close(fd);
  return false;
}

/* Accepted sockets inherit both, which saves two calls a connection. No Nagle: a turn is sent in one piece anyway.
 * Unacknowledged bytes break the line after 30 s, so that a vanished peer does not hold its queue for minutes. */
static void set_inherited(int fd, const struct stoa_address *address) {
  const int on = 1;
  const unsigned timeout_ms = 30000;
  if (address->socket.any.sa_family != AF_UNIX) {
    stoa_sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    stoa_sys.setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
  }
}

int stoa_listener_open(struct stoa_address *address, bool share, bool sole, int *out_fd) {
  if (address->socket.any.sa_family == AF_UNIX) {
    remove_stale(address);
    share = false;
  }
  if (share && sole && taken_by_another(address)) {
    return STOA_E_SYSTEM;
  }
  int fd = bind_to(address, share);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  socklen_t len = sizeof address->socket;
  set_inherited(fd, address);
  if (stoa_sys.listen(fd, BACKLOG) != 0 ||
      (address->socket.any.sa_family != AF_UNIX && stoa_sys.getsockname(fd, &address->socket.any, &len) != 0)) {
    int saved_errno = errno;
    stoa_sys.close(fd);
    errno = saved_errno;
    return STOA_E_SYSTEM;
  }
  *out_fd = fd;
  return STOA_OK;
}

static void pause_accepting(struct stoa_listener *listener, int reason) {
  stoa_log(STOA_LOG_WARN, "cannot accept, pausing", STOA_F_STR("reason", strerror(reason)),
           STOA_F_INT("retry_ms", RETRY_MS));
  if (stoa_loop_modify(listener->loop, &listener->io, 0) == STOA_OK) {
    stoa_loop_timer_start(listener->loop, &listener->retry, RETRY_MS);
  }
}

/* Of accept4(2)'s errors these are the connection's own or passing ones: the next connection is not affected. */
static bool concerns_one(int reason) {
  return reason == ECONNABORTED || reason == EINTR || reason == EPROTO || reason == EPERM || reason == ENETDOWN ||
         reason == EHOSTDOWN || reason == EHOSTUNREACH || reason == ENETUNREACH || reason == ENOPROTOOPT ||
         reason == ETIMEDOUT;
}

static void on_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_listener *listener = (struct stoa_listener *)io;
  (void)events;
  for (int i = 0; i < ACCEPTS_PER_TURN && io->fd >= 0; i++) {
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    int fd = stoa_sys.accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      listener->on_accept(listener, fd, &peer);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (!concerns_one(errno)) {
      pause_accepting(listener, errno);
      return;
    }
  }
}

static void on_retry(struct stoa_timer *timer) {
  struct stoa_listener *listener =
      (struct stoa_listener *)(void *)((char *)timer - offsetof(struct stoa_listener, retry));
  stoa_listener_resume(listener);
}

int stoa_listener_start(struct stoa_listener *listener, struct stoa_loop *loop, int fd) {
  listener->loop = loop;
  listener->io.fd = fd;
  listener->io.events = EPOLLIN;
  listener->io.on_ready = on_ready;
  listener->retry.on_due = on_retry;
  int status = stoa_loop_add(loop, &listener->io);
  if (status != STOA_OK) {
    listener->io.fd = -1;
  }
  return status;
}

void stoa_listener_resume(struct stoa_listener *listener) {
  if (listener->io.fd < 0 || listener->io.events != 0) {
    return;
  }
  stoa_loop_timer_stop(listener->loop, &listener->retry);
  if (stoa_loop_modify(listener->loop, &listener->io, EPOLLIN) != STOA_OK) {
    stoa_loop_timer_start(listener->loop, &listener->retry, RETRY_MS);
  }
}

void stoa_listener_close(struct stoa_listener *listener) {
  int fd = listener->io.fd;
  if (fd < 0) {
    return;
  }
  stoa_loop_timer_stop(listener->loop, &listener->retry);
  stoa_loop_remove(listener->loop, &listener->io);
  stoa_sys.close(fd);
}
