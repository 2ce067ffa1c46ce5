#include "chat/link.h"

#include <assert.h>
#include <chatroom/v1/chatroom.client.stoa.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stoa/session.h>
#include <stoa/version.h>

#include "../now.h"
#include "chat/link_private.h"
#include "chat/text.h"

#define IN_FLIGHT_MAX 16u
#define RETRY_MS 1000
#define TOKEN_LEN_MAX 8192

void chat_link_change(struct chat_link *link) {
  link->events->on_change(link->events->user);
}

static void enter(struct chat_link *link, enum chat_link_state state) {
  link->state = state;
  chat_link_change(link);
}

void chat_link_notice(struct chat_link *link, const char *format, ...) {
  char text[1024];
  struct stoa_buffer clean;
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  stoa_buffer_init(&clean, sizeof text * 8);
  if (chat_text_append(&clean, stoa_string_of(text), CHAT_TEXT_ONE_LINE) == STOA_OK &&
      stoa_buffer_append(&clean, "", 1) == STOA_OK) {
    link->events->on_notice(link->events->user, (const char *)clean.data);
  }
  stoa_buffer_fini(&clean);
}

/* Why a call has no reply. */
void chat_link_report(struct chat_link *link, const char *what, const struct stoa_call_end *end) {
  const struct stoa_error *error = end->error;
  if (end->result == STOA_CALL_ERROR && error->message.len > 0) {
    chat_link_notice(link, "%s: %.*s", what, (int)error->message.len, error->message.data);
  } else if (end->result == STOA_CALL_ERROR) {
    chat_link_notice(link, "%s: error %u %.*s", what, error->code, (int)error->reason.len, error->reason.data);
  } else {
    chat_link_notice(link, "%s: no answer", what);
  }
}

void chat_link_report_status(struct chat_link *link, const char *what, int status) {
  if (status == STOA_E_CLOSED) {
    chat_link_notice(link, "%s: there is no connection", what);
  } else if (status != STOA_OK) {
    chat_link_notice(link, "%s: %s", what, stoa_status_text(status));
  }
}

bool chat_copy_text(char *to, size_t size, struct stoa_string text) {
  size_t len = text.len < size ? text.len : size - 1;
  if (len > 0) {
    memcpy(to, text.data, len);
  }
  to[len] = '\0';
  return len == text.len;
}

/* ---- the outbox ---- */

static void outbox_remove(struct chat_link *link, struct chat_outgoing *gone) {
  struct chat_outgoing *before = NULL;
  for (struct chat_outgoing *own = link->first; own != gone; own = own->next) {
    before = own;
  }
  if (before == NULL) {
    link->first = gone->next;
  } else {
    before->next = gone->next;
  }
  link->last = link->last == gone ? before : link->last;
  link->outgoing_count--;
  free(gone->text);
  free(gone);
}

static void on_sent(void *user, struct stoa_client *client, const struct chatroom_v1_chat_ack *reply,
                    const struct stoa_call_end *end);

static bool send_one(struct chat_link *link, struct chat_outgoing *own) {
  const struct chatroom_v1_chat_message message = {.message = stoa_string_of(own->text),
                                                   .room = stoa_string_of(link->room_name),
                                                   .client_msg_id = stoa_string_of(own->id),
                                                   .reply_to = own->reply_to};
  int status = chatroom_v1_chatroom_service_client_call_chat(link->client, &message, CHAT_CALL_MS, on_sent, own, NULL);
  if (status != STOA_OK) {
    link->retry_at_ms = tool_now_ms() + RETRY_MS;
    return false;
  }
  own->is_in_flight = true;
  link->in_flight_count++;
  return true;
}

/* After a failure nothing is sent before all answers have come: the server lets what follows a failed message fail too,
 * so that the order stays. */
static void flush(struct chat_link *link) {
  if (link->state != CHAT_LINK_ONLINE ||
      (link->retry_at_ms != 0 && (link->in_flight_count > 0 || tool_now_ms() < link->retry_at_ms))) {
    return;
  }
  link->retry_at_ms = 0;
  struct chat_outgoing *own = link->first;
  while (own != NULL && link->in_flight_count < IN_FLIGHT_MAX) {
    struct chat_outgoing *next = own->next;
    if (!own->is_in_flight && !send_one(link, own)) {
      return;
    }
    own = next;
  }
}

static void on_sent(void *user, struct stoa_client *client, const struct chatroom_v1_chat_ack *reply,
                    const struct stoa_call_end *end) {
  struct chat_outgoing *own = user;
  struct chat_link *link = own->link;
  (void)client;
  assert(link->in_flight_count > 0);
  link->in_flight_count--;
  own->is_in_flight = false;
  if (reply != NULL) {
    outbox_remove(link, own);
  } else if (end->result == STOA_CALL_ERROR && !end->error->temporary) {
    chat_link_report(link, "not sent", end);
    link->events->on_refused(link->events->user, own->text);
    outbox_remove(link, own);
  } else {
    uint32_t retry_ms = end->result == STOA_CALL_ERROR ? end->error->retry_ms : 0;
    link->retry_at_ms = tool_now_ms() + (retry_ms > 0 ? retry_ms : RETRY_MS);
  }
  flush(link);
  chat_link_change(link);
}

bool chat_link_send(struct chat_link *link, const char *text, uint64_t reply_to) {
  struct stoa_uuid id;
  struct chat_outgoing *own = NULL;
  if (link->outgoing_count == CHAT_OUTBOX_MAX) {
    chat_link_notice(link, "not sent: %u messages wait already", CHAT_OUTBOX_MAX);
    return false;
  }
  if (stoa_uuid_make(&id) == STOA_OK) {
    own = calloc(1, sizeof *own);
  }
  char *copied = own == NULL ? NULL : strdup(text);
  if (copied == NULL) {
    free(own);
    chat_link_notice(link, "not sent: memory is out");
    return false;
  }
  own->link = link;
  own->text = copied;
  own->reply_to = reply_to;
  stoa_uuid_format(&id, own->id);
  if (link->last == NULL) {
    link->first = own;
  } else {
    link->last->next = own;
  }
  link->last = own;
  link->outgoing_count++;
  flush(link);
  chat_link_change(link);
  return true;
}

/* ---- hello and join ---- */

static void save_identity(struct chat_link *link) {
  char path[1100];
  if (link->options->identity_file == NULL || link->token == NULL) {
    return;
  }
  snprintf(path, sizeof path, "%s.new", link->options->identity_file);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  size_t len = strlen(link->token);
  bool is_written = fd >= 0 && write(fd, link->token, len) == (ssize_t)len;
  if (fd >= 0) {
    close(fd);
  }
  if (!is_written || rename(path, link->options->identity_file) != 0) {
    chat_link_notice(link, "who you are was not kept in %s: %s", link->options->identity_file, strerror(errno));
  }
}

/* A guest's token is who they are: with it they are the same user after a lost connection. */
void chat_link_keep_token(struct chat_link *link, struct stoa_string token) {
  char *own = token.len == 0 ? NULL : strndup(token.data, token.len);
  if (own != NULL) {
    free(link->token);
    link->token = own;
    save_identity(link);
  }
}

/* Errors: STOA_E_MEMORY */
static int load_identity(struct chat_link *link) {
  char text[TOKEN_LEN_MAX];
  if (link->options->token != NULL) {
    link->token = strdup(link->options->token);
    return link->token == NULL ? STOA_E_MEMORY : STOA_OK;
  }
  FILE *file = link->options->identity_file == NULL ? NULL : fopen(link->options->identity_file, "re");
  if (file == NULL) {
    return STOA_OK; /* a new guest */
  }
  size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = '\0';
  text[strcspn(text, " \r\n")] = '\0';
  link->token = strdup(text);
  return link->token == NULL ? STOA_E_MEMORY : STOA_OK;
}

static void tell_messages(struct chat_link *link) {
  for (size_t i = 0; i < link->room.message_count; i++) {
    link->events->on_message(link->events->user, link->room.messages[i]);
  }
}

static void on_joined(void *user, struct stoa_client *client, const struct chatroom_v1_join_reply *reply,
                      const struct stoa_call_end *end) {
  struct chat_link *link = user;
  (void)client;
  bool is_ours =
      reply == NULL || link->room_name[0] == '\0' || stoa_string_equal(reply->room, stoa_string_of(link->room_name));
  if (link->state != CHAT_LINK_JOINING || !is_ours) {
    return;
  }
  if (reply == NULL) {
    chat_link_report(link, "the room cannot be joined", end);
    if (end->result == STOA_CALL_ERROR) {
      enter(link, CHAT_LINK_OUTSIDE);
    }
    return;
  }
  bool is_first = !link->was_online;
  link->was_online = true;
  if (reply->was_recovering && !reply->recovered) {
    chat_link_notice(link, "some messages may be missing here");
  }
  if (!chat_room_joined(&link->room, reply)) {
    chat_link_notice(link, "memory is out: some messages are missing");
  }
  chat_copy_text(link->room_name, sizeof link->room_name, reply->room);
  chat_copy_text(link->topic, sizeof link->topic, reply->topic);
  if (is_first || !reply->recovered) {
    tell_messages(link);
  }
  enter(link, CHAT_LINK_ONLINE);
  flush(link);
}

void chat_link_enter_room(struct chat_link *link) {
  const struct chatroom_v1_place place = {.epoch = link->room.epoch, .offset = link->room.offset};
  const struct chatroom_v1_join_request request = {.room = stoa_string_of(link->room_name),
                                                   .recover = link->room.epoch == 0 ? NULL : &place,
                                                   .history = link->options->history,
                                                   .presence = true};
  enter(link, CHAT_LINK_JOINING);
  chat_link_report_status(
      link, "the room cannot be joined",
      chatroom_v1_chatroom_service_client_call_join(link->client, &request, CHAT_CALL_MS, on_joined, link, NULL));
}

static void on_hello(void *user, struct stoa_client *client, const struct chatroom_v1_hello_reply *reply,
                     const struct stoa_call_end *end) {
  struct chat_link *link = user;
  (void)client;
  if (link->state != CHAT_LINK_GREETING) {
    return;
  }
  if (reply == NULL) {
    chat_link_report(link, "hello", end);
    if (end->result == STOA_CALL_ERROR) {
      enter(link, CHAT_LINK_UNNAMED);
    }
    return;
  }
  chat_copy_text(link->nick, sizeof link->nick, reply->nick);
  if (!chat_room_set_user(&link->room, reply->user_id)) {
    chat_link_notice(link, "memory is out");
  }
  if (link->room_name[0] == '\0') {
    chat_copy_text(link->room_name, sizeof link->room_name, reply->default_room);
  }
  chat_link_keep_token(link, reply->guest_token);
  chat_link_enter_room(link);
}

void chat_link_greet(struct chat_link *link, const char *nick) {
  const struct chatroom_v1_hello_request request = {.nick = stoa_string_of(nick),
                                                    .token = stoa_string_of(link->token),
                                                    .client = STOA_STR("terminal"),
                                                    .version = STOA_STR(STOA_VERSION)};
  enter(link, CHAT_LINK_GREETING);
  chat_link_report_status(
      link, "hello",
      chatroom_v1_chatroom_service_client_call_hello(link->client, &request, CHAT_CALL_MS, on_hello, link, NULL));
}

/* ---- what the server pushes ---- */

static void on_chat(void *user, struct stoa_client *client, const struct chatroom_v1_chat_message *message) {
  struct chat_link *link = user;
  (void)client;
  if (!stoa_string_equal(message->room, stoa_string_of(link->room_name))) {
    return;
  }
  for (struct chat_outgoing *own = link->first; own != NULL; own = own->next) {
    bool is_ours = stoa_string_equal(message->client_msg_id, stoa_string_of(own->id));
    own->is_shown = own->is_shown || is_ours;
  }
  bool is_known = chat_room_find(&link->room, message->offset) != NULL;
  if (!chat_room_add(&link->room, message)) {
    chat_link_notice(link, "memory is out: a message is missing");
  }
  const struct chat_message *own = chat_room_find(&link->room, message->offset);
  if (own != NULL && !is_known) {
    link->events->on_message(link->events->user, own);
  }
  chat_link_change(link);
}

static void on_event(void *user, struct stoa_client *client, const struct chatroom_v1_event_message *event) {
  struct chat_link *link = user;
  (void)client;
  if (!stoa_string_equal(event->room, stoa_string_of(link->room_name))) {
    return;
  }
  if (event->kind == CHATROOM_V1_EVENT_KIND_EVENT_TOPIC) {
    chat_copy_text(link->topic, sizeof link->topic, event->text);
  }
  if (!chat_room_apply(&link->room, event)) {
    chat_link_notice(link, "memory is out: a change is missing");
  }
  chat_link_change(link);
}

static void on_people(void *user, struct stoa_client *client, const struct chatroom_v1_presence_diff_message *diff) {
  struct chat_link *link = user;
  (void)client;
  if (stoa_string_equal(diff->room, stoa_string_of(link->room_name)) && !chat_room_apply_people(&link->room, diff)) {
    chat_link_notice(link, "memory is out: the list of people is not complete");
  }
  chat_link_change(link);
}

static void on_typing(void *user, struct stoa_client *client, const struct chatroom_v1_typing_message *typing) {
  struct chat_link *link = user;
  (void)client;
  if (stoa_string_equal(typing->room, stoa_string_of(link->room_name))) {
    chat_room_note_typing(&link->room, typing, tool_now_ms());
    chat_link_change(link);
  }
}

static void on_left(void *user, struct stoa_client *client, const struct chatroom_v1_left_message *left) {
  struct chat_link *link = user;
  (void)client;
  if (stoa_string_equal(left->room, stoa_string_of(link->room_name))) {
    chat_link_notice(link, "you are no longer in this room: %.*s", (int)left->reason.len, left->reason.data);
    enter(link, CHAT_LINK_OUTSIDE);
  }
}

static void on_going_away(void *user, struct stoa_client *client, const struct chatroom_v1_going_away_message *going) {
  struct chat_link *link = user;
  (void)client;
  chat_link_notice(link, "the server goes away: %.*s", (int)going->reason.len, going->reason.data);
}

static void explain(const struct stoa_client_change *change_made, char *out, size_t size) {
  if (change_made->close_code != 0 && change_made->close_code != 1006) {
    snprintf(out, size, "closed with %u: %s", change_made->close_code, change_made->reason);
  } else if (change_made->http_status != 0) {
    snprintf(out, size, "refused with HTTP %u", change_made->http_status);
  } else if (change_made->reason[0] != '\0') {
    snprintf(out, size, "%s", change_made->reason);
  } else {
    snprintf(out, size, "%s", stoa_status_text(change_made->status));
  }
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *made) {
  struct chat_link *link = user;
  char why[sizeof link->ending];
  (void)client;
  switch (made->state) {
    case STOA_CLIENT_IDLE:
    case STOA_CLIENT_CLOSING:
      break;
    case STOA_CLIENT_CONNECTING:
      enter(link, CHAT_LINK_CONNECTING);
      break;
    case STOA_CLIENT_OPEN:
      chat_link_greet(link, link->nick);
      break;
    case STOA_CLIENT_WAITING:
      explain(made, why, sizeof why);
      chat_link_notice(link, "no connection (%s), trying again", why);
      link->wait_until_ms = tool_now_ms() + made->retry_ms;
      enter(link, CHAT_LINK_WAITING);
      break;
    case STOA_CLIENT_ENDED:
      explain(made, link->ending, sizeof link->ending);
      enter(link, CHAT_LINK_ENDED);
      break;
  }
}

/* A server that does not know typing or reading is fine. */
static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  (void)client, (void)type;
  if (error->code == STOA_ERROR_UNKNOWN_TYPE) {
    return;
  }
  chat_link_notice(user, "the server: %.*s", (int)error->message.len, error->message.data);
}

/* ---- the link ---- */

int chat_link_init(struct chat_link *link, const struct chat_link_options *options,
                   const struct chat_link_events *events) {
  static const struct chatroom_v1_chatroom_service_client_handlers handlers = {.chat = on_chat,
                                                                               .event = on_event,
                                                                               .presence_diff = on_people,
                                                                               .typing = on_typing,
                                                                               .left = on_left,
                                                                               .going_away = on_going_away};
  const struct stoa_client_options client = {
      .url = options->url, .ca_file = options->ca_file, .insecure = options->insecure, .compression = true};
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .on_error = on_error, .user = link};
  *link = (struct chat_link){.options = options, .events = events};
  chat_copy_text(link->nick, sizeof link->nick, stoa_string_of(options->nick));
  chat_copy_text(link->room_name, sizeof link->room_name, stoa_string_of(options->room));
  int status = load_identity(link);
  status = status == STOA_OK ? stoa_client_create(&client, &callbacks, &link->client) : status;
  if (status == STOA_OK) {
    status = chatroom_v1_chatroom_service_client_register(link->client, &handlers, link);
  }
  status = status == STOA_OK ? stoa_client_open(link->client) : status;
  if (status != STOA_OK) {
    chat_link_fini(link);
  }
  return status;
}

void chat_link_fini(struct chat_link *link) {
  stoa_client_destroy(link->client);
  link->client = NULL;
  while (link->first != NULL) {
    outbox_remove(link, link->first);
  }
  chat_room_fini(&link->room);
  free(link->token);
  link->token = NULL;
}

int chat_link_fd(const struct chat_link *link) {
  return stoa_client_fd(link->client);
}

int chat_link_wait_ms(const struct chat_link *link) {
  int wait_ms = stoa_client_wait_ms(link->client);
  if (link->retry_at_ms != 0 && link->state == CHAT_LINK_ONLINE && link->in_flight_count == 0) {
    int64_t left_ms = link->retry_at_ms - tool_now_ms();
    int own_ms = left_ms < 0 ? 0 : (int)left_ms;
    wait_ms = wait_ms < 0 || own_ms < wait_ms ? own_ms : wait_ms;
  }
  return wait_ms;
}

void chat_link_step(struct chat_link *link) {
  stoa_client_step(link->client, 0);
  flush(link);
}

void chat_link_close(struct chat_link *link) {
  stoa_client_close(link->client, 1000, NULL);
}

const char *chat_link_state_text(const struct chat_link *link) {
  switch (link->state) {
    case CHAT_LINK_CONNECTING:
      return "connecting";
    case CHAT_LINK_GREETING:
    case CHAT_LINK_JOINING:
      return "joining";
    case CHAT_LINK_UNNAMED:
      return "no name: /nick NAME";
    case CHAT_LINK_ONLINE:
      return "online";
    case CHAT_LINK_OUTSIDE:
      return "not in a room: /join ROOM";
    case CHAT_LINK_WAITING:
      return "offline";
    case CHAT_LINK_ENDED:
      return "ended";
  }
  return "";
}
