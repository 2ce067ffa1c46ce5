/* erase.h: erases a user: the sessions end, then all texts, in all rooms, and what is kept about the user.
 *
 *   1. end the sessions of the user
 *   2. note which of the newest messages of each room are the user's: those that members may have on their screens
 *   3. erase (stoa_rooms_erase_user()), after which nobody knows whose they were
 *   4. store a Delete event for each that was noted, so that members and those who come back remove it
 *   5. remove the values of the user, such as read offsets
 *
 * Bans and mutes stay: they belong to the rooms.
 *
 * Does not know: who may do it.
 * Thread: a worker's; the answer comes on any worker, never inside the call.
 */
#ifndef CHATROOM_ERASE_H
#define CHATROOM_ERASE_H

#include "chatroom.h"

/* How many of the newest messages of a room are looked at, and how many members are told of in all. */
#define ERASE_LOOKED_AT_MAX STOA_ROOM_RECOVERY_MAX
#define ERASE_TOLD_MAX 100000u

struct erase_result {
  enum stoa_room_status status; /* OK, or why it is not complete */
  uint32_t retry_ms;
  uint64_t messages; /* messages and events without content now */
  uint64_t told;     /* Delete events */
  uint32_t sessions; /* that were ended */
};

/* result  borrowed until it returns */
typedef void erase_on_done(void *context, const struct erase_result *result);

/* user_id  1 to NICKS_USER_ID_BYTES_MAX bytes, copied
 * Errors: STOA_E_CLOSED, STOA_E_LIMIT, STOA_E_MEMORY. on_done is not called then */
int erase_user(const struct chatroom *chatroom, struct stoa_server *server, struct stoa_string user_id,
               erase_on_done *on_done, void *context);

#endif
