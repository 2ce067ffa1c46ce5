#include "net.h"

#include "pipe.h"

#include "../wire/random.h"
#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define FDS_MAX 512
#define QUEUE_MAX 64
#define WATCHES_MAX 128
#define NS_PER_US 1000u
#define NS_PER_MS 1000000u
#define NEVER_NS UINT64_MAX
#define PORT_FIRST 40000

enum kind { KIND_SOCKET, KIND_LISTENER, KIND_CONNECTING, KIND_STREAM, KIND_EVENT, KIND_EPOLL };

struct object {
  enum kind kind;
  int fd;         /* -1: closed */
  uint64_t count; /* KIND_EVENT */

  struct sockaddr_in local, remote;
  struct object *peer; /* NULL: there is none, or it is freed */
  struct pipe in;
  bool sent_fin;
  int error; /* told at error_ns, then 0 */
  uint64_t error_ns;
  bool dead; /* the error was told */
  uint64_t connected_ns;

  struct object *queue[QUEUE_MAX]; /* KIND_LISTENER: who waits to be accepted, by connected_ns */
  size_t queue_count;

  struct {
    struct object *object;
    struct epoll_event event;
  } watches[WATCHES_MAX];
  size_t watch_count;
};

static struct {
  uint64_t bytes; /* another generator, so that more random bytes do not change the chance */
  struct object *objects[FDS_MAX];
  uint16_t next_port;
  void (*on_log)(void *context, const char *text, size_t len);
  void *log_context;
} net;

static int fail(int reason) {
  errno = reason;
  return -1;
}

/* Descriptors. */

static struct object *object_of(int fd) {
  int index = fd - NET_FD_FIRST;
  return index >= 0 && index < FDS_MAX ? net.objects[index] : NULL;
}

static struct object *add(enum kind kind) {
  for (int i = 0; i < FDS_MAX; i++) {
    if (net.objects[i] == NULL) {
      struct object *object = calloc(1, sizeof *object);
      assert(object != NULL);
      object->kind = kind;
      object->fd = NET_FD_FIRST + i;
      object->in.fin_ns = NEVER_NS;
      net.objects[i] = object;
      return object;
    }
  }
  errno = EMFILE;
  return NULL;
}

/* Resets. */

static void break_end(struct object *object, uint64_t at_ns) {
  if (object->error == 0 && !object->dead) {
    object->error = ECONNRESET;
    object->error_ns = at_ns;
  }
}

static bool is_broken(const struct object *object) {
  return object->dead || (object->error != 0 && object->error_ns <= chance_now_ns());
}

static int take_error(struct object *object) {
  int error = object->error;
  object->error = 0;
  object->dead = true;
  object->in.chunk_count = 0; /* what was on its way is lost */
  object->in.len = object->in.arrived;
  return error;
}

void net_reset(int fd) {
  struct object *object = object_of(fd);
  assert(object != NULL && (object->kind == KIND_STREAM || object->kind == KIND_CONNECTING));
  break_end(object, chance_now_ns());
  if (object->peer != NULL) {
    break_end(object->peer, chance_now_ns() + chance_delay_ns());
  }
}

void net_stall(int fd, uint64_t ns) {
  struct object *object = object_of(fd);
  assert(object != NULL);
  pipe_stall(&object->in, ns);
  if (object->peer != NULL) {
    pipe_stall(&object->peer->in, ns);
  }
}

/* Sockets. */

static int do_socket(int family, int type, int protocol) {
  (void)type;
  (void)protocol;
  if (family != AF_INET) {
    return fail(EAFNOSUPPORT);
  }
  struct object *object = add(KIND_SOCKET);
  return object == NULL ? -1 : object->fd;
}

static int do_bind(int fd, const struct sockaddr *address, socklen_t address_len) {
  struct object *object = object_of(fd);
  assert(address_len == sizeof object->local);
  memcpy(&object->local, address, address_len);
  if (object->local.sin_port == 0) {
    object->local.sin_port = htons(net.next_port++);
  }
  return 0;
}

static int do_listen(int fd, int backlog) {
  (void)backlog;
  object_of(fd)->kind = KIND_LISTENER;
  return 0;
}

static int do_getsockname(int fd, struct sockaddr *address, socklen_t *address_len) {
  memcpy(address, &object_of(fd)->local, sizeof(struct sockaddr_in));
  *address_len = sizeof(struct sockaddr_in);
  return 0;
}

static struct object *choose_listener(const struct sockaddr_in *to) {
  struct object *found[FDS_MAX];
  size_t count = 0;
  for (int i = 0; i < FDS_MAX; i++) {
    struct object *object = net.objects[i];
    if (object != NULL && object->kind == KIND_LISTENER && object->local.sin_port == to->sin_port &&
        object->queue_count < QUEUE_MAX) {
      found[count++] = object;
    }
  }
  return count == 0 ? NULL : found[chance_below(count)];
}

static void join(struct object *client, struct object *listener) {
  struct object *far = calloc(1, sizeof *far);
  assert(far != NULL);
  far->kind = KIND_STREAM;
  far->fd = -1;
  far->local = listener->local;
  far->remote = client->local;
  far->peer = client;
  client->peer = far;
  pipe_init(&far->in);
  pipe_init(&client->in);
  far->connected_ns = client->connected_ns;
  /* By the time they come, or one that is slow would hide the others. */
  size_t place = listener->queue_count++;
  while (place > 0 && listener->queue[place - 1]->connected_ns > far->connected_ns) {
    listener->queue[place] = listener->queue[place - 1];
    place--;
  }
  listener->queue[place] = far;
}

static int do_connect(int fd, const struct sockaddr *address, socklen_t address_len) {
  struct object *client = object_of(fd);
  assert(address_len == sizeof client->remote);
  memcpy(&client->remote, address, address_len);
  client->local = client->remote;
  client->local.sin_port = htons(net.next_port++);
  client->kind = KIND_CONNECTING;
  client->connected_ns = chance_now_ns() + chance_delay_ns();
  struct object *listener = choose_listener(&client->remote);
  if (listener == NULL) {
    client->error = ECONNREFUSED;
    client->error_ns = client->connected_ns;
  } else {
    join(client, listener);
  }
  return fail(EINPROGRESS);
}

static int do_accept4(int fd, struct sockaddr *address, socklen_t *address_len, int flags) {
  struct object *listener = object_of(fd);
  (void)flags;
  if (listener->queue_count == 0 || listener->queue[0]->connected_ns > chance_now_ns()) {
    return fail(EAGAIN);
  }
  struct object *slot = add(KIND_STREAM);
  if (slot == NULL) {
    return -1;
  }
  /* The object was made by who connected; only its descriptor is new. */
  struct object *object = listener->queue[0];
  object->fd = slot->fd;
  net.objects[object->fd - NET_FD_FIRST] = object;
  free(slot);
  listener->queue_count--;
  memmove(listener->queue, listener->queue + 1, listener->queue_count * sizeof listener->queue[0]);
  memcpy(address, &object->remote, sizeof object->remote);
  *address_len = sizeof object->remote;
  return object->fd;
}

static void see_connected(struct object *object) {
  if (object->kind == KIND_CONNECTING && object->connected_ns <= chance_now_ns() && object->peer != NULL) {
    object->kind = KIND_STREAM;
  }
}

static ssize_t do_recv(int fd, void *data, size_t len, int flags) {
  struct object *object = object_of(fd);
  struct pipe *pipe = &object->in;
  see_connected(object);
  pipe_settle(pipe);
  size_t count = pipe->arrived < len ? pipe->arrived : len;
  if (count == 0 && is_broken(object)) {
    return object->dead ? 0 : fail(take_error(object));
  }
  if (count == 0) {
    return pipe_has_fin(pipe) ? 0 : fail(EAGAIN);
  }
  if ((flags & MSG_PEEK) == 0 && chance_one_in(8)) {
    count = 1 + chance_below(count);
  }
  memcpy(data, pipe->data, count);
  if ((flags & MSG_PEEK) == 0) {
    pipe->len -= count;
    pipe->arrived -= count;
    memmove(pipe->data, pipe->data + count, pipe->len);
  }
  return (ssize_t)count;
}

static ssize_t do_send(int fd, const void *data, size_t len, int flags) {
  struct object *object = object_of(fd);
  (void)flags;
  see_connected(object);
  if (is_broken(object)) {
    return fail(object->dead ? EPIPE : take_error(object));
  }
  assert(object->kind == KIND_STREAM && object->peer != NULL);
  if (object->sent_fin) {
    return fail(EPIPE);
  }
  struct pipe *pipe = &object->peer->in;
  if (object->peer->fd == -2) { /* closed: it answers with a reset */
    break_end(object, chance_now_ns() + chance_delay_ns());
    return (ssize_t)len;
  }
  size_t count = pipe->cap - pipe->len < len ? pipe->cap - pipe->len : len;
  if (count == 0 && len > 0) {
    return fail(EAGAIN);
  }
  if (chance_one_in(8)) {
    count = 1 + chance_below(count);
  }
  pipe_put(pipe, data, count);
  return (ssize_t)count;
}

static ssize_t do_sendmsg(int fd, const struct msghdr *message, int flags) {
  ssize_t total = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    const struct iovec *piece = &message->msg_iov[i];
    ssize_t count = piece->iov_len == 0 ? 0 : do_send(fd, piece->iov_base, piece->iov_len, flags);
    if (count < 0) {
      return total > 0 ? total : -1;
    }
    total += count;
    if ((size_t)count < piece->iov_len) {
      break;
    }
  }
  return total;
}

static void send_fin(struct object *object) {
  if (!object->sent_fin && object->peer != NULL) {
    object->peer->in.fin_ns = pipe_arrival_ns(&object->peer->in);
  }
  object->sent_fin = true;
}

static int do_shutdown(int fd, int how) {
  struct object *object = object_of(fd);
  assert(how == SHUT_WR);
  if (is_broken(object)) {
    return fail(ENOTCONN);
  }
  send_fin(object);
  return 0;
}

static int do_setsockopt(int fd, int level, int name, const void *value, socklen_t value_len) {
  (void)level;
  (void)name;
  (void)value;
  (void)value_len;
  return object_of(fd) == NULL ? fail(EBADF) : 0;
}

static int do_getsockopt(int fd, int level, int name, void *value, socklen_t *value_len) {
  struct object *object = object_of(fd);
  if (level == SOL_SOCKET && name == SO_ERROR) {
    see_connected(object);
    *(int *)value = is_broken(object) && !object->dead ? take_error(object) : 0;
    *value_len = sizeof(int);
    return 0;
  }
  if (level != IPPROTO_TCP || name != TCP_INFO || object->peer == NULL) {
    return fail(ENOPROTOOPT);
  }
  struct tcp_info info;
  memset(&info, 0, sizeof info);
  info.tcpi_bytes_acked = object->peer->in.total - pipe_in_flight(&object->peer->in);
  memcpy(value, &info, *value_len < sizeof info ? *value_len : sizeof info);
  return 0;
}

static int do_ioctl_int(int fd, unsigned long request, int *value) {
  const struct object *object = object_of(fd);
  if (object == NULL || request != SIOCOUTQ || object->peer == NULL) {
    return fail(ENOTTY);
  }
  *value = (int)pipe_in_flight(&object->peer->in);
  return 0;
}

/* Closing. */

static void forget_watches(const struct object *object) {
  for (int i = 0; i < FDS_MAX; i++) {
    struct object *epoll = net.objects[i];
    for (size_t j = 0; epoll != NULL && j < epoll->watch_count; j++) {
      if (epoll->watches[j].object == object) {
        epoll->watch_count--;
        memmove(&epoll->watches[j], &epoll->watches[j + 1], (epoll->watch_count - j) * sizeof epoll->watches[0]);
        break;
      }
    }
  }
}

static void close_end(struct object *object) {
  struct object *peer = object->peer;
  if (peer != NULL && object->in.len > 0) {
    break_end(peer, pipe_arrival_ns(&peer->in));
  } else {
    send_fin(object);
  }
  object->fd = -2;
  if (peer != NULL && peer->fd == -2) {
    free(peer);
    free(object);
  } else if (peer == NULL) {
    free(object);
  }
}

static int do_close(int fd) {
  struct object *object = object_of(fd);
  if (object == NULL) {
    assert(fd < NET_FD_FIRST);
    return stoa_sys_real.close(fd);
  }
  net.objects[fd - NET_FD_FIRST] = NULL;
  forget_watches(object);
  for (size_t i = 0; i < object->queue_count; i++) {
    break_end(object->queue[i]->peer, chance_now_ns() + chance_delay_ns());
    close_end(object->queue[i]);
  }
  close_end(object);
  return 0;
}

/* eventfd(2) and epoll(7). */

static int do_eventfd(unsigned count, int flags) {
  struct object *object = add(KIND_EVENT);
  (void)flags;
  if (object == NULL) {
    return -1;
  }
  object->count = count;
  return object->fd;
}

static ssize_t do_read(int fd, void *data, size_t len) {
  struct object *object = object_of(fd);
  if (object == NULL) {
    return stoa_sys_real.read(fd, data, len);
  }
  assert(object->kind == KIND_EVENT && len == sizeof object->count);
  if (object->count == 0) {
    return fail(EAGAIN);
  }
  memcpy(data, &object->count, len);
  object->count = 0;
  return (ssize_t)len;
}

static ssize_t do_write(int fd, const void *data, size_t len) {
  struct object *object = object_of(fd);
  uint64_t more;
  if (fd == NET_FD_LOG) {
    net.on_log(net.log_context, data, len);
    return (ssize_t)len;
  }
  if (object == NULL) {
    return stoa_sys_real.write(fd, data, len);
  }
  assert(object->kind == KIND_EVENT && len == sizeof more);
  memcpy(&more, data, len);
  object->count += more;
  return (ssize_t)len;
}

static uint32_t stream_events(struct object *object) {
  see_connected(object);
  if (is_broken(object)) {
    return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP;
  }
  if (object->kind == KIND_CONNECTING) {
    return 0;
  }
  struct pipe *out = &object->peer->in;
  bool fin = pipe_has_fin(&object->in);
  uint32_t events = object->in.arrived > 0 || fin ? EPOLLIN : 0;
  events |= fin ? EPOLLRDHUP : 0;
  events |= fin && object->sent_fin ? EPOLLHUP : 0;
  return events | (out->len < out->cap || object->peer->fd == -2 ? EPOLLOUT : 0);
}

static uint32_t events_of(struct object *object) {
  switch (object->kind) {
    case KIND_SOCKET:
      return EPOLLOUT | EPOLLHUP;
    case KIND_LISTENER:
      return object->queue_count > 0 && object->queue[0]->connected_ns <= chance_now_ns() ? EPOLLIN : 0;
    case KIND_CONNECTING:
    case KIND_STREAM:
      return stream_events(object);
    case KIND_EVENT:
      return object->count > 0 ? EPOLLIN | EPOLLOUT : EPOLLOUT;
    case KIND_EPOLL:
      return 0;
  }
  return 0;
}

static uint32_t reported(const struct object *epoll, size_t index) {
  uint32_t wanted = epoll->watches[index].event.events | EPOLLERR | EPOLLHUP;
  return events_of(epoll->watches[index].object) & wanted;
}

static int do_epoll_create1(int flags) {
  struct object *object = add(KIND_EPOLL);
  (void)flags;
  return object == NULL ? -1 : object->fd;
}

static int do_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event) {
  struct object *epoll = object_of(epoll_fd);
  struct object *object = object_of(fd);
  size_t at = 0;
  if (object == NULL) {
    return fail(EBADF);
  }
  while (at < epoll->watch_count && epoll->watches[at].object != object) {
    at++;
  }
  if (operation == EPOLL_CTL_ADD) {
    assert(at == epoll->watch_count && at < WATCHES_MAX);
    epoll->watches[epoll->watch_count++].object = object;
  } else if (at == epoll->watch_count) {
    return fail(ENOENT);
  }
  if (operation == EPOLL_CTL_DEL) {
    epoll->watch_count--;
    memmove(&epoll->watches[at], &epoll->watches[at + 1], (epoll->watch_count - at) * sizeof epoll->watches[0]);
    return 0;
  }
  epoll->watches[at].event = *event;
  return 0;
}

/* From a place that changes, for epoll's own order is nothing to rely on. */
static int collect(struct object *epoll, struct epoll_event *events, int events_max) {
  int count = 0;
  size_t first = chance_below(epoll->watch_count);
  for (size_t i = 0; i < epoll->watch_count && count < events_max; i++) {
    size_t at = (first + i) % epoll->watch_count;
    uint32_t what = reported(epoll, at);
    if (what != 0) {
      events[count] = epoll->watches[at].event;
      events[count++].events = what;
    }
  }
  return count;
}

static int wait_until(int epoll_fd, struct epoll_event *events, int events_max, uint64_t until_ns) {
  struct object *epoll = object_of(epoll_fd);
  int count = collect(epoll, events, events_max);
  while (count == 0 && chance_now_ns() < until_ns) {
    uint64_t due_ns = net_due_ns();
    uint64_t to_ns = due_ns < until_ns ? due_ns : until_ns;
    assert(to_ns != NEVER_NS); /* or it would wait for ever */
    chance_move_to(to_ns);
    count = collect(epoll, events, events_max);
  }
  return count;
}

static int do_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) {
  uint64_t until_ns = timeout_ms < 0 ? NEVER_NS : chance_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
  return wait_until(epoll_fd, events, events_max, until_ns);
}

static int do_epoll_pwait2(int epoll_fd, struct epoll_event *events, int events_max, const struct timespec *timeout,
                           const sigset_t *signals) {
  (void)signals;
  uint64_t ns = timeout == NULL ? 0 : (uint64_t)timeout->tv_sec * 1000 * NS_PER_MS + (uint64_t)timeout->tv_nsec;
  return wait_until(epoll_fd, events, events_max, timeout == NULL ? NEVER_NS : chance_now_ns() + ns);
}

bool net_is_ready(int epoll_fd) {
  const struct object *epoll = object_of(epoll_fd);
  for (size_t i = 0; i < epoll->watch_count; i++) {
    if (reported(epoll, i) != 0) {
      return true;
    }
  }
  return false;
}

/* Who logs asks whether it may write. */
static int do_poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
  if (count == 1 && fds[0].fd == NET_FD_LOG) {
    fds[0].revents = POLLOUT;
    return 1;
  }
  return stoa_sys_real.poll(fds, count, timeout_ms);
}

void net_log_to(void (*on_log)(void *context, const char *text, size_t len), void *context) {
  net.on_log = on_log;
  net.log_context = context;
}

/* The process. */

static ssize_t do_getrandom(void *data, size_t len, unsigned flags) {
  uint8_t *bytes = data;
  (void)flags;
  for (size_t i = 0; i < len; i++) {
    bytes[i] = (uint8_t)(random_next(&net.bytes) >> 24);
  }
  return (ssize_t)len;
}

static int do_getrlimit(int resource, struct rlimit *out_limit) {
  (void)resource;
  *out_limit = (struct rlimit){FDS_MAX, FDS_MAX};
  return 0;
}

static int do_gethostname(char *name, size_t len) {
  snprintf(name, len, "simulated");
  return 0;
}

static int do_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                             void *argument) {
  (void)thread;
  (void)attributes;
  (void)run;
  (void)argument;
  return EAGAIN;
}

/* Time. */

void net_move_clock(struct stoa_clock_fake *time, uint64_t monotonic_ns) {
  assert(monotonic_ns >= time->monotonic_ns);
  time->wall_us += (int64_t)(monotonic_ns / NS_PER_US - time->monotonic_ns / NS_PER_US);
  time->monotonic_ns = monotonic_ns;
}

static void nearest(uint64_t *due_ns, uint64_t at_ns) {
  if (at_ns > chance_now_ns() && at_ns < *due_ns) {
    *due_ns = at_ns;
  }
}

uint64_t net_due_ns(void) {
  uint64_t due_ns = NEVER_NS;
  for (int i = 0; i < FDS_MAX; i++) {
    struct object *object = net.objects[i];
    if (object == NULL) {
      continue;
    }
    nearest(&due_ns, object->in.fin_ns);
    nearest(&due_ns, object->connected_ns);
    if (object->error != 0) {
      nearest(&due_ns, object->error_ns);
    }
    if (object->in.chunk_count > 0) {
      pipe_settle(&object->in);
    }
    if (object->in.chunk_count > 0) {
      nearest(&due_ns, object->in.chunks[0].at_ns);
    }
    for (size_t j = 0; j < object->queue_count; j++) {
      nearest(&due_ns, object->queue[j]->connected_ns);
    }
  }
  return due_ns;
}

/* Up and down. */

void net_start(uint64_t seed, struct stoa_clock_fake *time) {
  memset(&net, 0, sizeof net);
  chance_start(seed, time);
  net.bytes = chance_mix(~seed);
  net.next_port = PORT_FIRST;
  stoa_sys = stoa_sys_real;
  stoa_sys.socket = do_socket;
  stoa_sys.bind = do_bind;
  stoa_sys.listen = do_listen;
  stoa_sys.accept4 = do_accept4;
  stoa_sys.connect = do_connect;
  stoa_sys.shutdown = do_shutdown;
  stoa_sys.getsockname = do_getsockname;
  stoa_sys.getsockopt = do_getsockopt;
  stoa_sys.setsockopt = do_setsockopt;
  stoa_sys.recv = do_recv;
  stoa_sys.send = do_send;
  stoa_sys.sendmsg = do_sendmsg;
  stoa_sys.gethostname = do_gethostname;
  stoa_sys.read = do_read;
  stoa_sys.write = do_write;
  stoa_sys.close = do_close;
  stoa_sys.ioctl_int = do_ioctl_int;
  stoa_sys.poll = do_poll;
  stoa_sys.epoll_create1 = do_epoll_create1;
  stoa_sys.epoll_ctl = do_epoll_ctl;
  stoa_sys.epoll_wait = do_epoll_wait;
  stoa_sys.epoll_pwait2 = do_epoll_pwait2;
  stoa_sys.eventfd = do_eventfd;
  stoa_sys.getrlimit = do_getrlimit;
  stoa_sys.getrandom = do_getrandom;
  stoa_sys.pthread_create = do_pthread_create;
  stoa_random_reset();
}

size_t net_stop(void) {
  size_t open = 0;
  for (int i = 0; i < FDS_MAX; i++) {
    if (net.objects[i] != NULL) {
      open++;
      stoa_sys.close(NET_FD_FIRST + i);
    }
  }
  stoa_sys = stoa_sys_real;
  stoa_random_reset();
  return open;
}
