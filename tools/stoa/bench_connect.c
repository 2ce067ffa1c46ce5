#include "bench_connect.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_io.h"

enum { EVENTS_MAX = 256, DESCRIPTORS_SPARE = 16, PER_SOURCE_MAX = 28000 };

struct dialer {
  const struct bench_target *target;
  const struct bench_options *options;
  struct bench_tls_context *tls; /* NULL: none */
  int epoll_fd;
  struct bench_conn *conns;
  uint32_t started;
  uint32_t opened;
  uint32_t oldest; /* all before it are open, so it has the nearest deadline */
  size_t address;  /* index of the target's address that new connections try first */
  bool reached;    /* that address accepted a connection; no other address is tried from then on */
};

int64_t bench_now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool bench_descriptors_suffice(uint32_t connections) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    perror("stoa bench: getrlimit");
    return false;
  }
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max >= (rlim_t)connections + DESCRIPTORS_SPARE) {
    return true;
  }
  fprintf(stderr,
          "stoa bench: %u connections need %u descriptors, and the limit of this process is %llu (ulimit -Hn): "
          "use fewer, or more than one `stoa bench`\n",
          connections, connections + DESCRIPTORS_SPARE, (unsigned long long)limit.rlim_max);
  return false;
}

static bool fail(const struct bench_conn *conn, const char *what, const char *why) {
  fprintf(stderr, "stoa bench: connection %u: %s: %s\n", conn->stream.id, what, why);
  return false;
}

/* One address has about 28,000 ports for connections to one port. On the loopback network all of 127.0.0.0/8 can be
 * used. */
static bool bind_source(const struct dialer *dialer, struct bench_conn *conn) {
  const struct sockaddr_in *to = (const struct sockaddr_in *)&dialer->target->addresses[conn->address].socket;
  if (to->sin_family != AF_INET || (ntohl(to->sin_addr.s_addr) >> 24) != 127 ||
      dialer->options->connections <= PER_SOURCE_MAX) {
    return true;
  }
  int on = 1;
  setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in from = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK + conn->stream.id / PER_SOURCE_MAX)};
  return bind(conn->fd, (struct sockaddr *)&from, sizeof from) == 0;
}

static bool watch(const struct dialer *dialer, const struct bench_conn *conn, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = conn->stream.id};
  if (epoll_ctl(dialer->epoll_fd, operation, conn->fd, &event) != 0) {
    return fail(conn, "epoll_ctl", strerror(errno));
  }
  return true;
}

/* An address that does not answer must not use the time of the addresses after it. */
static void set_deadline(const struct dialer *dialer, struct bench_conn *conn) {
  int64_t whole_ns = dialer->options->connect_timeout_ms * 1000000;
  size_t count = dialer->target->address_count;
  bool is_last = conn->address + 1 == count || dialer->reached;
  conn->deadline_ns = is_last ? conn->begun_ns + whole_ns : bench_now_ns() + whole_ns / (int64_t)count;
}

/* Returns NULL, or the step that failed, with the reason in errno. */
static const char *try_address(struct dialer *dialer, struct bench_conn *conn) {
  const struct bench_address *address = &dialer->target->addresses[conn->address];
  int family = address->socket.ss_family;
  conn->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (conn->fd < 0) {
    return "socket";
  }
  int on = 1;
  if (family != AF_UNIX) {
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  set_deadline(dialer, conn);
  conn->state = BENCH_CONN_CONNECTING;
  if (!bind_source(dialer, conn)) {
    return "bind";
  }
  if (connect(conn->fd, (const struct sockaddr *)&address->socket, address->len) != 0 && errno != EINPROGRESS) {
    return "connect";
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = conn->stream.id};
  return epoll_ctl(dialer->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) == 0 ? NULL : "epoll_ctl";
}

/* Once an address was reached, another one is tried only when the local ports are used up. */
static bool next_address(const struct dialer *dialer, struct bench_conn *conn, int reason) {
  bool is_reached = dialer->reached && conn->address == dialer->address && reason != EADDRNOTAVAIL;
  if (is_reached || conn->address + 1 >= dialer->target->address_count) {
    return false;
  }
  if (conn->fd >= 0) {
    close(conn->fd);
  }
  conn->address++;
  return true;
}

/* The address failed: try the next one, or fail. */
static bool try_next(struct dialer *dialer, struct bench_conn *conn, const char *what, int reason) {
  while (what != NULL) {
    if (!next_address(dialer, conn, reason)) {
      return fail(conn, what, strerror(reason));
    }
    what = try_address(dialer, conn);
    reason = errno;
  }
  return true;
}

static bool start(struct dialer *dialer, struct bench_conn *conn) {
  conn->address = dialer->address;
  conn->begun_ns = bench_now_ns();
  const char *what = try_address(dialer, conn);
  return what == NULL || try_next(dialer, conn, what, errno);
}

static bool ask(struct dialer *dialer, struct bench_conn *conn) {
  ssize_t sent = bench_io_send(conn, dialer->target->request, dialer->target->request_len);
  if (sent != (ssize_t)dialer->target->request_len || bench_io_unsent(conn)) {
    return fail(conn, "asking for the upgrade", sent < 0 ? strerror(errno) : "the socket accepted only a part");
  }
  conn->state = BENCH_CONN_ASKING;
  return watch(dialer, conn, EPOLL_CTL_MOD, EPOLLIN);
}

static bool secure(struct dialer *dialer, struct bench_conn *conn) {
  switch (bench_tls_shake(conn->tls)) {
    case BENCH_TLS_DONE:
      return ask(dialer, conn);
    case BENCH_TLS_MORE:
      return true;
    case BENCH_TLS_FAILED:
      break;
  }
  return fail(conn, "TLS", bench_tls_reason(conn->tls));
}

static bool on_connected(struct dialer *dialer, struct bench_conn *conn) {
  int error = 0;
  socklen_t len = sizeof error;
  getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
  if (error != 0) {
    return try_next(dialer, conn, "connect", error);
  }
  if (!dialer->reached) {
    dialer->reached = true;
    dialer->address = conn->address;
  }
  conn->deadline_ns = conn->begun_ns + dialer->options->connect_timeout_ms * 1000000;
  if (dialer->tls == NULL) {
    return ask(dialer, conn);
  }
  conn->tls = bench_tls_create(dialer->tls, conn->fd);
  if (conn->tls == NULL) {
    return fail(conn, "TLS", strerror(ENOMEM));
  }
  conn->state = BENCH_CONN_SECURING;
  return watch(dialer, conn, EPOLL_CTL_MOD, EPOLLIN) && secure(dialer, conn);
}

static bool refused(const struct bench_conn *conn, const char *reason, size_t head_len) {
  char what[128];
  const char *line_end = memchr(conn->tail, '\r', head_len);
  size_t len = line_end == NULL ? head_len : (size_t)(line_end - (const char *)conn->tail);
  snprintf(what, sizeof what, "%.*s", len < 100 ? (int)len : 100, (const char *)conn->tail);
  for (char *at = what; *at != '\0'; at++) {
    if (*at < ' ' || *at == 0x7f) {
      *at = '?';
    }
  }
  return fail(conn, reason, what);
}

/* The head is kept in the tail, which is usually freed after it. */
static bool take_answer(struct dialer *dialer, struct bench_conn *conn) {
  const char *end = memmem(conn->tail, conn->tail_len, "\r\n\r\n", 4);
  if (end == NULL) {
    return conn->tail_len < BENCH_ANSWER_MAX || fail(conn, "the answer's head", "longer than 16 KiB");
  }
  size_t head_len = (size_t)(end - (const char *)conn->tail) + 4;
  const char *reason = bench_answer_judge(dialer->target, (const char *)conn->tail, head_len);
  if (reason != NULL) {
    return refused(conn, reason, head_len);
  }
  conn->tail_len -= head_len;
  memmove(conn->tail, conn->tail + head_len, conn->tail_len);
  if (conn->tail_len == 0) {
    free(conn->tail);
    conn->tail = NULL;
    conn->tail_cap = 0;
  }
  conn->state = BENCH_CONN_OPEN;
  dialer->opened++;
  return true;
}

static bool hear(struct dialer *dialer, struct bench_conn *conn) {
  if (conn->tail == NULL) {
    conn->tail = malloc(BENCH_ANSWER_MAX);
    conn->tail_cap = BENCH_ANSWER_MAX;
  }
  if (conn->tail == NULL) {
    return fail(conn, "memory", strerror(ENOMEM));
  }
  ssize_t got = bench_io_recv(conn, conn->tail + conn->tail_len, conn->tail_cap - conn->tail_len);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return true;
  }
  if (got <= 0) {
    return fail(conn, "waiting for the upgrade", got < 0 ? strerror(errno) : "the server ended the connection");
  }
  conn->tail_len += (size_t)got;
  return take_answer(dialer, conn);
}

/* A server's early message stays in the socket until the load reads. EPOLLIN would report it again and again, so it is
 * off until all connections are open. */
static bool leave_alone(const struct dialer *dialer, const struct bench_conn *conn, uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    return fail(conn, "after the upgrade", "the server ended the connection");
  }
  return watch(dialer, conn, EPOLL_CTL_MOD, 0);
}

static bool on_event(struct dialer *dialer, struct bench_conn *conn, uint32_t events) {
  switch (conn->state) {
    case BENCH_CONN_CONNECTING:
      return on_connected(dialer, conn);
    case BENCH_CONN_SECURING:
      return secure(dialer, conn);
    case BENCH_CONN_ASKING:
      return hear(dialer, conn);
    case BENCH_CONN_OPEN:
      return leave_alone(dialer, conn, events);
    case BENCH_CONN_NEW:
    case BENCH_CONN_LEAVING:
    case BENCH_CONN_CLOSED:
      break;
  }
  assert(false);
  return false;
}

static bool start_more(struct dialer *dialer) {
  const struct bench_options *options = dialer->options;
  while (dialer->started < options->connections && dialer->started - dialer->opened < options->connect_concurrency) {
    if (!start(dialer, &dialer->conns[dialer->started])) {
      return false;
    }
    dialer->started++;
  }
  return true;
}

/* Until an address is reached, each address has its own share of the time; there are few connections then. */
static struct bench_conn *find_nearest(struct dialer *dialer) {
  while (dialer->conns[dialer->oldest].state == BENCH_CONN_OPEN) {
    dialer->oldest++;
  }
  struct bench_conn *nearest = &dialer->conns[dialer->oldest];
  for (uint32_t i = dialer->oldest + 1; i < dialer->started && !dialer->reached; i++) {
    nearest = dialer->conns[i].deadline_ns < nearest->deadline_ns ? &dialer->conns[i] : nearest;
  }
  return nearest;
}

static bool on_deadline(struct dialer *dialer, struct bench_conn *conn) {
  return conn->state == BENCH_CONN_CONNECTING ? try_next(dialer, conn, "connect", ETIMEDOUT)
                                              : fail(conn, "connecting", "no upgrade in time");
}

static bool turn(struct dialer *dialer) {
  struct epoll_event events[EVENTS_MAX];
  struct bench_conn *nearest = find_nearest(dialer);
  int64_t left_ns = nearest->deadline_ns - bench_now_ns();
  if (left_ns <= 0) {
    return on_deadline(dialer, nearest);
  }
  int timeout_ms = (int)(left_ns / 1000000) + 1;
  int count = epoll_wait(dialer->epoll_fd, events, EVENTS_MAX, timeout_ms);
  for (int i = 0; i < count; i++) {
    if (!on_event(dialer, &dialer->conns[events[i].data.u32], events[i].events)) {
      return false;
    }
  }
  return true;
}

bool bench_connect_all(const struct bench_target *target, const struct bench_options *options,
                       struct bench_tls_context *tls, int epoll_fd, struct bench_conn *conns) {
  struct dialer dialer = {.target = target, .options = options, .tls = tls, .epoll_fd = epoll_fd, .conns = conns};
  while (dialer.opened < options->connections) {
    if (!start_more(&dialer) || !turn(&dialer)) {
      return false;
    }
  }
  for (uint32_t i = 0; i < options->connections; i++) {
    if (!watch(&dialer, &conns[i], EPOLL_CTL_MOD, EPOLLIN)) {
      return false;
    }
  }
  return true;
}
