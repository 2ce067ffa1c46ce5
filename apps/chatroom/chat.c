/* Chat: store a message in a room. */
#include "failure.h"
#include "handlers.h"
#include "join.h"
#include "person.h"
#include "text.h"
#include "visible.h"

#include <stdio.h>

static const struct stoa_error *text_too_long(struct stoa_session *session, size_t chars) {
  char text[96];
  snprintf(text, sizeof text, "a text has at most %d characters, this one has %zu", CHATROOM_TEXT_CHARS_MAX, chars);
  return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG", text);
}

const struct stoa_error *chatroom_check_text(struct stoa_session *session, struct stoa_string text) {
  size_t chars = chatroom_count_chars(text);
  if (chatroom_text_is_blank(text)) {
    return stoa_session_error(session, CHATROOM_ERROR_TEXT_EMPTY, "TEXT_EMPTY",
                              "a message must have text that is seen");
  }
  return chars > CHATROOM_TEXT_CHARS_MAX ? text_too_long(session, chars) : NULL;
}

const struct stoa_error *chatroom_check_member(const struct chatroom *chatroom, struct stoa_session *session,
                                               struct stoa_string room) {
  if (!chatroom_is_room_name(room)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "a room has 1 to 63 bytes without control characters");
  }
  if (stoa_room_has(chatroom->rooms, session, room) || chatroom_is_joining(session, room)) {
    return NULL;
  }
  return stoa_session_error(session, CHATROOM_ERROR_DENIED, "NOT_A_MEMBER", "join the room first");
}

static void on_stored(void *call, const struct stoa_room_answer *answer) {
  if (answer->status != STOA_ROOM_OK && answer->status != STOA_ROOM_DUPLICATE) {
    chatroom_fail(call, answer->status, answer->retry_ms);
    return;
  }
  const struct chatroom_v1_chat_ack ack = {.offset = answer->position.offset,
                                           .epoch = answer->position.epoch,
                                           .ts_ms = answer->time_us / 1000,
                                           .duplicate = answer->status == STOA_ROOM_DUPLICATE};
  int ignored = chatroom_v1_chatroom_service_chat_reply(call, &ack);
  (void)ignored; /* the session may have ended; the message is stored all the same */
}

/* Whatever else the client claims is not used; the stamp has it. */
static int publish(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room,
                   const struct chatroom_v1_chat_message *message, struct stoa_call *call) {
  const struct person *person = stoa_session_user(session);
  const struct chatroom_v1_chat_message said = {
      .message = message->message, .sender = person_nick(person), .reply_to = message->reply_to};
  const struct stoa_publish_options options = {
      .sender = person_user_id(person), .client_msg_id = message->client_msg_id, .session = session};
  return stoa_room_publish(chatroom->rooms, room, CHATROOM_V1_MESSAGE_TYPE_CHAT, &said, &options, on_stored, call);
}

const struct stoa_error *chatroom_on_chat(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message,
                                          struct chatroom_v1_chat_ack *ack) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, message->room);
  const struct stoa_error *error = chatroom_check_text(session, message->message);
  (void)ack;
  if (error == NULL) {
    error = chatroom_check_member(chatroom, session, room);
  }
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  *person_typed_ms(stoa_session_user(session)) = 0;
  int status = publish(chatroom, session, room, message, call);
  if (status != STOA_OK) {
    chatroom_fail(call, chatroom_status_of(status, STOA_ROOM_TOO_BIG), 0);
  }
  return STOA_LATER;
}
