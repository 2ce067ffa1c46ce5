/* room/slice.h: what a joining session gets of a room: the messages that it missed, or the newest page.
 *
 * It is chosen on the owner from the room's ring, or from a page of the engine and the ring, and it ends with the last
 * message that was sent out: whatever comes after it, the new member gets live.
 *
 * Thread: the room's owner, then the session's worker. Lifetime: embedded in a join; zeroed is empty; it holds
 * references.
 */
#ifndef STOA_ROOM_SLICE_H
#define STOA_ROOM_SLICE_H

#include "room/owner.h"

struct stoa_room_slice {
  /* What is wanted. */
  struct stoa_room_position position; /* epoch 0: none */
  uint32_t history;
  /* What it has. */
  bool is_recovery; /* else a page */
  bool is_read;     /* it begins with messages of the engine, up to `upto` */
  uint64_t upto;
  uint64_t epoch, floor, top, top_ordinal;
  bool has_more_before;
  struct stoa_engine_message **messages;
  uint32_t count, capacity;
  size_t bytes;
};

/* What to do before the place. */
enum stoa_room_slice_need {
  STOA_ROOM_SLICE_READY,    /* the ring has all of it */
  STOA_ROOM_SLICE_RECOVERY, /* read what it missed */
  STOA_ROOM_SLICE_PAGE      /* read the newest page */
};

enum stoa_room_slice_need stoa_room_slice_begin(struct stoa_room_slice *slice, const struct stoa_room *room);
/* The query for it. */
struct stoa_engine_query stoa_room_slice_query(const struct stoa_room_slice *slice, const struct stoa_room *room);
/* Take what was read. False: the messages that it missed are lost, or too many; it is to be a page now, and
 * stoa_room_slice_begin_page() says what to do. *out_status: BUSY when a bound is reached. */
bool stoa_room_slice_take(struct stoa_room_slice *slice, const struct stoa_engine_answer *answer, atomic_size_t *total,
                          enum stoa_room_status *out_status);
enum stoa_room_slice_need stoa_room_slice_begin_page(struct stoa_room_slice *slice, const struct stoa_room *room);
/* At the place: complete it up to the last message that was sent out. OK or BUSY. */
enum stoa_room_status stoa_room_slice_finish(struct stoa_room_slice *slice, const struct stoa_room *room,
                                             atomic_size_t *total);
/* After finish: make a page of a recovery, which holds the newest of its messages. */
void stoa_room_slice_give_up(struct stoa_room_slice *slice, atomic_size_t *total);
void stoa_room_slice_clear(struct stoa_room_slice *slice, atomic_size_t *total);

#endif
