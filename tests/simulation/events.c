#include "events.h"

#include "object.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define NS_PER_MS 1000000u

static int do_eventfd(unsigned count, int flags) {
  struct object *object = object_add(KIND_EVENT);
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
    return fail_with(EAGAIN);
  }
  memcpy(data, &object->count, len);
  object->count = 0;
  return (ssize_t)len;
}

ssize_t events_write(int fd, const void *data, size_t len) {
  struct object *object = object_of(fd);
  uint64_t more;
  if (object == NULL) {
    return stoa_sys_real.write(fd, data, len);
  }
  assert(object->kind == KIND_EVENT && len == sizeof more);
  memcpy(&more, data, len);
  object->count += more;
  return (ssize_t)len;
}

static uint32_t stream_events(struct object *object) {
  object_see_connected(object);
  if (object_is_broken(object)) {
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
  return events | (out->len < out->cap || object->peer->fd == OBJECT_FD_CLOSED ? EPOLLOUT : 0);
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
  struct object *object = object_add(KIND_EPOLL);
  (void)flags;
  return object == NULL ? -1 : object->fd;
}

static int do_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event) {
  struct object *epoll = object_of(epoll_fd);
  struct object *object = object_of(fd);
  size_t at = 0;
  if (object == NULL) {
    return fail_with(EBADF);
  }
  while (at < epoll->watch_count && epoll->watches[at].object != object) {
    at++;
  }
  if (operation == EPOLL_CTL_ADD) {
    assert(at == epoll->watch_count && at < OBJECT_WATCHES_MAX);
    epoll->watches[epoll->watch_count++].object = object;
  } else if (at == epoll->watch_count) {
    return fail_with(ENOENT);
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
    uint64_t due_ns = objects_due_ns();
    uint64_t to_ns = due_ns < until_ns ? due_ns : until_ns;
    assert(to_ns != OBJECT_NEVER_NS); /* or it would wait for ever */
    chance_move_to(to_ns);
    count = collect(epoll, events, events_max);
  }
  return count;
}

static int do_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) {
  uint64_t until_ns = timeout_ms < 0 ? OBJECT_NEVER_NS : chance_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
  return wait_until(epoll_fd, events, events_max, until_ns);
}

static int do_epoll_pwait2(int epoll_fd, struct epoll_event *events, int events_max, const struct timespec *timeout,
                           const sigset_t *signals) {
  (void)signals;
  uint64_t ns = timeout == NULL ? 0 : (uint64_t)timeout->tv_sec * 1000 * NS_PER_MS + (uint64_t)timeout->tv_nsec;
  return wait_until(epoll_fd, events, events_max, timeout == NULL ? OBJECT_NEVER_NS : chance_now_ns() + ns);
}

bool events_is_ready(int epoll_fd) {
  const struct object *epoll = object_of(epoll_fd);
  for (size_t i = 0; i < epoll->watch_count; i++) {
    if (reported(epoll, i) != 0) {
      return true;
    }
  }
  return false;
}

void events_forget(const struct object *object) {
  for (int i = 0; i < OBJECTS_MAX; i++) {
    struct object *epoll = objects[i];
    for (size_t j = 0; epoll != NULL && j < epoll->watch_count; j++) {
      if (epoll->watches[j].object == object) {
        epoll->watch_count--;
        memmove(&epoll->watches[j], &epoll->watches[j + 1], (epoll->watch_count - j) * sizeof epoll->watches[0]);
        break;
      }
    }
  }
}

void events_install(struct stoa_sys *sys) {
  sys->eventfd = do_eventfd;
  sys->read = do_read;
  sys->epoll_create1 = do_epoll_create1;
  sys->epoll_ctl = do_epoll_ctl;
  sys->epoll_wait = do_epoll_wait;
  sys->epoll_pwait2 = do_epoll_pwait2;
}
