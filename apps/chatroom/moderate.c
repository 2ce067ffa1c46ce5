/* Moderate: end a user's sessions in a room, and say what the user may not do there. */
#include "handlers.h"
#include "join.h"
#include "person.h"
#include "room_change.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <stoa/worker.h>
#include <string.h>

struct moderation {
  struct room_change change; /* first */
  int32_t action;
  uint32_t seconds;
  enum chatroom_v1_role by_role;
  struct stoa_string user_id, reason, by_id, by_nick; /* in `bytes` */
  char bytes[];
};

/* Ending sessions. */

struct expulsion {
  const struct chatroom *chatroom;
  uint32_t code;
  struct stoa_string room, reason;
  char bytes[];
};

static void on_session(void *context, struct stoa_session *session, int status) {
  struct expulsion *expulsion = context;
  if (status == STOA_OK) {
    chatroom_expel(expulsion->chatroom, session, expulsion->room, expulsion->code, expulsion->reason);
  }
  free(expulsion);
}

static int expel_one(const struct moderation *moderation, const struct stoa_uuid *id, uint32_t code) {
  struct stoa_string room = room_change_room(&moderation->change);
  struct expulsion *expulsion = calloc(1, sizeof *expulsion + room.len + moderation->reason.len);
  if (expulsion == NULL) {
    return STOA_E_MEMORY;
  }
  expulsion->chatroom = moderation->change.chatroom;
  expulsion->code = code;
  memcpy(expulsion->bytes, room.data, room.len);
  memcpy(expulsion->bytes + room.len, moderation->reason.data, moderation->reason.len);
  expulsion->room = stoa_string_make(expulsion->bytes, room.len);
  expulsion->reason = stoa_string_make(expulsion->bytes + room.len, moderation->reason.len);
  int status = stoa_worker_run_for(moderation->change.server, id, on_session, expulsion);
  if (status != STOA_OK) {
    free(expulsion);
  }
  return status;
}

/* False: not all of them, the call can be made again. */
static bool expel(const struct moderation *moderation, uint32_t code) {
  struct user_session *sessions;
  size_t count;
  int status =
      user_sessions_list(moderation->change.chatroom->people->sessions, moderation->user_id, &sessions, &count);
  if (status != STOA_OK) {
    return false;
  }
  for (size_t i = 0; i < count && status == STOA_OK; i++) {
    status = expel_one(moderation, &sessions[i].id, code);
  }
  free(sessions);
  return status == STOA_OK || status == STOA_E_CLOSED;
}

/* The end. */

static void finish(struct room_change *change) {
  struct moderation *moderation = (struct moderation *)change;
  bool is_ban = moderation->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN;
  bool is_kick = moderation->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK;
  static const char *const names[] = {[CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK] = "kick",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE] = "mute",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE] = "unmute",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN] = "ban",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN] = "unban"};
  stoa_log(STOA_LOG_INFO, "moderated", STOA_F_STR("action", names[moderation->action]),
           STOA_F_TEXT("room", room_change_room(change)), STOA_F_TEXT("user", moderation->user_id),
           STOA_F_TEXT("by", moderation->by_id), STOA_F_TEXT("by_nick", moderation->by_nick),
           STOA_F_INT("seconds", moderation->seconds), STOA_F_TEXT("reason", moderation->reason));
  if ((is_ban || is_kick) && !expel(moderation, is_ban ? CHATROOM_ERROR_BANNED : CHATROOM_ERROR_DENIED)) {
    room_change_fail(change, STOA_ROOM_BUSY, 0);
    return;
  }
  const struct chatroom_v1_moderate_reply reply = {0};
  int ignored = chatroom_v1_chatroom_service_moderate_reply(change->call, &reply);
  (void)ignored; /* the session may have ended; it is done all the same */
  room_change_end(change);
}

/* What is stored. */

/* Of the guest's session that is there; empty: there is none, or the user is no guest. */
static void find_address(const struct moderation *moderation, char out_address[USER_ADDRESS_LEN_MAX + 1]) {
  struct user_session *sessions = NULL;
  size_t count = 0;
  out_address[0] = '\0';
  int ignored =
      user_sessions_list(moderation->change.chatroom->people->sessions, moderation->user_id, &sessions, &count);
  (void)ignored; /* without memory the user is banned, and the address is not */
  for (size_t i = 0; i < count; i++) {
    if (sessions[i].is_guest && sessions[i].address[0] != '\0') {
      memcpy(out_address, sessions[i].address, sizeof sessions[i].address);
    }
  }
  free(sessions);
}

static void set(struct moderation *moderation, enum sanction_kind kind) {
  char address[USER_ADDRESS_LEN_MAX + 1] = "";
  char text[SANCTION_VALUE_BYTES_MAX], key[SANCTION_KEY_BYTES_MAX], address_key[SANCTION_KEY_BYTES_MAX];
  if (kind == SANCTION_BAN) {
    find_address(moderation, address);
  }
  int64_t until_ms = room_change_now_ms(&moderation->change) + INT64_C(1000) * moderation->seconds;
  const struct sanction sanction = {.until_ms = moderation->seconds == 0 ? SANCTION_FOREVER_MS : until_ms,
                                    .by_role = moderation->by_role,
                                    .user_id = moderation->user_id,
                                    .address = stoa_string_of(address),
                                    .reason = moderation->reason};
  struct stoa_string value = sanction_write(&sanction, text);
  const struct rules_value values[] = {
      {sanction_key(kind, moderation->user_id, key), value},
      {sanction_key(SANCTION_BAN_ADDRESS, stoa_string_of(address), address_key), value}};
  room_change_write(&moderation->change, values, address[0] == '\0' ? 1 : 2, finish);
}

static void take_back(struct moderation *moderation, enum sanction_kind kind) {
  static const struct stoa_string nothing = {NULL, 0};
  char address[USER_ADDRESS_LEN_MAX + 1] = "";
  char key[SANCTION_KEY_BYTES_MAX], address_key[SANCTION_KEY_BYTES_MAX];
  if (kind == SANCTION_BAN) {
    rules_banned_address(moderation->change.rules, moderation->user_id, room_change_now_ms(&moderation->change),
                         address);
  }
  const struct rules_value values[] = {
      {sanction_key(kind, moderation->user_id, key), nothing},
      {sanction_key(SANCTION_BAN_ADDRESS, stoa_string_of(address), address_key), nothing}};
  room_change_write(&moderation->change, values, address[0] == '\0' ? 1 : 2, finish);
}

static void begin(struct room_change *change) {
  struct moderation *moderation = (struct moderation *)change;
  switch (moderation->action) {
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE:
      set(moderation, SANCTION_MUTE);
      break;
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE:
      take_back(moderation, SANCTION_MUTE);
      break;
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN:
      set(moderation, SANCTION_BAN);
      break;
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN:
      take_back(moderation, SANCTION_BAN);
      break;
    default:
      assert(moderation->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK);
      finish(change);
      break;
  }
}

/* The call. */

static const struct stoa_error *check_request(struct stoa_session *session,
                                              const struct chatroom_v1_moderate_request *request) {
  if (request->action < CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK ||
      request->action > CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "there is no such action");
  }
  if (request->user_id.len == 0 || request->user_id.len > NICKS_USER_ID_BYTES_MAX ||
      chatroom_has_control(request->user_id)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "a user id has 1 to 128 bytes without control characters");
  }
  if (request->reason.len > SANCTION_REASON_BYTES_MAX || chatroom_has_control(request->reason)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "a reason has at most 256 bytes without control characters");
  }
  return NULL;
}

/* Those above and beside are out of reach, but not for administrators. Of who is not there, the role is not known: what
 * is set for such a user does not count when the role is too high (sanction_binds()). */
static const struct stoa_error *check_target(const struct chatroom *chatroom, struct stoa_session *session,
                                             struct stoa_string user_id) {
  enum chatroom_v1_role role = person_role(stoa_session_user(session));
  struct user_session *sessions;
  size_t count;
  if (user_sessions_list(chatroom->people->sessions, user_id, &sessions, &count) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  bool is_above = role == CHATROOM_V1_ROLE_ADMIN;
  bool is_fine = true;
  for (size_t i = 0; i < count; i++) {
    is_fine = is_fine && (is_above || sessions[i].role < role);
  }
  free(sessions);
  return is_fine ? NULL
                 : stoa_session_error(session, CHATROOM_ERROR_DENIED, "PERMISSION_DENIED",
                                      "this user's role is not below yours");
}

static struct moderation *create(struct chatroom *chatroom, const struct stoa_session *session,
                                 const struct chatroom_v1_moderate_request *request) {
  const struct person *person = stoa_session_user(session);
  struct stoa_string id = person_user_id(person);
  struct stoa_string nick = person_nick(person);
  struct moderation *moderation =
      calloc(1, sizeof *moderation + id.len + nick.len + request->user_id.len + request->reason.len);
  if (moderation == NULL) {
    return NULL;
  }
  char *at = moderation->bytes;
  moderation->change.chatroom = chatroom;
  moderation->change.begin = begin;
  moderation->action = request->action;
  moderation->seconds = request->seconds;
  moderation->by_role = person_role(person);
  moderation->by_id = chatroom_put(&at, id);
  moderation->by_nick = chatroom_put(&at, nick);
  moderation->user_id = chatroom_put(&at, request->user_id);
  moderation->reason = chatroom_put(&at, request->reason);
  return moderation;
}

const struct stoa_error *chatroom_on_moderate(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_moderate_request *request,
                                              struct chatroom_v1_moderate_reply *reply) {
  struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, request->room);
  const struct stoa_error *error = check_request(session, request);
  (void)reply;
  error = error == NULL ? room_change_check(session, room) : error;
  error = error == NULL ? check_target(chatroom, session, request->user_id) : error;
  if (error != NULL) {
    return error;
  }
  struct moderation *moderation = create(chatroom, session, request);
  if (moderation == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  return room_change_start(&moderation->change, session, room);
}
