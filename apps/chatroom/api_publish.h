/* api_publish.h: stores a message that the server API sends, and tells who is not in the room of it (activity.h).
 *
 * Thread: a worker's; the answer comes on the same worker, never inside the call.
 */
#ifndef CHATROOM_API_PUBLISH_H
#define CHATROOM_API_PUBLISH_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>

/* message  user_id, sender, message, client_msg_id and reply_to are used; borrowed until the call returns
 * Errors: as stoa_room_publish(); STOA_E_MEMORY. on_done is not called then */
int api_publish(const struct chatroom *chatroom, struct stoa_string room,
                const struct chatroom_v1_chat_message *message, stoa_room_done *on_done, void *context);

#endif
