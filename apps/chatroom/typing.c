/* Typing: told to the other members of the room who know the message, at most once a second from each session. That its
 * user does not type any more is always told, or others would show it for too long. After that, or after a message,
 * which tells it too, what is typed next is told at once. */
#include "handlers.h"
#include "person.h"

#define TELL_MS 1000

/* A clock that was set back is one that has gone on. */
static bool is_due(int64_t *typed_ms, int32_t state, int64_t now_ms) {
  if (state == CHATROOM_V1_TYPING_STATE_TYPING_DONE) {
    *typed_ms = 0;
    return true;
  }
  if (now_ms >= *typed_ms && now_ms - *typed_ms < TELL_MS) {
    return false;
  }
  *typed_ms = now_ms;
  return true;
}

const struct stoa_error *chatroom_on_typing(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_typing_message *message) {
  const struct chatroom *chatroom = user;
  struct person *person = stoa_session_user(session);
  struct stoa_string room = chatroom_room(chatroom, message->room);
  if (message->state < CHATROOM_V1_TYPING_STATE_TYPING_ACTIVE ||
      message->state > CHATROOM_V1_TYPING_STATE_TYPING_DONE) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "state is active, paused or done");
  }
  const struct stoa_error *error = chatroom_check_member(chatroom, session, room);
  if (error != NULL) {
    return error;
  }
  int64_t now_ms = stoa_server_wall_ms(stoa_session_server(session));
  if (!is_due(person_typed_ms(person), message->state, now_ms)) {
    return NULL;
  }
  const struct chatroom_v1_typing_message typing = {
      .room = room, .state = message->state, .user_id = person_user_id(person), .nick = person_nick(person)};
  int ignored = stoa_room_publish_volatile(chatroom->rooms, room, stoa_session_id(session),
                                           CHATROOM_V1_MESSAGE_TYPE_TYPING, &chatroom_v1_typing_message_type, &typing);
  (void)ignored; /* it is told at most once */
  return NULL;
}
