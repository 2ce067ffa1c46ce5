#include "api_publish.h"

#include "activity.h"
#include "text.h"

#include <stdlib.h>

struct publishing {
  const struct chatroom *chatroom;
  stoa_room_done *on_done;
  void *context;
  struct stoa_string room, text; /* in `bytes` */
  char bytes[];
};

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct publishing *publishing = context;
  if (answer->status == STOA_ROOM_OK) {
    activity_note(publishing->chatroom->activity, publishing->room, answer->position, answer->ordinal,
                  publishing->text);
  }
  publishing->on_done(publishing->context, answer);
  free(publishing);
}

int api_publish(const struct chatroom *chatroom, struct stoa_string room,
                const struct chatroom_v1_chat_message *message, stoa_room_done *on_done, void *context) {
  struct publishing *publishing = calloc(1, sizeof *publishing + room.len + message->message.len);
  if (publishing == NULL) {
    return STOA_E_MEMORY;
  }
  char *at = publishing->bytes;
  *publishing = (struct publishing){.chatroom = chatroom, .on_done = on_done, .context = context};
  publishing->room = chatroom_put(&at, room);
  publishing->text = chatroom_put(&at, message->message);
  const struct chatroom_v1_chat_message said = {
      .message = message->message, .sender = message->sender, .reply_to = message->reply_to};
  const struct stoa_publish_options options = {
      .sender = message->user_id, .client_msg_id = message->client_msg_id, .is_administrator = true};
  int status =
      stoa_room_publish(chatroom->rooms, room, CHATROOM_V1_MESSAGE_TYPE_CHAT, &said, &options, on_stored, publishing);
  if (status != STOA_OK) {
    free(publishing);
  }
  return status;
}
