#include "room/ring.h"

#include "base/memory.h"

#include <assert.h>

#define CAPACITY_MIN 8u
#define CAPACITY_MAX 4096u

static size_t bytes_of(const struct stoa_engine_message *message) {
  return sizeof *message + message->len;
}

struct stoa_engine_message *stoa_room_ring_at(const struct stoa_room_ring *ring, uint32_t i) {
  assert(i < ring->count);
  return ring->items[(ring->first + i) & (ring->capacity - 1)];
}

static void drop_oldest(struct stoa_room_ring *ring, atomic_size_t *total) {
  struct stoa_engine_message *oldest = stoa_room_ring_at(ring, 0);
  size_t bytes = bytes_of(oldest);
  assert(ring->bytes >= bytes);
  ring->after = oldest->place.offset;
  ring->bytes -= bytes;
  atomic_fetch_sub(total, bytes);
  ring->first = (ring->first + 1) & (ring->capacity - 1);
  ring->count--;
  ring->chat_count -= stoa_room_is_chat(oldest);
  stoa_engine_message_unref(oldest);
}

void stoa_room_ring_clear(struct stoa_room_ring *ring, uint64_t after, atomic_size_t *total) {
  while (ring->count > 0) {
    drop_oldest(ring, total);
  }
  assert(ring->bytes == 0);
  assert(ring->chat_count == 0);
  stoa_free(ring->items);
  *ring = (struct stoa_room_ring){.after = after};
}

static bool grow(struct stoa_room_ring *ring) {
  uint32_t capacity = ring->capacity == 0 ? CAPACITY_MIN : ring->capacity * 2;
  struct stoa_engine_message **items =
      capacity > CAPACITY_MAX ? NULL : stoa_calloc(capacity, sizeof(struct stoa_engine_message *));
  if (items == NULL) {
    return false;
  }
  for (uint32_t i = 0; i < ring->count; i++) {
    items[i] = stoa_room_ring_at(ring, i);
  }
  stoa_free(ring->items);
  ring->items = items;
  ring->first = 0;
  ring->capacity = capacity;
  return true;
}

static bool is_over(const struct stoa_room_ring *ring, const struct stoa_room_ring_limits *limits) {
  return ring->count > limits->messages || ring->bytes > limits->bytes ||
         atomic_load(limits->total) > limits->total_max;
}

void stoa_room_ring_add(struct stoa_room_ring *ring, struct stoa_engine_message *message,
                        const struct stoa_room_ring_limits *limits) {
  assert(message->place.offset > ring->after);
  if (ring->count == ring->capacity && !grow(ring)) {
    stoa_room_ring_clear(ring, message->place.offset, limits->total);
    return;
  }
  ring->items[(ring->first + ring->count) & (ring->capacity - 1)] = stoa_engine_message_ref(message);
  ring->count++;
  ring->chat_count += stoa_room_is_chat(message);
  ring->bytes += bytes_of(message);
  atomic_fetch_add(limits->total, bytes_of(message));
  while (ring->count > 0 && is_over(ring, limits)) {
    drop_oldest(ring, limits->total);
  }
}

uint32_t stoa_room_ring_above(const struct stoa_room_ring *ring, uint64_t offset) {
  uint32_t low = 0;
  uint32_t high = ring->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (stoa_room_ring_at(ring, middle)->place.offset > offset) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
