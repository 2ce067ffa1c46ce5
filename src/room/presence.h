/* room/presence.h: the users of a room on its owner: who has left for good, and when changes are told.
 *
 *   session's worker                    room's owner
 *   join with a user ────────────────▶  arrive, at the place of the join; the list is made there
 *   set ─────────────────────────────▶  set
 *   leave, or the session closes ────▶  depart; when its user does not come back in time, remove
 *                                       on_presence, rooms.presence_interval_ms after the first change
 *   members that asked for presence ◀─  what the program makes of it: a group with the same owner as the room's
 *
 * Thread: the owner's, except where it says otherwise. Lifetime: from the room's first user to the end of the room.
 */
#ifndef STOA_ROOM_PRESENCE_H
#define STOA_ROOM_PRESENCE_H

#include "room/presence_users.h"
#include "room/rooms.h"

/* Changes of only the total are told so many times as rarely. */
#define STOA_ROOM_TOTAL_INTERVALS 8u

struct stoa_room_presence_state {
  struct stoa_room *room;
  struct stoa_room_users users;
  struct stoa_worker_timer telling; /* runs while there is something to tell */
};

/* Place a visit at its room. Errors: STOA_E_MEMORY  also when there is no random seed; the visit is not placed */
int stoa_room_presence_arrive(struct stoa_room *room, struct stoa_room_visit *visit);
void stoa_room_presence_set(struct stoa_room_visit *visit, struct stoa_room_info **info, bool is_away);
/* End a placed visit and free it. Also when all threads have ended. */
void stoa_room_presence_depart(struct stoa_room_visit *visit);
/* The same on another worker: the owner gets it after what this worker has sent before. Cannot fail. */
void stoa_room_presence_post_departure(struct stoa_room_visit *visit);

/* Users in the room. */
uint32_t stoa_room_presence_count(const struct stoa_room *room);
/* Nobody is there, or about to be told as gone, and nothing is to be told. */
bool stoa_room_presence_is_idle(const struct stoa_room *room);
/* Call when it is idle, or when the server has ended. */
void stoa_room_presence_destroy(struct stoa_room *room);

/* The timer of users that have left. */
void stoa_room_presence_on_leave(struct stoa_worker_timer *timer, int status);

#endif
