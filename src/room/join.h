/* room/join.h: what the rest of the folder needs of members.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_ROOM_JOIN_H
#define STOA_ROOM_JOIN_H

#include "room/rooms.h"

/* Whether the session's queue can take the page as pushes. `stored` is about how much it is in memory. */
bool stoa_room_recovery_fits(const struct stoa_session *session, const struct stoa_room_page *page, size_t stored);
/* Give a session what it missed, as pushes; it stops when the session is no longer a member. */
void stoa_room_recover(struct stoa_rooms *rooms, struct stoa_session *session, const struct stoa_room_name *name,
                       const struct stoa_room_page *page);

#endif
