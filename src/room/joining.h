/* room/joining.h: the joins in progress of a worker's sessions, found by session.
 *
 * A join is in one list with those of other sessions: the ids of sessions are random, so lists are short, and nothing
 * is allocated.
 *
 * Thread: the sessions' worker's. Lifetime: an entry is embedded in join.c's struct, and listed until the join ends, or
 * its session leaves or closes.
 */
#ifndef STOA_ROOM_JOINING_H
#define STOA_ROOM_JOINING_H

#include "room/name.h"

#include <stoa/uuid.h>

/* For 65,536 joins: 64 in a list. A power of two. */
#define STOA_ROOM_JOINING_LISTS 1024u

struct stoa_room_presence_change;

struct stoa_room_joining {
  struct stoa_room_joining *next;
  struct stoa_uuid session_id;
  bool is_listed; /* false: its session has left, or closed */
  struct stoa_room_name room;
  bool has_user;                            /* it is to be counted in the room's presence */
  bool is_watching;                         /* it has asked for presence: two groups */
  struct stoa_room_presence_change *change; /* the program's last one since it began; NULL: none */
};

/* Zeroed is empty. */
struct stoa_room_joinings {
  struct stoa_room_joining *lists[STOA_ROOM_JOINING_LISTS];
};

void stoa_room_joining_add(struct stoa_room_joinings *all, const struct stoa_uuid *session_id,
                           struct stoa_room_joining *joining);
/* Does nothing when it is not listed. */
void stoa_room_joining_remove(struct stoa_room_joinings *all, struct stoa_room_joining *joining);
/* The session's next one after `last`, the newest first; last NULL: its newest. NULL: there is none. */
struct stoa_room_joining *stoa_room_joining_next(const struct stoa_room_joinings *all,
                                                 const struct stoa_uuid *session_id,
                                                 const struct stoa_room_joining *last);
/* The session's join of that room; NULL: none. */
struct stoa_room_joining *stoa_room_joining_find(const struct stoa_room_joinings *all,
                                                 const struct stoa_uuid *session_id, struct stoa_string room);

#endif
