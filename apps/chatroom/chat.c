#include "handlers.h"
#include "person.h"
#include "text.h"
#include "visible.h"

#include <stdio.h>

/* The bytes of an encoded message without its text and its sender. */
#define AROUND_BYTES 256u
/* The retry_ms of a message that was too much. */
#define BUSY_RETRY_MS 1000u

static const struct stoa_error *text_too_long(struct stoa_session *session, size_t chars) {
  char text[96];
  snprintf(text, sizeof text, "a text has at most %d characters, this one has %zu", CHATROOM_TEXT_CHARS_MAX, chars);
  return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG", text);
}

/* The library refuses a message that is too long for some client, and a message when too many are queued. The first can
 * never be sent, the second can be sent again later. */
static const struct stoa_error *not_sent(struct stoa_session *session, const struct chatroom_v1_chat_message *said) {
  static const struct stoa_error busy = {.code = STOA_ERROR_LIMIT,
                                         .reason = STOA_STR("BUSY"),
                                         .message = STOA_STR("too many messages are queued"),
                                         .temporary = true,
                                         .retry_ms = BUSY_RETRY_MS};
  size_t bytes_max = stoa_server_message_bytes_max(stoa_session_server(session));
  if (AROUND_BYTES + chatroom_written_bytes(said->message) + chatroom_written_bytes(said->sender) <= bytes_max) {
    return &busy;
  }
  char text[96];
  snprintf(text, sizeof text, "for some members this text is longer than %zu bytes", bytes_max);
  return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG", text);
}

const struct stoa_error *chatroom_on_chat(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message,
                                          struct chatroom_v1_chat_ack *ack) {
  const struct person *person = stoa_session_user(session);
  char now[CHATROOM_TIME_TEXT_SIZE];
  int64_t now_ms = stoa_server_wall_ms(stoa_session_server(session));
  size_t chars = chatroom_count_chars(message->message);
  (void)user, (void)ack;
  if (chatroom_text_is_blank(message->message)) {
    return stoa_session_error(session, CHATROOM_ERROR_TEXT_EMPTY, "TEXT_EMPTY",
                              "a message must have text that is seen");
  }
  if (chars > CHATROOM_TEXT_CHARS_MAX) {
    return text_too_long(session, chars);
  }
  /* Sender and time from the client are not used. */
  const struct chatroom_v1_chat_message said = {.message = message->message,
                                                .sender = person_nick(person),
                                                .timestamp = chatroom_time_text(now_ms, now),
                                                .user_id = person_user_id(person),
                                                .ts_ms = now_ms};
  int status = chatroom_v1_chat_broadcast(stoa_session_server(session), &said);
  if (status == STOA_E_LIMIT) {
    return not_sent(session, &said);
  }
  if (status != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "the message could not be sent");
  }
  return NULL;
}
