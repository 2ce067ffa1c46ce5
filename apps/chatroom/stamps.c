#include "stamps.h"

#include "text.h"

#include <chatroom/v1/chatroom.stoa.h>

/* What search.c finds: ChatMessage.message, and EventMessage.text, which is the text of an edit. */
#define CHAT_TEXT_FIELD 1u
#define EVENT_TEXT_FIELD 6u

/* The sender's name is stored with the message, because names change. Without memory the time is missing. */
static void stamp_chat(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct chatroom_v1_chat_message *chat = message;
  char text[CHATROOM_TIME_TEXT_SIZE];
  (void)user;
  chat->ts_ms = stamp->time_us / 1000;
  chat->timestamp = stoa_arena_copy(arena, chatroom_time_text(chat->ts_ms, text));
  chat->room = stamp->room;
  chat->offset = stamp->position.offset;
  chat->epoch = stamp->position.epoch;
  chat->client_msg_id = stamp->client_msg_id;
  chat->user_id = stamp->sender;
  chat->deleted = stamp->is_redacted;
}

static void stamp_event(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct chatroom_v1_event_message *event = message;
  (void)user, (void)arena;
  event->room = stamp->room;
  event->offset = stamp->position.offset;
  event->epoch = stamp->position.epoch;
  event->target = stamp->target;
  event->user_id = stamp->sender;
  event->ts_ms = stamp->time_us / 1000;
}

int stamps_add_types(struct stoa_rooms *rooms) {
  static const struct stoa_room_type chat = {.type = CHATROOM_V1_MESSAGE_TYPE_CHAT,
                                             .message_type = &chatroom_v1_chat_message_type,
                                             .stamp = stamp_chat,
                                             .text_field = CHAT_TEXT_FIELD};
  static const struct stoa_room_type event = {.type = CHATROOM_V1_MESSAGE_TYPE_EVENT,
                                              .message_type = &chatroom_v1_event_message_type,
                                              .is_event = true,
                                              .stamp = stamp_event,
                                              .text_field = EVENT_TEXT_FIELD};
  int status = stoa_rooms_add_type(rooms, &chat);
  return status == STOA_OK ? stoa_rooms_add_type(rooms, &event) : status;
}
