#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/version.h>
#include <time.h>

/* In bytes: at most four for each character in UTF-8. */
#define NICK_BYTES_MAX (CHATROOM_NICK_CHARS_MAX * 4)
#define TIME_TEXT_SIZE 32
/* The bytes of an encoded message without its text and its sender. */
#define AROUND_BYTES 256u
/* The retry_ms of a message that was too much. */
#define BUSY_RETRY_MS 1000u

/* The user of a session. */
struct person {
  char user_id[STOA_UUID_TEXT_LEN + 1]; /* a guest has the session's id */
  size_t nick_len;
  char nick[NICK_BYTES_MAX];
};

/* RFC 3339 in UTC with milliseconds. */
static struct stoa_string time_text(int64_t now_ms, char out[TIME_TEXT_SIZE]) {
  time_t seconds = (time_t)(now_ms / 1000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  size_t len = strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(out + len, TIME_TEXT_SIZE - len, ".%03dZ", (int)(now_ms % 1000));
  return stoa_string_of(out);
}

static void set_nick(struct person *person, struct stoa_string nick) {
  memcpy(person->nick, nick.data, nick.len);
  person->nick_len = nick.len;
}

static void name_guest(struct chatroom *room, struct person *person) {
  char name[NICK_BYTES_MAX];
  uint32_t number = atomic_fetch_add(&room->guests, 1) + 1;
  int len = snprintf(name, sizeof name, "guest-%04u", number);
  set_nick(person, stoa_string_make(name, (size_t)len));
}

static bool is_control(unsigned char first, unsigned char second) {
  /* C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. */
  return first < 0x20 || first == 0x7f || (first == 0xc2 && second >= 0x80 && second <= 0x9f);
}

/* Code points. The codec has checked the UTF-8. */
static size_t count_chars(struct stoa_string text) {
  size_t chars = 0;
  for (size_t i = 0; i < text.len; i++) {
    chars += ((unsigned char)text.data[i] & 0xc0) != 0x80;
  }
  return chars;
}

/* 1 to CHATROOM_NICK_CHARS_MAX characters, none of them a control, not blank. */
static bool is_nick(struct stoa_string nick) {
  size_t chars = count_chars(nick);
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

static const struct stoa_error *text_too_long(struct stoa_session *session, size_t chars) {
  char text[96];
  snprintf(text, sizeof text, "a text has at most %d characters, this one has %zu", CHATROOM_TEXT_CHARS_MAX, chars);
  return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG", text);
}

/* The bytes that a byte of text needs in the longest form that a client can request: JSON inside a JSON string. */
static size_t written_bytes(struct stoa_string text) {
  size_t bytes = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    bytes += byte < 0x20 ? sizeof "\\\\u0000" - 1 : byte == '"' || byte == '\\' ? 4 : 1;
  }
  return bytes;
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
  if (AROUND_BYTES + written_bytes(said->message) + written_bytes(said->sender) <= bytes_max) {
    return &busy;
  }
  char text[96];
  snprintf(text, sizeof text, "for some members this text is longer than %zu bytes", bytes_max);
  return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG", text);
}

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_chat_message *message) {
  const struct person *person = stoa_session_user(session);
  char now[TIME_TEXT_SIZE];
  int64_t now_ms = stoa_server_wall_ms(stoa_session_server(session));
  size_t chars = count_chars(message->message);
  (void)user;
  if (chars == 0) {
    return stoa_session_error(session, CHATROOM_ERROR_TEXT_EMPTY, "TEXT_EMPTY", "a message must have text");
  }
  if (chars > CHATROOM_TEXT_CHARS_MAX) {
    return text_too_long(session, chars);
  }
  /* Sender and time from the client are not used. */
  const struct chatroom_v1_chat_message said = {.message = message->message,
                                                .sender = {person->nick, person->nick_len},
                                                .timestamp = time_text(now_ms, now),
                                                .user_id = stoa_string_of(person->user_id),
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

/* A client tests its connection: nothing to do. Without a handler it would count as an unknown type. */
static const struct stoa_error *on_ping(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_ping_message *message) {
  (void)user;
  (void)session;
  (void)message;
  return NULL;
}

static const struct stoa_error *on_hello(void *user, struct stoa_session *session,
                                         const struct chatroom_v1_hello_request *request,
                                         struct chatroom_v1_hello_reply *reply) {
  struct person *person = stoa_session_user(session);
  const struct stoa_server *server = stoa_session_server(session);
  (void)user;
  if (request->nick.len > 0) {
    if (!is_nick(request->nick)) {
      return stoa_session_error(session, CHATROOM_ERROR_NICK_INVALID, "NICK_INVALID",
                                "a name has 1 to 32 characters and no control characters");
    }
    set_nick(person, request->nick);
    /* Without memory the log has no name. */
    int ignored = stoa_session_set_name(session, request->nick);
    (void)ignored;
  }
  reply->session_id = stoa_string_of(person->user_id);
  reply->nick = stoa_string_make(person->nick, person->nick_len);
  reply->server = stoa_string_of("stoa-chatroom/" STOA_VERSION);
  reply->server_ms = stoa_server_wall_ms(server);
  reply->message_bytes_max = (uint32_t)stoa_server_message_bytes_max(server);
  reply->ping_ms = stoa_server_ping_interval_ms(server);
  reply->user_id = stoa_string_of(person->user_id);
  reply->text_chars_max = CHATROOM_TEXT_CHARS_MAX;
  return NULL;
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)request;
  struct person *person = calloc(1, sizeof *person);
  if (person == NULL) {
    *out_refusal = (struct stoa_refusal){STOA_CLOSE_INTERNAL, "out of memory", 1000};
    return STOA_REFUSE;
  }
  stoa_uuid_format(stoa_session_id(session), person->user_id);
  name_guest(user, person);
  stoa_session_set_user(session, person);
  return STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  free(stoa_session_user(session));
}

int chatroom_setup(struct stoa_server *server, struct chatroom *room) {
  static const struct chatroom_v1_chatroom_service_handlers handlers = {
      .chat = on_chat, .hello = on_hello, .ping = on_ping};
  const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = room};
  stoa_server_set_callbacks(server, &callbacks);
  int status = stoa_server_set_ping_message(server, CHATROOM_V1_MESSAGE_TYPE_PING, &chatroom_v1_ping_message_type);
  return status == STOA_OK ? chatroom_v1_chatroom_service_register(server, &handlers, room) : status;
}
