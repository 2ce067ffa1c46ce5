/* room/watch.h: the group of a room's members that asked for presence, for one session.
 *
 * A join holds it (server/group/side.h) from its beginning: the owner makes the list, and what it publishes after that
 * must reach this worker, though the session is no member of the group yet.
 *
 * Thread: the session's worker's. Lifetime: embedded in a join; zeroed holds nothing.
 */
#ifndef STOA_ROOM_WATCH_H
#define STOA_ROOM_WATCH_H

#include "room/rooms.h"

struct stoa_group;

struct stoa_room_watch {
  struct stoa_group *group; /* NULL: nothing is held */
  uint32_t variant;
};

/* Errors: STOA_E_MEMORY */
int stoa_room_watch_hold(struct stoa_room_worker *home, const struct stoa_session *session,
                         const struct stoa_room_name *room, struct stoa_room_watch *watch);
/* Make the session a member. Errors: STOA_E_MEMORY  also when this worker has missed a message since the hold began;
 * STOA_E_LIMIT  its groups; STOA_E_CLOSED, STOA_E_EXISTS as stoa_session_join() */
int stoa_room_watch_begin(const struct stoa_room_watch *watch, struct stoa_session *session,
                          const struct stoa_room_name *room);
/* Does nothing when nothing is held. */
void stoa_room_watch_release(struct stoa_room_worker *home, struct stoa_room_watch *watch);
/* It is no member any more. */
void stoa_room_watch_end(struct stoa_session *session, const struct stoa_room_name *room);

#endif
