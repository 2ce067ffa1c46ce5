#include "net.h"

#include "events.h"
#include "object.h"
#include "sockets.h"

#include "../wire/random.h"
#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_US 1000u

static struct {
  uint64_t random; /* of getrandom(2): another generator, so that more random bytes change nothing else */
  void (*on_log)(void *context, const char *text, size_t len);
  void *log_context;
} net;

static int do_close(int fd) {
  struct object *object = object_of(fd);
  if (object == NULL) {
    assert(fd < OBJECT_FD_FIRST);
    return stoa_sys_real.close(fd);
  }
  objects[fd - OBJECT_FD_FIRST] = NULL;
  events_forget(object);
  for (size_t i = 0; i < object->queue_count; i++) {
    object_break(object->queue[i]->peer, chance_now_ns() + chance_delay_ns());
    object_close(object->queue[i]);
  }
  object_close(object);
  return 0;
}

static ssize_t do_write(int fd, const void *data, size_t len) {
  if (fd == NET_FD_LOG) {
    net.on_log(net.log_context, data, len);
    return (ssize_t)len;
  }
  return events_write(fd, data, len);
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

void net_reset(int fd) {
  struct object *object = object_of(fd);
  assert(object != NULL && (object->kind == KIND_STREAM || object->kind == KIND_CONNECTING));
  object_break(object, chance_now_ns());
  if (object->peer != NULL) {
    object_break(object->peer, chance_now_ns() + chance_delay_ns());
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

static ssize_t do_getrandom(void *data, size_t len, unsigned flags) {
  uint8_t *bytes = data;
  (void)flags;
  for (size_t i = 0; i < len; i++) {
    bytes[i] = (uint8_t)(random_next(&net.random) >> 24);
  }
  return (ssize_t)len;
}

static int do_getrlimit(int resource, struct rlimit *out_limit) {
  (void)resource;
  *out_limit = (struct rlimit){OBJECTS_MAX, OBJECTS_MAX};
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

void net_move_clock(struct stoa_clock_fake *time, uint64_t monotonic_ns) {
  assert(monotonic_ns >= time->monotonic_ns);
  time->wall_us += (int64_t)(monotonic_ns / NS_PER_US - time->monotonic_ns / NS_PER_US);
  time->monotonic_ns = monotonic_ns;
}

uint64_t net_due_ns(void) {
  return objects_due_ns();
}

bool net_is_ready(int epoll_fd) {
  return events_is_ready(epoll_fd);
}

void net_start(uint64_t seed, struct stoa_clock_fake *time) {
  memset(&net, 0, sizeof net);
  memset(objects, 0, sizeof objects);
  chance_start(seed, time);
  net.random = chance_mix(~seed);
  stoa_sys = stoa_sys_real;
  sockets_install(&stoa_sys);
  events_install(&stoa_sys);
  stoa_sys.close = do_close;
  stoa_sys.write = do_write;
  stoa_sys.poll = do_poll;
  stoa_sys.gethostname = do_gethostname;
  stoa_sys.getrlimit = do_getrlimit;
  stoa_sys.getrandom = do_getrandom;
  stoa_sys.pthread_create = do_pthread_create;
  stoa_random_reset();
}

size_t net_stop(void) {
  size_t open = 0;
  for (int i = 0; i < OBJECTS_MAX; i++) {
    if (objects[i] != NULL) {
      open++;
      stoa_sys.close(OBJECT_FD_FIRST + i);
    }
  }
  stoa_sys = stoa_sys_real;
  stoa_random_reset();
  return open;
}
