#include "room_change.h"

#include "failure.h"
#include "person.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/worker.h>
#include <string.h>

const struct stoa_error *room_change_check(struct stoa_session *session, struct stoa_string room) {
  const struct person *person = stoa_session_user(session);
  if (!chatroom_is_room_name(room)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "a room has 1 to 63 bytes without control characters");
  }
  if (person_role(person) < CHATROOM_V1_ROLE_MODERATOR) {
    return stoa_session_error(session, CHATROOM_ERROR_DENIED, "PERMISSION_DENIED", "this is for moderators");
  }
  if (!person_may_enter(person, room)) {
    return stoa_session_error(session, CHATROOM_ERROR_DENIED, "NOT_ALLOWED", "your token does not allow this room");
  }
  return NULL;
}

int64_t room_change_now_ms(const struct room_change *change) {
  return stoa_server_wall_ms(change->server);
}

void room_change_end(struct room_change *change) {
  rules_release(change->rules);
  free(change);
}

void room_change_fail(struct room_change *change, enum stoa_room_status status, uint32_t retry_ms) {
  if (change->is_http) {
    chatroom_fail_over_http(change->call, status, retry_ms);
  } else {
    chatroom_fail(change->call, status, retry_ms);
  }
  room_change_end(change);
}

void room_change_fail_with(struct room_change *change, uint32_t code, const char *reason, const char *message) {
  chatroom_fail_with(change->call, code, reason, message);
  room_change_end(change);
}

static void on_found(void *context, const struct stoa_room_answer *answer) {
  struct room_change *change = context;
  if (answer->status != STOA_ROOM_OK) {
    room_change_fail(change, answer->status, answer->retry_ms);
  } else if (answer->position.epoch == 0) {
    room_change_fail(change, STOA_ROOM_NOT_FOUND, 0);
  } else {
    change->begin(change);
  }
}

/* A room exists when it has a message, or somebody is in it. */
static void look_for_room(struct room_change *change) {
  struct stoa_string room = room_change_room(change);
  if (change->may_make_room || room.len == 0 || stoa_room_member_count(change->chatroom->rooms, room) > 0) {
    change->begin(change);
    return;
  }
  const struct stoa_room_position whichever = {0};
  int status = stoa_room_ordinal(change->chatroom->rooms, room, &whichever, on_found, change);
  if (status != STOA_OK) {
    room_change_fail(change, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

static void on_rules(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  struct room_change *change = context;
  if (status == STOA_ROOM_OK) {
    look_for_room(change);
  } else {
    room_change_fail(change, status, retry_ms);
  }
}

static void on_worker(void *context, int status) {
  struct room_change *change = context;
  if (status == STOA_OK && rules_are_loaded(change->rules)) {
    look_for_room(change);
    return;
  }
  if (status == STOA_OK) {
    status = rules_load(change->chatroom->rooms, change->rules, room_change_now_ms(change), on_rules, change);
  }
  if (status != STOA_OK) {
    room_change_fail(change, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

const struct stoa_error *room_change_start(struct room_change *change, struct stoa_session *session,
                                           struct stoa_string room) {
  const struct stoa_error *error = NULL;
  assert(room.len <= sizeof change->room);
  struct stoa_call *call = chatroom_take(session, &error);
  if (call == NULL) {
    free(change);
    return error;
  }
  change->call = call;
  change->server = stoa_session_server(session);
  change->room_len = room.len;
  if (room.len > 0) {
    memcpy(change->room, room.data, room.len);
  }
  change->rules = rules_take(change->chatroom->rules, room);
  int status = change->rules == NULL
                   ? STOA_E_MEMORY
                   : stoa_worker_run(change->server, rules_worker(change->chatroom->rules, room), on_worker, change);
  if (status != STOA_OK) {
    room_change_fail(change, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}

static void on_written(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  struct room_change *change = context;
  if (status == STOA_ROOM_OK) {
    change->then(change);
  } else {
    room_change_fail(change, status, retry_ms);
  }
}

void room_change_write(struct room_change *change, const struct rules_value *values, size_t count,
                       void (*then)(struct room_change *change)) {
  const struct rules_values all = {values, count, room_change_now_ms(change)};
  change->then = then;
  int status = rules_write(change->chatroom->rooms, change->rules, &all, on_written, change);
  if (status == STOA_E_LIMIT) {
    room_change_fail_with(change, STOA_ERROR_LIMIT, "TOO_MANY_BANS", "there are too many bans and mutes");
  } else if (status != STOA_OK) {
    room_change_fail(change, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}
