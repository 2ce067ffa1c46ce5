/* room/owner.h: the rooms in use, each on its owner: subscribed at the engine, with the newest messages in memory, sent
 * out to the members in the engine's order.
 *
 * A room that is needed is loaded (subscribed). When it has had no member and no request for a while, it is
 * unsubscribed and forgotten; a room that nobody uses costs no memory.
 *
 * What cannot be sent to a member closes it with 4010: it comes back with its position, and recovers.
 *
 * Thread: the owner's. Lifetime: a room lives while it is in use, and some time longer.
 */
#ifndef STOA_ROOM_OWNER_H
#define STOA_ROOM_OWNER_H

#include "room/rooms.h"

/* How long a room stays loaded without members, and how often rooms are checked for that. */
#define STOA_ROOM_LINGER_MS 30000u
#define STOA_ROOM_CHECK_MS 1000u

enum stoa_room_state {
  STOA_ROOM_UNLOADED,
  STOA_ROOM_LOADING,   /* its subscription is under way */
  STOA_ROOM_LOADED,    /* what follows is true, and messages are sent out */
  STOA_ROOM_UNLOADING, /* the same until the answer comes */
};

/* Somebody who needs a loaded room. */
struct stoa_room_waiter {
  struct stoa_room_waiter *next;
  /* status  OK: it is loaded; BUSY, UNAVAILABLE, CLOSED: it is not, and may be gone */
  void (*run)(struct stoa_room_waiter *waiter, struct stoa_room *room, enum stoa_room_status status);
};

struct stoa_room {
  struct stoa_room *next_to_check;
  struct stoa_room_worker *owner;
  struct stoa_room_name name;
  enum stoa_room_state state;
  uint64_t epoch, floor, top; /* top: of the last message that was sent out */
  uint64_t top_ordinal;       /* of that message */
  struct stoa_room_ring ring;
  size_t pending_bytes; /* of the publishes that are being stored */
  uint32_t publish_count;
  _Atomic(uint32_t) join_count; /* joins in progress: the sessions' workers let it go */
  uint64_t used_ms;
  struct stoa_room_waiter *first_waiter, *last_waiter;
  struct stoa_room_presence_state *presence; /* NULL: no user yet */
};

/* NULL: it is not in memory. */
struct stoa_room *stoa_room_find(const struct stoa_room_worker *owner, struct stoa_string name);
/* Find the room, or make it. Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_room_open(struct stoa_room_worker *owner, const struct stoa_room_name *name, struct stoa_room **out_room);
/* Load it if it is not, and run the waiter then, which may be inside this call. */
void stoa_room_load(struct stoa_room *room, struct stoa_room_waiter *waiter);

/* The engine's sink, for a port of which `context` is the worker's part. */
void stoa_room_on_message(void *context, struct stoa_engine_message *message);
void stoa_room_on_gap(void *context, struct stoa_string name);

void stoa_room_check(struct stoa_worker_timer *timer, int status);
/* Free all. */
void stoa_room_forget_all(struct stoa_room_worker *owner);

/* The status of an answer that is not OK. */
enum stoa_room_status stoa_room_status_of(enum stoa_engine_status status);

#endif
