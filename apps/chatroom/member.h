/* member.h: the rooms that a session is in, or about to be in, with what counts for it there.
 *
 * From the Join on, so that what a client sends behind it is checked too, until the Leave.
 *
 * Thread: the session's worker's.
 * Bounds: as the rooms of a session (stoa/room.h).
 */
#ifndef CHATROOM_MEMBER_H
#define CHATROOM_MEMBER_H

#include "chatroom.h"
#include "rules.h"

struct member {
  struct member *next;
  struct room_rules *rules; /* counted */
  size_t room_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
};

/* NULL: it is not. Valid until it is removed. */
struct member *member_find(const struct stoa_session *session, struct stoa_string room);
/* The room must not be there yet. NULL: no memory. */
struct member *member_add(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room);
/* One that is not there is allowed. */
void member_remove(struct stoa_session *session, struct stoa_string room);
/* The session is no longer open. */
void member_remove_all(struct stoa_session *session);

/* The user of a session, for the rules. Valid as long as the session. */
struct rules_subject member_subject(const struct stoa_session *session);

/* May the session write to the room now? For messages and their changes. NULL: yes.
 * Errors: 103 not a member; 107 no name of a room; 111 the rules are not loaded; 120 MUTED; 121 BANNED; 127 SLOW_MODE
 *
 * is_message  a new one: slow mode counts it */
const struct stoa_error *member_check(const struct chatroom *chatroom, struct stoa_session *session,
                                      struct stoa_string room, bool is_message);

#endif
