/* room/presence_set.h: changes of what a session says of its user, on their way to the owners of its rooms.
 *
 * Thread: the session's worker's. Lifetime: owned by whoever has it, until it is sent.
 */
#ifndef STOA_ROOM_PRESENCE_SET_H
#define STOA_ROOM_PRESENCE_SET_H

#include "room/presence.h"

struct stoa_room_presence_change;

/* Send it for a visit that is placed. */
void stoa_room_presence_change_send(struct stoa_room_presence_change *change, struct stoa_room_visit *visit);
/* NULL is allowed. */
void stoa_room_presence_change_destroy(struct stoa_room_presence_change *change);

#endif
