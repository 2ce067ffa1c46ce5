/* settings_read.h: the settings of a room for who lists rooms: those in use, or else the stored ones.
 *
 * Thread: a worker's; the answer comes on the same worker, never inside the call.
 */
#ifndef CHATROOM_SETTINGS_READ_H
#define CHATROOM_SETTINGS_READ_H

#include "chatroom.h"
#include "rules.h"

/* The settings of a room that is in use. False: it is not, they are in the storage only. */
bool settings_in_use(const struct chatroom *chatroom, struct stoa_string room, struct rules_settings *out_settings);

/* status    OK; else the first one that was not
 * settings  valid until the callback returns */
typedef void settings_on_read(void *context, enum stoa_room_status status, uint32_t retry_ms,
                              const struct rules_settings *settings);
/* Errors: as stoa_room_state_read(), STOA_E_MEMORY; on_read is not called then */
int settings_read(const struct chatroom *chatroom, struct stoa_string room, settings_on_read *on_read, void *context);

#endif
