#include "engine/local/rooms.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* How many rooms are looked at to find one that can go. */
#define LOOKED_AT_MAX 64

static struct stoa_bytes key_of(const void *object) {
  const struct stoa_local_room *room = object;
  return stoa_bytes_make(room->name.data, room->name.len);
}

int stoa_local_rooms_init(struct stoa_local_rooms *rooms, uint32_t rooms_max, size_t recent_bytes_max) {
  memset(rooms, 0, sizeof *rooms);
  int status = stoa_map_init(&rooms->map, key_of);
  if (status != STOA_OK) {
    return status;
  }
  rooms->rooms_max = rooms_max;
  rooms->recent_bytes_max = recent_bytes_max;
  return pthread_mutex_init(&rooms->mutex, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

/* The order of use. */

static void unlink_room(struct stoa_local_rooms *rooms, struct stoa_local_room *room) {
  *(room->older != NULL ? &room->older->newer : &rooms->oldest) = room->newer;
  *(room->newer != NULL ? &room->newer->older : &rooms->newest) = room->older;
}

static void link_newest(struct stoa_local_rooms *rooms, struct stoa_local_room *room) {
  room->older = rooms->newest;
  room->newer = NULL;
  *(rooms->newest != NULL ? &rooms->newest->newer : &rooms->oldest) = room;
  rooms->newest = room;
}

/* Under the mutex. */
static void drop_recent(struct stoa_local_rooms *rooms, struct stoa_local_room *room) {
  assert(rooms->recent_bytes >= room->recent.bytes);
  rooms->recent_bytes -= room->recent.bytes;
  stoa_engine_log_fini(&room->recent);
}

void stoa_local_rooms_drop(struct stoa_local_rooms *rooms, struct stoa_local_room *room) {
  assert(!room->is_changed);
  pthread_mutex_lock(&rooms->mutex);
  drop_recent(rooms, room);
  stoa_map_remove(&rooms->map, key_of(room));
  pthread_mutex_unlock(&rooms->mutex);
  unlink_room(rooms, room);
  stoa_free(room);
}

void stoa_local_rooms_fini(struct stoa_local_rooms *rooms) {
  while (rooms->oldest != NULL) {
    stoa_local_rooms_drop(rooms, rooms->oldest);
  }
  assert(rooms->recent_bytes == 0);
  stoa_map_fini(&rooms->map);
  pthread_mutex_destroy(&rooms->mutex);
}

/* The writer alone changes the map, so it reads it without the mutex. */
struct stoa_local_room *stoa_local_rooms_find(struct stoa_local_rooms *rooms, struct stoa_string name) {
  struct stoa_local_room *room = stoa_map_find(&rooms->map, stoa_bytes_make(name.data, name.len));
  if (room != NULL && room != rooms->newest) {
    unlink_room(rooms, room);
    link_newest(rooms, room);
  }
  return room;
}

static bool make_place(struct stoa_local_rooms *rooms) {
  struct stoa_local_room *room = rooms->oldest;
  for (int i = 0; i < LOOKED_AT_MAX && room != NULL && rooms->map.count >= rooms->rooms_max; i++) {
    struct stoa_local_room *next = room->newer;
    if (room->audience == 0 && !room->is_changed) {
      stoa_local_rooms_drop(rooms, room);
    } else if (next != NULL) { /* out of the way of the next search */
      unlink_room(rooms, room);
      link_newest(rooms, room);
    }
    room = next;
  }
  return rooms->map.count < rooms->rooms_max;
}

int stoa_local_rooms_add(struct stoa_local_rooms *rooms, struct stoa_string name,
                         const struct stoa_local_counters *counters, struct stoa_local_room **out_room) {
  if (!make_place(rooms)) {
    return STOA_E_LIMIT;
  }
  struct stoa_local_room *room = stoa_calloc(1, sizeof *room + name.len);
  if (room == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(room->data, name.data, name.len);
  room->name = stoa_string_make(room->data, name.len);
  room->now = *counters;
  room->next = *counters;
  pthread_mutex_lock(&rooms->mutex);
  int status = stoa_map_insert(&rooms->map, room);
  pthread_mutex_unlock(&rooms->mutex);
  if (status != STOA_OK) {
    stoa_free(room);
    return status;
  }
  link_newest(rooms, room);
  *out_room = room;
  return STOA_OK;
}

/* Transactions. */

void stoa_local_rooms_change(struct stoa_local_rooms *rooms, struct stoa_local_room *room) {
  if (!room->is_changed) {
    room->is_changed = true;
    room->next_changed = rooms->changed;
    rooms->changed = room;
  }
}

static struct stoa_local_room *take_changed(struct stoa_local_rooms *rooms) {
  struct stoa_local_room *room = rooms->changed;
  if (room != NULL) {
    assert(room->is_changed);
    rooms->changed = room->next_changed;
    room->next_changed = NULL;
    room->is_changed = false;
  }
  return room;
}

/* Under the mutex. Without memory the room has no recent messages for a while, and reads go to the file. */
static void append(struct stoa_local_rooms *rooms, struct stoa_local_room *room, struct stoa_engine_message *message) {
  size_t before = room->recent.bytes;
  int status = stoa_engine_log_append(&room->recent, message);
  while (room->recent.count > STOA_LOCAL_RECENT_MAX ||
         (room->recent.bytes > STOA_LOCAL_RECENT_BYTES_MAX && room->recent.count > 0)) {
    stoa_engine_log_drop_first(&room->recent);
  }
  rooms->recent_bytes = rooms->recent_bytes - before + room->recent.bytes;
  if (status != STOA_OK) {
    drop_recent(rooms, room);
  }
}

/* Under the mutex. */
static void shrink(struct stoa_local_rooms *rooms) {
  struct stoa_local_room *room = rooms->oldest;
  for (; room != NULL && rooms->recent_bytes > rooms->recent_bytes_max; room = room->newer) {
    drop_recent(rooms, room);
  }
}

/* Under the mutex. */
static void commit_counters(struct stoa_local_rooms *rooms) {
  struct stoa_local_room *room;
  while ((room = take_changed(rooms)) != NULL) {
    if (room->drops_recent) {
      drop_recent(rooms, room);
    }
    room->drops_recent = false;
    room->now = room->next;
    const struct stoa_engine_message *first;
    while ((first = stoa_engine_log_at(&room->recent, 0)) != NULL && first->place.offset <= room->now.bounds.floor) {
      rooms->recent_bytes -= sizeof *first + first->len;
      stoa_engine_log_drop_first(&room->recent);
    }
  }
}

/* A message that was redacted or erased behind its publish, in the same transaction, must not come back from here: such
 * rooms begin without recent messages. */
void stoa_local_rooms_commit(struct stoa_local_rooms *rooms, const struct stoa_engine_request *first) {
  pthread_mutex_lock(&rooms->mutex);
  for (const struct stoa_engine_request *at = first; at != NULL; at = at->next) {
    struct stoa_local_room *room = at->call == STOA_ENGINE_PUBLISH && at->answer.status == STOA_ENGINE_OK
                                       ? stoa_local_rooms_find(rooms, at->message->room)
                                       : NULL;
    if (room != NULL && !room->drops_recent) {
      assert(at->message->place.offset <= room->next.bounds.top);
      append(rooms, room, at->message);
    }
  }
  commit_counters(rooms);
  shrink(rooms);
  pthread_mutex_unlock(&rooms->mutex);
}

void stoa_local_rooms_roll_back(struct stoa_local_rooms *rooms) {
  struct stoa_local_room *room;
  while ((room = take_changed(rooms)) != NULL) {
    room->next = room->now;
    room->drops_recent = false;
  }
}

bool stoa_local_rooms_page(struct stoa_local_rooms *rooms, struct stoa_engine_request *request) {
  pthread_mutex_lock(&rooms->mutex);
  const struct stoa_local_room *room =
      stoa_map_find(&rooms->map, stoa_bytes_make(request->room.data, request->room.len));
  bool is_answered = room != NULL && stoa_engine_log_page(&room->recent, &room->now.bounds, request);
  pthread_mutex_unlock(&rooms->mutex);
  return is_answered;
}
