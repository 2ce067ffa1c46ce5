#include "object.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct object *objects[OBJECTS_MAX];

int fail_with(int reason) {
  errno = reason;
  return -1;
}

struct object *object_of(int fd) {
  int index = fd - OBJECT_FD_FIRST;
  return index >= 0 && index < OBJECTS_MAX ? objects[index] : NULL;
}

struct object *object_add(enum kind kind) {
  for (int i = 0; i < OBJECTS_MAX; i++) {
    if (objects[i] == NULL) {
      struct object *object = calloc(1, sizeof *object);
      assert(object != NULL);
      object->kind = kind;
      object->fd = OBJECT_FD_FIRST + i;
      object->in.fin_ns = OBJECT_NEVER_NS;
      objects[i] = object;
      return object;
    }
  }
  errno = EMFILE;
  return NULL;
}

void object_break(struct object *object, uint64_t at_ns) {
  if (object->error == 0 && !object->dead) {
    object->error = ECONNRESET;
    object->error_ns = at_ns;
  }
}

bool object_is_broken(const struct object *object) {
  return object->dead || (object->error != 0 && object->error_ns <= chance_now_ns());
}

int object_take_error(struct object *object) {
  int error = object->error;
  object->error = 0;
  object->dead = true;
  object->in.chunk_count = 0; /* what was on its way is lost */
  object->in.len = object->in.arrived;
  return error;
}

void object_see_connected(struct object *object) {
  if (object->kind == KIND_CONNECTING && object->connected_ns <= chance_now_ns() && object->peer != NULL) {
    object->kind = KIND_STREAM;
  }
}

void object_send_fin(struct object *object) {
  if (!object->sent_fin && object->peer != NULL) {
    object->peer->in.fin_ns = pipe_arrival_ns(&object->peer->in);
  }
  object->sent_fin = true;
}

void object_close(struct object *object) {
  struct object *peer = object->peer;
  if (peer != NULL && object->in.len > 0) {
    object_break(peer, pipe_arrival_ns(&peer->in));
  } else {
    object_send_fin(object);
  }
  object->fd = OBJECT_FD_CLOSED;
  if (peer != NULL && peer->fd == OBJECT_FD_CLOSED) {
    free(peer);
    free(object);
  } else if (peer == NULL) {
    free(object);
  }
}

static void nearest(uint64_t *due_ns, uint64_t at_ns) {
  if (at_ns > chance_now_ns() && at_ns < *due_ns) {
    *due_ns = at_ns;
  }
}

uint64_t objects_due_ns(void) {
  uint64_t due_ns = OBJECT_NEVER_NS;
  for (int i = 0; i < OBJECTS_MAX; i++) {
    struct object *object = objects[i];
    if (object == NULL) {
      continue;
    }
    nearest(&due_ns, object->in.fin_ns);
    nearest(&due_ns, object->connected_ns);
    if (object->error != 0) {
      nearest(&due_ns, object->error_ns);
    }
    if (object->in.chunk_count > 0) {
      pipe_update(&object->in);
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
