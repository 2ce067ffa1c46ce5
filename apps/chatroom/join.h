/* join.h: who is in which room: the calls Join and Leave, and clients without a subprotocol.
 *
 * The reply to a Join has a page as of the place where the live messages begin. A page takes several reads, and the
 * answer of a join must be given at once; so the page is read first, and the session then joins at the page's top, as
 * if it came back with that place.
 *
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_JOIN_H
#define CHATROOM_JOIN_H

#include "chatroom.h"

/* Is a Join of this session being answered? */
bool chatroom_is_joining(const struct stoa_session *session, struct stoa_string room);

/* A session without a subprotocol: it is a member of the default room before anything is read from it. When it cannot
 * be, it is closed with a code that lets it come back. Inside on_connect. Errors: as stoa_room_join() */
int chatroom_join_plain(const struct chatroom *chatroom, struct stoa_session *session);

/* End the session's membership, or its join in progress, and tell it (LeftMessage). A session without a subprotocol is
 * closed with 4503. It may be no member.
 *
 * code, reason  of the message; the reason is borrowed until the call returns */
void chatroom_expel(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room,
                    uint32_t code, struct stoa_string reason);

/* The session is no longer open: its joins end without an answer. */
void chatroom_forget_joinings(struct stoa_session *session);

#endif
