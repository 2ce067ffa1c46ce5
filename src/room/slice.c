#include "room/slice.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>

/* A recovery that a page of the engine begins, and a ring that was allowed to grow meanwhile. */
#define MESSAGES_MAX (2u * STOA_ROOM_RECOVERY_MAX)

static size_t bytes_of(const struct stoa_engine_message *message) {
  return sizeof *message + message->len;
}

/* The total is shared by all workers, so what is added or dropped is counted in one step. */
static void discharge(struct stoa_room_slice *slice, size_t bytes, atomic_size_t *total) {
  assert(slice->bytes >= bytes);
  slice->bytes -= bytes;
  atomic_fetch_sub(total, bytes);
}

static void empty(struct stoa_room_slice *slice, atomic_size_t *total) {
  for (uint32_t i = 0; i < slice->count; i++) {
    stoa_engine_message_unref(slice->messages[i]);
  }
  slice->count = 0;
  discharge(slice, slice->bytes, total);
}

/* Count what was appended; with too much in all slices this one is emptied. Errors: STOA_E_LIMIT */
static int charge(struct stoa_room_slice *slice, size_t bytes, atomic_size_t *total) {
  slice->bytes += bytes;
  if (atomic_fetch_add(total, bytes) + bytes > STOA_ROOM_SLICES_BYTES_MAX) {
    empty(slice, total);
    return STOA_E_LIMIT;
  }
  return STOA_OK;
}

/* Errors: STOA_E_LIMIT, STOA_E_MEMORY */
static int reserve(struct stoa_room_slice *slice, uint32_t more) {
  return more == 0 ? STOA_OK
                   : stoa_array_reserve(&slice->messages, sizeof(struct stoa_engine_message *), &slice->capacity,
                                        (size_t)slice->count + more, MESSAGES_MAX);
}

/* Memory is reserved, and charge() follows. Returns its bytes. */
static size_t append(struct stoa_room_slice *slice, struct stoa_engine_message *message) {
  assert(slice->count < slice->capacity);
  slice->messages[slice->count++] = stoa_engine_message_ref(message);
  return bytes_of(message);
}

void stoa_room_slice_clear(struct stoa_room_slice *slice, atomic_size_t *total) {
  empty(slice, total);
  stoa_free(slice->messages);
  slice->messages = NULL;
  slice->capacity = 0;
}

/* Before the place. */

static bool has_whole_room(const struct stoa_room *room) {
  return room->ring.after <= room->floor;
}

enum stoa_room_slice_need stoa_room_slice_begin_page(struct stoa_room_slice *slice, const struct stoa_room *room) {
  slice->is_recovery = false;
  slice->is_read = false;
  bool is_there = slice->history == 0 || has_whole_room(room) || room->ring.chat_count >= slice->history;
  return is_there ? STOA_ROOM_SLICE_READY : STOA_ROOM_SLICE_PAGE;
}

enum stoa_room_slice_need stoa_room_slice_begin(struct stoa_room_slice *slice, const struct stoa_room *room) {
  const struct stoa_room_position *position = &slice->position;
  slice->floor = room->floor;
  if (position->epoch == 0 || position->epoch != room->epoch || position->offset > room->top ||
      position->offset < room->floor) {
    return stoa_room_slice_begin_page(slice, room);
  }
  slice->is_recovery = true;
  return position->offset >= room->ring.after ? STOA_ROOM_SLICE_READY : STOA_ROOM_SLICE_RECOVERY;
}

struct stoa_engine_query stoa_room_slice_query(const struct stoa_room_slice *slice, const struct stoa_room *room) {
  struct stoa_engine_query query = {.room = stoa_room_name_text(&room->name)};
  if (slice->is_recovery) {
    query.is_forward = true;
    query.epoch = slice->position.epoch;
    query.since = slice->position.offset;
    query.limit = STOA_ROOM_RECOVERY_MAX;
    query.bytes_max = STOA_ROOM_RECOVERY_BYTES_MAX;
  } else {
    assert(slice->history > 0);
    query.limit = slice->history;
    query.kinds = STOA_ENGINE_KIND_BIT(STOA_ENGINE_CHAT);
  }
  return query;
}

bool stoa_room_slice_take(struct stoa_room_slice *slice, const struct stoa_engine_answer *answer, atomic_size_t *total,
                          enum stoa_room_status *out_status) {
  *out_status = STOA_ROOM_OK;
  if (slice->is_recovery && (answer->status == STOA_ENGINE_GONE || !answer->is_complete)) {
    return false;
  }
  assert(answer->status == STOA_ENGINE_OK);
  slice->is_read = true;
  slice->epoch = answer->epoch;
  slice->floor = answer->floor;
  slice->upto = answer->top;
  slice->has_more_before = !slice->is_recovery && !answer->is_complete;
  size_t bytes = 0;
  int status = reserve(slice, (uint32_t)answer->message_count);
  for (uint32_t i = 0; i < answer->message_count && status == STOA_OK; i++) {
    uint32_t at = slice->is_recovery ? i : answer->message_count - 1 - i;
    bytes += append(slice, answer->messages[at]);
  }
  if (status != STOA_OK || charge(slice, bytes, total) != STOA_OK) {
    *out_status = STOA_ROOM_BUSY;
  }
  return true;
}

/* At the place. */

/* What was read may be ahead of what was sent out. */
static void cut(struct stoa_room_slice *slice, uint64_t top, atomic_size_t *total) {
  size_t bytes = 0;
  while (slice->count > 0 && slice->messages[slice->count - 1]->place.offset > top) {
    struct stoa_engine_message *message = slice->messages[--slice->count];
    bytes += bytes_of(message);
    stoa_engine_message_unref(message);
  }
  discharge(slice, bytes, total);
}

/* Those of a page that begins in the ring; what is older need not be added first. */
static uint32_t newest(const struct stoa_room_slice *slice, const struct stoa_room_ring *ring) {
  uint32_t first = ring->count;
  for (uint32_t kept = 0; first > 0 && kept < slice->history;) {
    kept += stoa_room_is_chat(stoa_room_ring_at(ring, --first)) ? 1 : 0;
  }
  return first;
}

static int add_ring(struct stoa_room_slice *slice, const struct stoa_room_ring *ring, uint64_t above,
                    atomic_size_t *total) {
  uint32_t first = stoa_room_ring_above(ring, above);
  if (!slice->is_recovery && !slice->is_read) {
    for (uint32_t from = newest(slice, ring); first < from; first++) {
      slice->has_more_before = slice->has_more_before || stoa_room_is_chat(stoa_room_ring_at(ring, first));
    }
  }
  size_t bytes = 0;
  int status = reserve(slice, ring->count - first);
  for (uint32_t i = first; i < ring->count && status == STOA_OK; i++) {
    struct stoa_engine_message *message = stoa_room_ring_at(ring, i);
    bytes += slice->is_recovery || stoa_room_is_chat(message) ? append(slice, message) : 0;
  }
  return status == STOA_OK ? charge(slice, bytes, total) : status;
}

/* Keep the newest `history` of Chat. */
static void shorten(struct stoa_room_slice *slice, atomic_size_t *total) {
  uint32_t first = slice->count;
  uint32_t kept = 0;
  while (first > 0 && kept < slice->history) {
    kept += stoa_room_is_chat(slice->messages[--first]) ? 1 : 0;
  }
  uint32_t count = 0;
  size_t bytes = 0;
  for (uint32_t i = 0; i < slice->count; i++) {
    struct stoa_engine_message *message = slice->messages[i];
    if (i >= first && stoa_room_is_chat(message)) {
      slice->messages[count++] = message;
    } else {
      slice->has_more_before = slice->has_more_before || stoa_room_is_chat(message);
      bytes += bytes_of(message);
      stoa_engine_message_unref(message);
    }
  }
  slice->count = count;
  discharge(slice, bytes, total);
}

static bool is_too_much(const struct stoa_room_slice *slice) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < slice->count; i++) {
    bytes += slice->messages[i]->len;
  }
  return slice->count > STOA_ROOM_RECOVERY_MAX || bytes > STOA_ROOM_RECOVERY_BYTES_MAX;
}

void stoa_room_slice_give_up(struct stoa_room_slice *slice, atomic_size_t *total) {
  assert(slice->is_recovery);
  slice->is_recovery = false;
  slice->has_more_before = true;
  shorten(slice, total);
}

enum stoa_room_status stoa_room_slice_finish(struct stoa_room_slice *slice, const struct stoa_room *room,
                                             atomic_size_t *total) {
  const struct stoa_room_ring *ring = &room->ring;
  uint64_t epoch = slice->is_read ? slice->epoch : slice->is_recovery ? slice->position.epoch : 0;
  if (epoch != 0 && epoch != room->epoch) {
    return STOA_ROOM_BUSY; /* the room began again meanwhile */
  }
  uint64_t above = slice->is_recovery ? slice->position.offset : ring->after;
  if (slice->is_read) {
    cut(slice, room->top, total);
    above = slice->upto < room->top ? slice->upto : room->top;
  } else if (!slice->is_recovery) {
    slice->has_more_before = !has_whole_room(room);
  }
  /* The ring grows while there are joins, but within bounds. */
  bool has_hole = above < ring->after && above < room->top;
  if (has_hole || add_ring(slice, ring, above, total) != STOA_OK) {
    return STOA_ROOM_BUSY;
  }
  if (!slice->is_recovery) {
    if (slice->is_read) { /* what only the ring gives is short enough */
      shorten(slice, total);
    }
  } else if (is_too_much(slice)) {
    stoa_room_slice_give_up(slice, total);
  }
  slice->epoch = room->epoch;
  slice->top = room->top;
  slice->top_ordinal = room->top_ordinal;
  return STOA_ROOM_OK;
}
