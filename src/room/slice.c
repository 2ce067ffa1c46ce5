#include "room/slice.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>

/* A recovery that a page of the engine begins, and a ring that was allowed to grow meanwhile. */
#define MESSAGES_MAX (2u * STOA_ROOM_RECOVERY_MAX)

static size_t bytes_of(const struct stoa_engine_message *message) {
  return sizeof *message + message->len;
}

static bool is_chat(const struct stoa_engine_message *message) {
  return message->draft.kind == STOA_ENGINE_CHAT;
}

/* Errors: STOA_E_LIMIT, STOA_E_MEMORY */
static int add(struct stoa_room_slice *slice, struct stoa_engine_message *message, atomic_size_t *total) {
  size_t bytes = bytes_of(message);
  int status = stoa_array_reserve(&slice->messages, sizeof(struct stoa_engine_message *), &slice->capacity,
                                  (size_t)slice->count + 1, MESSAGES_MAX);
  if (status != STOA_OK) {
    return status;
  }
  if (atomic_fetch_add(total, bytes) + bytes > STOA_ROOM_SLICES_BYTES_MAX) {
    atomic_fetch_sub(total, bytes);
    return STOA_E_LIMIT;
  }
  slice->messages[slice->count++] = stoa_engine_message_ref(message);
  slice->bytes += bytes;
  return STOA_OK;
}

static void drop(struct stoa_room_slice *slice, uint32_t i, atomic_size_t *total) {
  size_t bytes = bytes_of(slice->messages[i]);
  assert(slice->bytes >= bytes);
  atomic_fetch_sub(total, bytes);
  slice->bytes -= bytes;
  stoa_engine_message_unref(slice->messages[i]);
}

static void empty(struct stoa_room_slice *slice, atomic_size_t *total) {
  for (uint32_t i = 0; i < slice->count; i++) {
    drop(slice, i, total);
  }
  slice->count = 0;
  assert(slice->bytes == 0);
}

void stoa_room_slice_clear(struct stoa_room_slice *slice, atomic_size_t *total) {
  empty(slice, total);
  stoa_free(slice->messages);
  slice->messages = NULL;
  slice->capacity = 0;
}

/* Before the place. */

static uint32_t count_chat(const struct stoa_room_ring *ring) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < ring->count; i++) {
    count += is_chat(stoa_room_ring_at(ring, i)) ? 1 : 0;
  }
  return count;
}

static bool has_whole_room(const struct stoa_room *room) {
  return room->ring.after <= room->floor;
}

enum stoa_room_slice_need stoa_room_slice_begin_page(struct stoa_room_slice *slice, const struct stoa_room *room) {
  slice->is_recovery = false;
  slice->is_read = false;
  bool is_there = slice->history == 0 || has_whole_room(room) || count_chat(&room->ring) >= slice->history;
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
  for (uint32_t i = 0; i < answer->message_count; i++) {
    uint32_t at = slice->is_recovery ? i : answer->message_count - 1 - i;
    if (add(slice, answer->messages[at], total) != STOA_OK) {
      *out_status = STOA_ROOM_BUSY;
      return true;
    }
  }
  return true;
}

/* At the place. */

/* What was read may be ahead of what was sent out. */
static void cut(struct stoa_room_slice *slice, uint64_t top, atomic_size_t *total) {
  while (slice->count > 0 && slice->messages[slice->count - 1]->place.offset > top) {
    drop(slice, --slice->count, total);
  }
}

/* Those of a page that begins in the ring; what is older need not be added first. */
static uint32_t newest(const struct stoa_room_slice *slice, const struct stoa_room_ring *ring) {
  uint32_t first = ring->count;
  for (uint32_t kept = 0; first > 0 && kept < slice->history;) {
    kept += is_chat(stoa_room_ring_at(ring, --first)) ? 1 : 0;
  }
  return first;
}

static int add_ring(struct stoa_room_slice *slice, const struct stoa_room_ring *ring, uint64_t above,
                    atomic_size_t *total) {
  uint32_t first = stoa_room_ring_above(ring, above);
  if (!slice->is_recovery && !slice->is_read) {
    for (uint32_t from = newest(slice, ring); first < from; first++) {
      slice->has_more_before = slice->has_more_before || is_chat(stoa_room_ring_at(ring, first));
    }
  }
  uint32_t count = slice->count + (ring->count - first);
  int status = count == 0 ? STOA_OK
                          : stoa_array_reserve(&slice->messages, sizeof(struct stoa_engine_message *), &slice->capacity,
                                               count, MESSAGES_MAX);
  for (uint32_t i = first; i < ring->count && status == STOA_OK; i++) {
    struct stoa_engine_message *message = stoa_room_ring_at(ring, i);
    if (slice->is_recovery || is_chat(message)) {
      status = add(slice, message, total);
    }
  }
  return status;
}

/* Keep the newest `history` of Chat. */
static void shorten(struct stoa_room_slice *slice, atomic_size_t *total) {
  uint32_t first = slice->count;
  uint32_t kept = 0;
  while (first > 0 && kept < slice->history) {
    kept += is_chat(slice->messages[--first]) ? 1 : 0;
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < slice->count; i++) {
    if (i >= first && is_chat(slice->messages[i])) {
      slice->messages[count++] = slice->messages[i];
    } else {
      slice->has_more_before = slice->has_more_before || is_chat(slice->messages[i]);
      drop(slice, i, total);
    }
  }
  slice->count = count;
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
    shorten(slice, total);
  } else if (is_too_much(slice)) {
    stoa_room_slice_give_up(slice, total);
  }
  slice->epoch = room->epoch;
  slice->top = room->top;
  slice->top_ordinal = room->top_ordinal;
  return STOA_ROOM_OK;
}
