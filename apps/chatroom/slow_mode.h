/* slow_mode.h: when each user has sent the last message to a room.
 *
 * A table of fixed size. When the places for a user are all in use, the one whose time is over first is taken: that
 * user can send earlier than the slow mode says. Nobody can be made to wait longer.
 *
 * Thread: one at a time.
 */
#ifndef CHATROOM_SLOW_MODE_H
#define CHATROOM_SLOW_MODE_H

#include <stoa/bytes.h>

#define SLOW_MODE_USERS 4096u

struct slow_mode;

/* NULL: no memory. */
struct slow_mode *slow_mode_create(void);
/* NULL is allowed. */
void slow_mode_destroy(struct slow_mode *slow);

/* Send now, or learn how long to wait, in milliseconds: 0 means that it was sent. */
uint32_t slow_mode_send(struct slow_mode *slow, struct stoa_string user_id, uint32_t interval_ms, int64_t now_ms);
/* It was not sent after all. */
void slow_mode_undo(struct slow_mode *slow, struct stoa_string user_id);

#endif
