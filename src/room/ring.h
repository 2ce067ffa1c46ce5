/* room/ring.h: the newest messages of a room, in memory, without a hole up to the last one that was sent out.
 *
 * Thread: the room's owner. Lifetime: zeroed is empty; it holds references.
 */
#ifndef STOA_ROOM_RING_H
#define STOA_ROOM_RING_H

#include "engine/message.h"

#include <stdatomic.h>

/* Pages have only these. */
static inline bool stoa_room_is_chat(const struct stoa_engine_message *message) {
  return message->draft.kind == STOA_ENGINE_CHAT;
}

struct stoa_room_ring {
  struct stoa_engine_message **items;
  uint32_t first, count, capacity; /* capacity: 0 or a power of two */
  uint32_t chat_count;
  size_t bytes;
  uint64_t after; /* it has all messages above this offset */
};

struct stoa_room_ring_limits {
  uint32_t messages;
  size_t bytes;
  atomic_size_t *total; /* of all rings */
  size_t total_max;
};

/* Drop all; it is complete above `after`. Its memory is freed. */
void stoa_room_ring_clear(struct stoa_room_ring *ring, uint64_t after, atomic_size_t *total);
/* Add the next message, and drop the oldest ones beyond the limits. When memory is out, all are dropped. */
void stoa_room_ring_add(struct stoa_room_ring *ring, struct stoa_engine_message *message,
                        const struct stoa_room_ring_limits *limits);
/* i < count; 0 is the oldest. */
struct stoa_engine_message *stoa_room_ring_at(const struct stoa_room_ring *ring, uint32_t i);
/* The index of the first message above the offset; count when there is none. */
uint32_t stoa_room_ring_above(const struct stoa_room_ring *ring, uint64_t offset);

#endif
