#include "read.h"

#include "failure.h"
#include "handlers.h"
#include "person.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct reader *chatroom_reader(const struct chatroom *chatroom, struct stoa_session *session) {
  struct person *person = stoa_session_user(session);
  struct reader **reader = person_reader(person);
  if (*reader == NULL) {
    *reader = readers_take(chatroom->readers, person_user_id(person));
  }
  return *reader;
}

static void on_loaded(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  (void)context, (void)status, (void)retry_ms;
}

void chatroom_load_reader(const struct chatroom *chatroom, struct stoa_session *session) {
  struct reader *reader = chatroom_reader(chatroom, session);
  if (reader != NULL && !reader_is_loaded(reader)) {
    int ignored = reader_load(reader, on_loaded, NULL);
    (void)ignored;
  }
}

void chatroom_forget_reader(struct stoa_session *session) {
  struct reader **reader = person_reader(stoa_session_user(session));
  if (*reader != NULL) {
    reader_end_session(*reader);
    *reader = NULL;
  }
}

/* Without memory they learn it at the next Join. */
static void tell(const struct chatroom *chatroom, struct stoa_server *server, struct stoa_string user_id,
                 const struct stoa_uuid *except, const struct chatroom_v1_read_message *message) {
  struct user_session *sessions = NULL;
  size_t count = 0;
  int ignored = user_sessions_list(chatroom->people->sessions, user_id, &sessions, &count);
  for (size_t i = 0; i < count; i++) {
    if (memcmp(&sessions[i].id, except, sizeof *except) != 0) {
      ignored = chatroom_v1_read_send(server, &sessions[i].id, message);
    }
  }
  (void)ignored; /* a session that has ended, or is too slow, needs none */
  free(sessions);
}

void chatroom_read_own(const struct chatroom *chatroom, struct stoa_server *server, const struct read_own *own) {
  if (reader_move(own->reader, own->room, &own->mark)) {
    const struct chatroom_v1_read_message message = {.room = own->room, .offset = own->mark.position.offset};
    tell(chatroom, server, own->user_id, own->except, &message);
  }
}

/* The message. */

struct reading {
  const struct chatroom *chatroom;
  struct stoa_server *server;
  struct reader *reader; /* counted */
  struct stoa_uuid session_id;
  struct stoa_string room, user_id; /* in `bytes` */
  char bytes[STOA_ROOM_NAME_LEN_MAX + NICKS_USER_ID_BYTES_MAX];
};

static void end(struct reading *reading) {
  reader_release(reading->reader);
  free(reading);
}

/* An offset above the top counts as the top. What cannot be looked up is not moved; the next Read does it. */
static void on_ordinal(void *context, const struct stoa_room_answer *answer) {
  struct reading *reading = context;
  const struct read_mark mark = {answer->position, answer->ordinal};
  if (answer->status == STOA_ROOM_OK && mark.position.epoch != 0 && mark.position.offset != 0 &&
      reader_move(reading->reader, reading->room, &mark)) {
    const struct chatroom_v1_read_message message = {.room = reading->room,
                                                     .offset = mark.position.offset,
                                                     .unread = (uint32_t)(answer->top_ordinal - answer->ordinal)};
    tell(reading->chatroom, reading->server, reading->user_id, &reading->session_id, &message);
  }
  end(reading);
}

static struct reading *create(const struct chatroom *chatroom, struct stoa_session *session, struct stoa_string room) {
  struct reading *reading = calloc(1, sizeof *reading);
  struct reader *reader = reading == NULL ? NULL : chatroom_reader(chatroom, session);
  if (reader == NULL) {
    free(reading);
    return NULL;
  }
  struct stoa_string user_id = person_user_id(stoa_session_user(session));
  char *at = reading->bytes;
  reading->chatroom = chatroom;
  reading->server = stoa_session_server(session);
  reading->reader = reader_ref(reader);
  reading->session_id = *stoa_session_id(session);
  reading->room = chatroom_put(&at, room);
  reading->user_id = chatroom_put(&at, user_id);
  return reading;
}

const struct stoa_error *chatroom_on_read(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_read_message *message) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, message->room);
  const struct stoa_error *error = chatroom_check_member(chatroom, session, room);
  if (error != NULL) {
    return error;
  }
  if (message->offset == 0 || message->offset >= INT64_MAX) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "NO_SUCH_MESSAGE", "no message has this offset");
  }
  struct reading *reading = create(chatroom, session, room);
  if (reading == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  const struct stoa_room_position position = {0, message->offset};
  int status = stoa_room_ordinal(chatroom->rooms, room, &position, on_ordinal, reading);
  if (status != STOA_OK) {
    end(reading);
    return chatroom_error_later(session, STOA_ERROR_RATE, "BUSY", "too much is being read", 200);
  }
  return NULL;
}
