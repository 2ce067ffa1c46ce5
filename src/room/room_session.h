/* room/room_session.h: the rooms of one session: where it is a member, and where it is joining.
 *
 * Thread: the session's worker's. Lifetime: while there is any.
 */
#ifndef STOA_ROOM_ROOM_SESSION_H
#define STOA_ROOM_ROOM_SESSION_H

#include "room/rooms.h"

/* A join in progress, embedded in join.c's struct. */
struct stoa_room_joining {
  struct stoa_room_joining *next;
  struct stoa_room_session *session; /* NULL: it has left, or ended */
  struct stoa_room_name room;
};

struct stoa_room_session {
  struct stoa_uuid id;
  struct stoa_room_joining *joining;
  uint32_t joining_count;
  struct stoa_room_name *rooms; /* where it is a member */
  uint32_t room_count, room_capacity;
};

struct stoa_bytes stoa_room_session_key(const void *object);

/* NULL: it has no room. */
struct stoa_room_session *stoa_room_session_find(struct stoa_room_worker *home, const struct stoa_session *session);
/* Errors: STOA_E_MEMORY */
int stoa_room_session_find_or_create(struct stoa_room_worker *home, const struct stoa_session *session,
                                     struct stoa_room_session **out_session);
/* Free it when it has no room. */
void stoa_room_session_drop_if_unused(struct stoa_room_worker *home, struct stoa_room_session *session);

/* The join of that room; NULL: none. */
struct stoa_room_joining *stoa_room_session_joining(const struct stoa_room_session *session, struct stoa_string room);
void stoa_room_session_add_joining(struct stoa_room_session *session, struct stoa_room_joining *joining);
/* joining->session is NULL then. Does nothing when it is already. */
void stoa_room_session_remove_joining(struct stoa_room_session *session, struct stoa_room_joining *joining);

/* Errors: STOA_E_MEMORY */
int stoa_room_session_add_room(struct stoa_room_session *session, const struct stoa_room_name *room);
/* False: it was no member. */
bool stoa_room_session_remove_room(struct stoa_room_session *session, struct stoa_string room);

/* The session closes and has left its groups: undo its joins, and tell the program. */
void stoa_room_session_on_closing(struct stoa_room_worker *home, struct stoa_session *session);

#endif
