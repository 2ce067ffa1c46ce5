/* activity.h: tells users of new messages in rooms that they have read before and have not joined now.
 *
 * A message only notes its room, and what follows each '@'. What was noted is told together, ACTIVITY_TICK_MS after the
 * first note: each worker then looks once at each of its sessions, at the rooms that its user has read. So a message
 * costs the same in a large server, and a busy room costs what a quiet one does.
 *
 * Does not know: permissions to write; who is in a room is asked when it is told.
 * Thread: any worker; it has its own lock, which is held for one note.
 * Bounds: ACTIVITY_ROOMS_MAX rooms and ACTIVITY_MENTIONS_MAX mentions in one tick; what is above is not told before the
 *         next message. ACTIVITY_TOLD_MAX rooms for each session in one tick.
 */
#ifndef CHATROOM_ACTIVITY_H
#define CHATROOM_ACTIVITY_H

#include <stoa/room.h>

#define ACTIVITY_TICK_MS 2000u
#define ACTIVITY_ROOMS_MAX 1024u
#define ACTIVITY_MENTIONS_MAX 4096u
#define ACTIVITY_TOLD_MAX 64u

struct activity;
struct chatroom;

/* chatroom, server  borrowed as long as it is used. NULL: no memory. */
struct activity *activity_create(const struct chatroom *chatroom, struct stoa_server *server);
/* After the server. NULL is allowed. */
void activity_destroy(struct activity *activity);

/* A message was stored. On a worker. Without memory nobody is told. */
void activity_note(struct activity *activity, struct stoa_string room, struct stoa_room_position position,
                   uint64_t ordinal, struct stoa_string text);

#endif
