#include "sockets.h"

#include "object.h"

#include "base/sys.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define PORT_FIRST 40000

static uint16_t next_port;
static in_addr_t source; /* of connections; 0: the address that they go to */

void sockets_connect_from(const char *address) {
  source = address == NULL ? 0 : inet_addr(address);
}

static int do_socket(int family, int type, int protocol) {
  (void)type;
  (void)protocol;
  if (family != AF_INET) {
    return fail_with(EAFNOSUPPORT);
  }
  struct object *object = object_add(KIND_SOCKET);
  return object == NULL ? -1 : object->fd;
}

static int do_bind(int fd, const struct sockaddr *address, socklen_t address_len) {
  struct object *object = object_of(fd);
  assert(address_len == sizeof object->local);
  memcpy(&object->local, address, address_len);
  if (object->local.sin_port == 0) {
    object->local.sin_port = htons(next_port++);
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
  struct object *found[OBJECTS_MAX];
  size_t count = 0;
  for (int i = 0; i < OBJECTS_MAX; i++) {
    struct object *object = objects[i];
    if (object != NULL && object->kind == KIND_LISTENER && object->local.sin_port == to->sin_port &&
        object->queue_count < OBJECT_QUEUE_MAX) {
      found[count++] = object;
    }
  }
  return count == 0 ? NULL : found[chance_below(count)];
}

static void join(struct object *client, struct object *listener) {
  struct object *accepted = calloc(1, sizeof *accepted);
  assert(accepted != NULL);
  accepted->kind = KIND_STREAM;
  accepted->fd = OBJECT_FD_NONE;
  accepted->local = listener->local;
  accepted->remote = client->local;
  accepted->peer = client;
  client->peer = accepted;
  pipe_init(&accepted->in);
  pipe_init(&client->in);
  accepted->connected_ns = client->connected_ns;
  /* By the time they come, or one that is slow would hide the others. */
  size_t place = listener->queue_count++;
  while (place > 0 && listener->queue[place - 1]->connected_ns > accepted->connected_ns) {
    listener->queue[place] = listener->queue[place - 1];
    place--;
  }
  listener->queue[place] = accepted;
}

static int do_connect(int fd, const struct sockaddr *address, socklen_t address_len) {
  struct object *client = object_of(fd);
  assert(address_len == sizeof client->remote);
  memcpy(&client->remote, address, address_len);
  client->local = client->remote;
  client->local.sin_addr.s_addr = source == 0 ? client->local.sin_addr.s_addr : source;
  client->local.sin_port = htons(next_port++);
  client->kind = KIND_CONNECTING;
  client->connected_ns = chance_now_ns() + chance_delay_ns();
  struct object *listener = choose_listener(&client->remote);
  if (listener == NULL) {
    client->error = ECONNREFUSED;
    client->error_ns = client->connected_ns;
  } else {
    join(client, listener);
  }
  return fail_with(EINPROGRESS);
}

static int do_accept4(int fd, struct sockaddr *address, socklen_t *address_len, int flags) {
  struct object *listener = object_of(fd);
  (void)flags;
  if (listener->queue_count == 0 || listener->queue[0]->connected_ns > chance_now_ns()) {
    return fail_with(EAGAIN);
  }
  struct object *slot = object_add(KIND_STREAM);
  if (slot == NULL) {
    return -1;
  }
  /* The object was made by who connected; only its descriptor is new. */
  struct object *object = listener->queue[0];
  object->fd = slot->fd;
  objects[object->fd - OBJECT_FD_FIRST] = object;
  free(slot);
  listener->queue_count--;
  memmove(listener->queue, listener->queue + 1, listener->queue_count * sizeof listener->queue[0]);
  memcpy(address, &object->remote, sizeof object->remote);
  *address_len = sizeof object->remote;
  return object->fd;
}

static ssize_t do_recv(int fd, void *data, size_t len, int flags) {
  struct object *object = object_of(fd);
  struct pipe *pipe = &object->in;
  object_see_connected(object);
  pipe_update(pipe);
  size_t count = pipe->arrived < len ? pipe->arrived : len;
  if (count == 0 && object_is_broken(object)) {
    return object->dead ? 0 : fail_with(object_take_error(object));
  }
  if (count == 0) {
    return pipe_has_fin(pipe) ? 0 : fail_with(EAGAIN);
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
  object_see_connected(object);
  if (object_is_broken(object)) {
    return fail_with(object->dead ? EPIPE : object_take_error(object));
  }
  assert(object->kind == KIND_STREAM && object->peer != NULL);
  if (object->sent_fin) {
    return fail_with(EPIPE);
  }
  struct pipe *pipe = &object->peer->in;
  if (object->peer->fd == OBJECT_FD_CLOSED) { /* closed: it answers with a reset */
    object_break(object, chance_now_ns() + chance_delay_ns());
    return (ssize_t)len;
  }
  size_t count = pipe->cap - pipe->len < len ? pipe->cap - pipe->len : len;
  if (count == 0 && len > 0) {
    return fail_with(EAGAIN);
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

static int do_shutdown(int fd, int how) {
  struct object *object = object_of(fd);
  assert(how == SHUT_WR);
  if (object_is_broken(object)) {
    return fail_with(ENOTCONN);
  }
  object_send_fin(object);
  return 0;
}

static int do_setsockopt(int fd, int level, int name, const void *value, socklen_t value_len) {
  (void)level;
  (void)name;
  (void)value;
  (void)value_len;
  return object_of(fd) == NULL ? fail_with(EBADF) : 0;
}

static int do_getsockopt(int fd, int level, int name, void *value, socklen_t *value_len) {
  struct object *object = object_of(fd);
  if (object == NULL) {
    return fail_with(EBADF);
  }
  if (level == SOL_SOCKET && name == SO_ERROR) {
    object_see_connected(object);
    *(int *)value = object_is_broken(object) && !object->dead ? object_take_error(object) : 0;
    *value_len = sizeof(int);
    return 0;
  }
  if (level != IPPROTO_TCP || name != TCP_INFO || object->peer == NULL) {
    return fail_with(ENOPROTOOPT);
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
    return fail_with(ENOTTY);
  }
  *value = (int)pipe_in_flight(&object->peer->in);
  return 0;
}

void sockets_install(struct stoa_sys *sys) {
  next_port = PORT_FIRST;
  source = 0;
  sys->socket = do_socket;
  sys->bind = do_bind;
  sys->listen = do_listen;
  sys->getsockname = do_getsockname;
  sys->connect = do_connect;
  sys->accept4 = do_accept4;
  sys->recv = do_recv;
  sys->send = do_send;
  sys->sendmsg = do_sendmsg;
  sys->shutdown = do_shutdown;
  sys->setsockopt = do_setsockopt;
  sys->getsockopt = do_getsockopt;
  sys->ioctl_int = do_ioctl_int;
}
