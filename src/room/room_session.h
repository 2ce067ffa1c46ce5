/* room/room_session.h: the rooms where one session is a member; where it is joining: joining.h.
 *
 * A membership costs nothing here: it is that of the room's group (server/server_session.h), which has this folder's
 * mark, and its visit.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_ROOM_ROOM_SESSION_H
#define STOA_ROOM_ROOM_SESSION_H

#include "room/presence.h"

/* Marks of memberships; `of_mark` is the visit, NULL when it is not counted in the room's presence. */
enum stoa_room_mark { STOA_ROOM_MARK_MEMBER = 1, STOA_ROOM_MARK_WATCHING };

/* Mark the membership of a room's group, which the session has joined. `visit` becomes the membership's. */
void stoa_room_session_add_room(struct stoa_session *session, const struct stoa_group *room, bool is_watching,
                                struct stoa_room_visit *visit);
/* Where it is a member. */
struct stoa_room_membership {
  struct stoa_room_name room;
  bool is_watching;
  struct stoa_room_visit *visit; /* NULL: it is not counted in the room's presence */
};
/* The next room; start with *place = 0. False at the end. The session joins and leaves no group meanwhile. */
bool stoa_room_session_next(const struct stoa_session *session, uint32_t *place,
                            struct stoa_room_membership *out_membership);
/* Leave the groups of a room; the membership's visit is the caller's then. False: it was no member. */
bool stoa_room_session_remove_room(struct stoa_session *session, struct stoa_string room,
                                   struct stoa_room_membership *out_membership);
/* The number of groups that a member is in. */
static inline uint32_t stoa_room_group_count(bool is_watching) {
  return is_watching ? 2 : 1;
}

/* The session closes: undo its joins, leave its rooms, and tell the program. */
void stoa_room_session_on_closing(struct stoa_room_worker *home, struct stoa_session *session);

#endif
