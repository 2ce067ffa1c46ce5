/* room/join.h: what the rest of the folder needs of members.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_ROOM_JOIN_H
#define STOA_ROOM_JOIN_H

#include "room/rooms.h"

/* Give a session what it missed, as pushes; it stops when the session is no longer a member. */
void stoa_room_recover(struct stoa_rooms *rooms, struct stoa_session *session, const struct stoa_room_name *name,
                       const struct stoa_room_page *page);

#endif
