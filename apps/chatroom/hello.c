#include "handlers.h"
#include "person.h"
#include "text.h"

#include <stoa/version.h>

static bool is_control(unsigned char first, unsigned char second) {
  /* C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. */
  return first < 0x20 || first == 0x7f || (first == 0xc2 && second >= 0x80 && second <= 0x9f);
}

/* 1 to CHATROOM_NICK_CHARS_MAX characters, none of them a control, not blank. */
static bool is_nick(struct stoa_string nick) {
  size_t chars = chatroom_count_chars(nick);
  bool blank = true;
  for (size_t i = 0; i < nick.len; i++) {
    unsigned char byte = (unsigned char)nick.data[i];
    unsigned char next = i + 1 < nick.len ? (unsigned char)nick.data[i + 1] : 0;
    if (is_control(byte, next)) {
      return false;
    }
    blank = blank && byte == ' ';
  }
  return chars >= 1 && chars <= CHATROOM_NICK_CHARS_MAX && !blank;
}

const struct stoa_error *chatroom_on_hello(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_hello_request *request,
                                           struct chatroom_v1_hello_reply *reply) {
  struct person *person = stoa_session_user(session);
  const struct stoa_server *server = stoa_session_server(session);
  const struct chatroom *chatroom = user;
  if (request->nick.len > 0) {
    if (!is_nick(request->nick)) {
      return stoa_session_error(session, CHATROOM_ERROR_NICK_INVALID, "NICK_INVALID",
                                "a name has 1 to 32 characters and no control characters");
    }
    person_set_nick(person, request->nick);
    /* Without memory the log has no name. */
    int ignored = stoa_session_set_name(session, request->nick);
    (void)ignored;
  }
  reply->session_id = stoa_string_of(person->user_id);
  reply->nick = person_nick(person);
  reply->server = stoa_string_of("stoa-chatroom/" STOA_VERSION);
  reply->server_ms = stoa_server_wall_ms(server);
  reply->message_bytes_max = (uint32_t)stoa_server_message_bytes_max(server);
  reply->ping_ms = stoa_server_ping_interval_ms(server);
  reply->user_id = stoa_string_of(person->user_id);
  reply->text_chars_max = CHATROOM_TEXT_CHARS_MAX;
  reply->default_room = chatroom->default_room;
  return NULL;
}
