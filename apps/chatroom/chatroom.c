#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Bytes: four for each character of UTF-8. */
#define NICK_BYTES_MAX (CHATROOM_NICK_CHARS_MAX * 4)
#define TIME_TEXT_SIZE 32

/* Who a session is. */
struct person {
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

static int64_t wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

/* 1 to CHATROOM_NICK_CHARS_MAX characters, none of them a control, not blank. The codec has checked the UTF-8. */
static bool is_nick(struct stoa_string nick) {
  size_t chars = 0;
  bool blank = true;
  for (size_t i = 0; i < nick.len; i++) {
    unsigned char byte = (unsigned char)nick.data[i];
    unsigned char next = i + 1 < nick.len ? (unsigned char)nick.data[i + 1] : 0;
    if (is_control(byte, next)) {
      return false;
    }
    if ((byte & 0xc0) != 0x80) {
      chars++;
    }
    blank = blank && byte == ' ';
  }
  return chars >= 1 && chars <= CHATROOM_NICK_CHARS_MAX && !blank;
}

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_chat_message *message) {
  const struct person *person = stoa_session_user(session);
  char now[TIME_TEXT_SIZE];
  (void)user;
  if (message->message.len == 0) {
    return stoa_session_error(session, CHATROOM_ERROR_TEXT_EMPTY, "TEXT_EMPTY", "a message needs a text");
  }
  /* What a client claims of sender and time is not used. */
  const struct chatroom_v1_chat_message said = {
      .message = message->message, .sender = {person->nick, person->nick_len}, .timestamp = time_text(wall_ms(), now)};
  if (chatroom_v1_chat_broadcast(stoa_session_server(session), &said) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "the message could not be sent");
  }
  return NULL;
}

static struct stoa_string session_id_text(struct stoa_session *session) {
  char *text = stoa_arena_alloc(stoa_session_arena(session), STOA_UUID_TEXT_LEN + 1);
  if (text == NULL) {
    return stoa_string_make(NULL, 0);
  }
  stoa_uuid_format(stoa_session_id(session), text);
  return stoa_string_of(text);
}

static const struct stoa_error *on_hello(void *user, struct stoa_session *session,
                                         const struct chatroom_v1_hello_request *request,
                                         struct chatroom_v1_hello_reply *reply) {
  struct person *person = stoa_session_user(session);
  (void)user;
  if (request->nick.len > 0) {
    if (!is_nick(request->nick)) {
      return stoa_session_error(session, CHATROOM_ERROR_NICK_INVALID, "NICK_INVALID",
                                "a name has 1 to 32 characters and no control characters");
    }
    set_nick(person, request->nick);
  }
  reply->session_id = session_id_text(session);
  reply->nick = stoa_string_make(person->nick, person->nick_len);
  reply->server = stoa_string_of("stoa-chatroom/" STOA_VERSION);
  reply->server_ms = wall_ms();
  reply->message_bytes_max = (uint32_t)stoa_server_message_bytes_max(stoa_session_server(session));
  return NULL;
}

static bool on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                       struct stoa_refusal *out_refusal) {
  (void)request;
  struct person *person = calloc(1, sizeof *person);
  if (person == NULL) {
    *out_refusal = (struct stoa_refusal){STOA_CLOSE_INTERNAL, "out of memory"};
    return false;
  }
  name_guest(user, person);
  stoa_session_set_user(session, person);
  return true;
}

static void on_disconnect(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  free(stoa_session_user(session));
}

int chatroom_setup(struct stoa_server *server, struct chatroom *room) {
  static const struct chatroom_v1_chatroom_service_handlers handlers = {.chat = on_chat, .hello = on_hello};
  const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_disconnect = on_disconnect, .user = room};
  stoa_server_callbacks(server, &callbacks);
  int status = stoa_server_ping_with(server, CHATROOM_V1_MESSAGE_TYPE_PING, &chatroom_v1_ping_message_type);
  return status == STOA_OK ? chatroom_v1_chatroom_service_register(server, &handlers, room) : status;
}
