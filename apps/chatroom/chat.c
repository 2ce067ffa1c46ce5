/* Chat: store a message in a room. */
#include "activity.h"
#include "failure.h"
#include "handlers.h"
#include "join.h"
#include "member.h"
#include "person.h"
#include "read.h"
#include "text.h"
#include "visible.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/trace.h>

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

/* A message on its way into a room. */
struct sending {
  struct stoa_call *call;
  const struct chatroom *chatroom;
  struct stoa_server *server;
  struct room_rules *rules; /* counted */
  struct reader *reader;    /* counted; NULL for clients without a subprotocol */
  struct stoa_uuid session_id;
  struct stoa_string room, user_id; /* in `bytes` */
  struct stoa_string text;          /* the same, of a message that may name somebody; empty: it does not */
  char bytes[];
};

static struct sending *create(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room,
                              struct stoa_string text) {
  struct stoa_string user_id = person_user_id(stoa_session_user(session));
  struct stoa_string naming = stoa_string_make(text.data, memchr(text.data, '@', text.len) == NULL ? 0 : text.len);
  struct sending *sending = calloc(1, sizeof *sending + room.len + user_id.len + naming.len);
  const struct member *member = member_find(session, room);
  assert(member != NULL); /* member_check() has found it */
  if (sending == NULL) {
    return NULL;
  }
  sending->rules = rules_ref(member->rules);
  sending->chatroom = chatroom;
  sending->server = stoa_session_server(session);
  sending->session_id = *stoa_session_id(session);
  struct reader *reader = stoa_session_negotiated(session) ? chatroom_reader(chatroom, session) : NULL;
  sending->reader = reader == NULL ? NULL : reader_ref(reader);
  char *at = sending->bytes;
  sending->room = chatroom_put(&at, room);
  sending->user_id = chatroom_put(&at, user_id);
  sending->text = chatroom_put(&at, naming);
  return sending;
}

static void end(struct sending *sending) {
  rules_release(sending->rules);
  reader_release(sending->reader);
  free(sending);
}

static void fail(struct sending *sending, enum stoa_room_status status, uint32_t retry_ms) {
  rules_undo(sending->rules, sending->user_id);
  chatroom_fail(sending->call, status, retry_ms);
  end(sending);
}

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct sending *sending = context;
  if (answer->status != STOA_ROOM_OK && answer->status != STOA_ROOM_DUPLICATE) {
    fail(sending, answer->status, answer->retry_ms);
    return;
  }
  const struct chatroom_v1_chat_ack ack = {.offset = answer->position.offset,
                                           .epoch = answer->position.epoch,
                                           .ts_ms = answer->time_us / 1000,
                                           .duplicate = answer->status == STOA_ROOM_DUPLICATE};
  int ignored = chatroom_v1_chatroom_service_chat_reply(sending->call, &ack);
  (void)ignored; /* the session may have ended; the message is stored all the same */
  if (sending->reader != NULL && answer->status == STOA_ROOM_OK) {
    const struct read_own own = {.reader = sending->reader,
                                 .user_id = sending->user_id,
                                 .except = &sending->session_id,
                                 .room = sending->room,
                                 .mark = {answer->position, answer->ordinal}};
    chatroom_read_own(sending->chatroom, sending->server, &own);
  }
  if (answer->status == STOA_ROOM_OK) {
    activity_note(sending->chatroom->activity, sending->room, answer->position, answer->ordinal, sending->text);
  }
  end(sending);
}

/* Whatever else the client claims is not used; the stamp has it. */
static int publish(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room,
                   const struct chatroom_v1_chat_message *message, struct sending *sending) {
  const struct person *person = stoa_session_user(session);
  char traceparent[STOA_TRACEPARENT_LEN + 1];
  struct chatroom_v1_chat_message said = {
      .message = message->message, .sender = person_nick(person), .reply_to = message->reply_to};
  const struct stoa_trace_context *trace = stoa_span_context(stoa_session_span(session));
  /* Only for a sender who traces it, because it costs every member some bytes. It is the server's own place, so nothing
   * of the client's text is passed on. */
  if (message->has_traceparent && trace != NULL) {
    stoa_traceparent_format(trace, traceparent);
    said.has_traceparent = true;
    said.traceparent = stoa_string_of(traceparent);
  }
  const struct stoa_publish_options options = {
      .sender = person_user_id(person), .client_msg_id = message->client_msg_id, .session = session};
  return stoa_room_publish(chatroom->rooms, room, CHATROOM_V1_MESSAGE_TYPE_CHAT, &said, &options, on_stored, sending);
}

const struct stoa_error *chatroom_on_chat(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message,
                                          struct chatroom_v1_chat_ack *ack) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, message->room);
  const struct stoa_error *error = chatroom_check_text(session, message->message);
  (void)ack;
  if (error == NULL) {
    error = member_check(chatroom, session, room, true);
  }
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  *person_typed_ms(stoa_session_user(session)) = 0;
  struct sending *sending = create(chatroom, session, room, message->message);
  if (sending == NULL) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return STOA_LATER;
  }
  sending->call = call;
  int status = publish(chatroom, session, room, message, sending);
  if (status != STOA_OK) {
    fail(sending, chatroom_status_of(status, STOA_ROOM_TOO_BIG), 0);
  }
  return STOA_LATER;
}
