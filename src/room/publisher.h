/* room/publisher.h: what one session is having stored, room by room, and what happens to the rest when one of it fails.
 *
 * The messages of a session to a room are stored in their order, or not at all: when one ends with BUSY, UNAVAILABLE or
 * UNKNOWN, so do all that were sent before its answer arrived. For this each message carries the number of failures
 * that its sender knew of. The owner counts them too, and fails what carries less. Answers leave the owner in the order
 * of the messages: if a later message failed first, what its sender publishes next would pass the earlier one.
 *
 * Thread: as the fields say. Lifetime: while something is being stored; every publish has a reference to its lane.
 */
#ifndef STOA_ROOM_PUBLISHER_H
#define STOA_ROOM_PUBLISHER_H

#include "room/rooms.h"

/* A session's id, or a sender's name, with a byte before that tells which. */
#define STOA_ROOM_PUBLISHER_KEY_LEN_MAX (1 + STOA_ROOM_SENDER_LEN_MAX)

struct stoa_room_publisher {
  struct stoa_room_lane *lanes;
  uint32_t count; /* being stored, in all rooms */
  uint8_t key_len;
  uint8_t key[STOA_ROOM_PUBLISHER_KEY_LEN_MAX];
};

/* A message of a lane, on its owner. */
struct stoa_room_lane_entry {
  struct stoa_room_lane_entry *next;
  bool is_done; /* its answer is known */
};

struct stoa_room_lane {
  struct stoa_room_lane *next;
  struct stoa_room_publisher *publisher;
  struct stoa_room_name room;
  /* The worker of the session. */
  uint32_t refs;
  uint32_t failures_known;
  uint32_t refusals; /* answers of refused publishes that are under way on this worker */
  /* The owner. */
  uint32_t failures;
  enum stoa_room_status failed;
  struct stoa_engine_lane stored;            /* the engine's */
  struct stoa_room_lane_entry *first, *last; /* in the order of their arrival */
};

struct stoa_bytes stoa_room_publisher_key(const void *object);

/* One more reference to the lane of a publisher and room; made when missing. Errors: STOA_E_MEMORY */
int stoa_room_lane_acquire(struct stoa_room_worker *home, const struct stoa_publish_options *options,
                           const struct stoa_room_name *room, struct stoa_room_lane **out_lane);
void stoa_room_lane_release(struct stoa_room_worker *home, struct stoa_room_lane *lane);

/* On the owner: the next message has arrived. */
void stoa_room_lane_enter(struct stoa_room_lane *lane, struct stoa_room_lane_entry *entry);
/* On the owner: remove the first message if it is done; else NULL. */
struct stoa_room_lane_entry *stoa_room_lane_take_done(struct stoa_room_lane *lane);
/* On the owner: must a publish with this number fail, because one before it has? Then *out_status is how. */
bool stoa_room_lane_must_fail(struct stoa_room_lane *lane, uint32_t failures_known, enum stoa_room_status *out_status);
/* On the owner: a publish with this number has failed. */
void stoa_room_lane_fail(struct stoa_room_lane *lane, uint32_t failures_known, enum stoa_room_status status);
/* On the session's worker: the same is known here. */
void stoa_room_lane_note_failure(struct stoa_room_lane *lane, uint32_t failures_known);

/* Does it make those behind it fail? */
static inline bool stoa_room_status_is_failure(enum stoa_room_status status) {
  return status == STOA_ROOM_BUSY || status == STOA_ROOM_UNAVAILABLE || status == STOA_ROOM_UNKNOWN;
}

#endif
