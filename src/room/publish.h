/* room/publish.h: the deadline of publishes.
 *
 * Thread: the worker's.
 */
#ifndef STOA_ROOM_PUBLISH_H
#define STOA_ROOM_PUBLISH_H

#include "room/rooms.h"

/* Answer UNKNOWN to what has waited too long, and to what its sessions sent after it. */
void stoa_room_on_deadline(struct stoa_worker_timer *timer, int status);

#endif
