#include "engine/memory/room.h"

#include "base/container.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

struct once {
  struct stoa_engine_place place;
  size_t len;
  uint8_t key[];
};

static struct stoa_bytes key_of(const void *object) {
  const struct once *once = object;
  return stoa_bytes_make(once->key, once->len);
}

int stoa_memory_room_create(struct stoa_string name, struct stoa_memory_room **out_room) {
  struct stoa_memory_room *room = stoa_calloc(1, sizeof *room + name.len + 1);
  if (room == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(room->data, name.data, name.len);
  room->name = stoa_string_make(room->data, name.len);
  int status = stoa_map_init(&room->once, key_of);
  if (status != STOA_OK) {
    stoa_free(room);
    return status;
  }
  *out_room = room;
  return STOA_OK;
}

static void forget(struct stoa_memory_room *room, const struct stoa_engine_message *message) {
  if (message->once.len > 0) {
    stoa_free(stoa_map_remove(&room->once, message->once));
  }
}

static void drop_first(struct stoa_memory_room *room) {
  const struct stoa_engine_message *first = stoa_engine_log_at(&room->log, 0);
  assert(first != NULL);
  forget(room, first);
  assert(room->body_bytes >= first->draft.body.len);
  room->body_bytes -= first->draft.body.len;
  room->bounds.floor = first->place.offset;
  stoa_engine_log_drop_first(&room->log);
}

void stoa_memory_room_clear(struct stoa_memory_room *room) {
  while (room->log.count > 0) {
    drop_first(room);
  }
  assert(room->body_bytes == 0);
  memset(&room->bounds, 0, sizeof room->bounds);
  room->has_retention = false;
}

void stoa_memory_room_destroy(struct stoa_memory_room *room) {
  if (room == NULL) {
    return;
  }
  stoa_memory_room_clear(room);
  stoa_engine_log_fini(&room->log);
  stoa_map_fini(&room->once);
  stoa_free(room);
}

const struct stoa_engine_place *stoa_memory_room_find(const struct stoa_memory_room *room,
                                                      const struct stoa_engine_message *message) {
  const struct once *once = message->once.len == 0 ? NULL : stoa_map_find(&room->once, message->once);
  return once == NULL ? NULL : &once->place;
}

static int remember(struct stoa_memory_room *room, const struct stoa_engine_message *message) {
  if (message->once.len == 0) {
    return STOA_OK;
  }
  struct once *once = stoa_alloc(sizeof *once + message->once.len);
  if (once == NULL) {
    return STOA_E_MEMORY;
  }
  once->place = message->place;
  once->len = message->once.len;
  memcpy(once->key, message->once.data, message->once.len);
  int status = stoa_map_insert(&room->once, once);
  if (status != STOA_OK) {
    stoa_free(once);
  }
  return status;
}

int stoa_memory_room_append(struct stoa_memory_room *room, struct stoa_engine_message *message) {
  int status = remember(room, message);
  if (status != STOA_OK) {
    return status;
  }
  status = stoa_engine_log_append(&room->log, message);
  if (status != STOA_OK) {
    forget(room, message);
    return status;
  }
  assert(message->place.offset > room->bounds.top);
  room->bounds.epoch = message->place.epoch;
  room->bounds.top = message->place.offset;
  room->bounds.ordinal = message->place.ordinal;
  room->time_us = message->place.time_us;
  room->body_bytes += message->draft.body.len;
  return STOA_OK;
}

static bool is_over(const struct stoa_memory_room *room, const struct stoa_engine_retention *retention,
                    int64_t age_us) {
  return (retention->messages > 0 && room->log.count > retention->messages) ||
         (retention->bytes > 0 && room->body_bytes > retention->bytes) ||
         (retention->age_ms > 0 && age_us > (int64_t)retention->age_ms * 1000);
}

size_t stoa_memory_room_trim(struct stoa_memory_room *room, const struct stoa_engine_retention *retention,
                             int64_t now_us) {
  size_t before = room->log.bytes;
  const struct stoa_engine_message *first;
  while ((first = stoa_engine_log_at(&room->log, 0)) != NULL) {
    int64_t age_us = now_us - first->place.time_us;
    if (age_us < (int64_t)STOA_ENGINE_ONCE_MS * 1000 || !is_over(room, retention, age_us)) {
      break;
    }
    drop_first(room);
  }
  return before - room->log.bytes;
}

bool stoa_memory_room_redact(struct stoa_memory_room *room, uint32_t index, bool forget_sender) {
  struct stoa_engine_message *message = stoa_engine_log_at(&room->log, index);
  size_t body_len = message->draft.body.len;
  stoa_engine_message_ref(message);
  bool is_done = stoa_engine_log_redact(&room->log, index, forget_sender) == STOA_OK;
  if (is_done) {
    assert(room->body_bytes >= body_len);
    room->body_bytes -= body_len;
    if (forget_sender) {
      forget(room, message);
    }
  }
  stoa_engine_message_unref(message);
  return is_done;
}
