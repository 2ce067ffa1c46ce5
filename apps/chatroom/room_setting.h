/* room_setting.h: sets topic, slow mode and size of a room: they are stored, then the members are told a new topic.
 *
 * Does not know: who may set them. The callers, for users set_room.c and for operators api_rooms.c, have checked that.
 * Thread: start on the worker of the call's session; all else on that of the room's changes.
 */
#ifndef CHATROOM_ROOM_SETTING_H
#define CHATROOM_ROOM_SETTING_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>
#include <stoa/call.h>

struct room_setting_request {
  struct stoa_string room; /* a room's name */
  const struct chatroom_v1_set_room_request *values;
  struct stoa_string by_id, by_nick; /* whose the event is that tells the topic; empty: nobody's */
  bool is_administrator;             /* may set what a room will have that does not exist yet */
  bool is_http;
  int (*reply)(struct stoa_call *call); /* answers the call. Errors: of the call's reply, ignored */
};

/* Check the values, take the call and go. `request` is copied. Returns what the handler is to return: 107, 122 for
 * values that cannot be. */
const struct stoa_error *room_setting_start(struct chatroom *chatroom, struct stoa_session *session,
                                            const struct room_setting_request *request);

#endif
