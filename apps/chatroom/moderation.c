#include "moderation.h"

#include "join.h"
#include "member.h"
#include "person.h"
#include "room_change.h"
#include "text.h"
#include "tour.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <stoa/worker.h>
#include <string.h>

struct moderation;

struct closing {
  struct tour tour; /* first */
  struct moderation *moderation;
};

struct moderation {
  struct room_change change;         /* first */
  struct closing closing;            /* of a ban from the server */
  struct moderation_request request; /* its texts are in `bytes` */
  uint32_t closed;                   /* sessions */
  char bytes[];
};

/* Ending sessions of a room. */

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
  struct expulsion *expulsion = calloc(1, sizeof *expulsion + room.len + moderation->request.reason.len);
  if (expulsion == NULL) {
    return STOA_E_MEMORY;
  }
  expulsion->chatroom = moderation->change.chatroom;
  expulsion->code = code;
  memcpy(expulsion->bytes, room.data, room.len);
  memcpy(expulsion->bytes + room.len, moderation->request.reason.data, moderation->request.reason.len);
  expulsion->room = stoa_string_make(expulsion->bytes, room.len);
  expulsion->reason = stoa_string_make(expulsion->bytes + room.len, moderation->request.reason.len);
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
      user_sessions_list(moderation->change.chatroom->people->sessions, moderation->request.user_id, &sessions, &count);
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

static void log_it(const struct moderation *moderation) {
  static const char *const names[] = {[CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK] = "kick",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE] = "mute",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE] = "unmute",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN] = "ban",
                                      [CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN] = "unban"};
  const struct moderation_request *request = &moderation->request;
  stoa_log(STOA_LOG_INFO, "moderated", STOA_F_STR("action", names[request->action]),
           STOA_F_TEXT("room", room_change_room(&moderation->change)), STOA_F_TEXT("user", request->user_id),
           STOA_F_TEXT("address", request->address), STOA_F_TEXT("by", request->by_id),
           STOA_F_TEXT("by_nick", request->by_nick), STOA_F_INT("seconds", request->seconds),
           STOA_F_TEXT("reason", request->reason));
}

static void answer(struct moderation *moderation) {
  int ignored = moderation->request.reply(moderation->change.call, moderation->closed);
  (void)ignored; /* the session may have ended; it is done all the same */
  room_change_end(&moderation->change);
}

/* The ban is in force, so whoever says Hello from now on is refused. */
static bool close_if_banned(void *context, struct stoa_session *session) {
  struct moderation *moderation = ((struct closing *)context)->moderation;
  if (person_is_known(stoa_session_user(session))) {
    const struct rules_subject subject = member_subject(session);
    if (rules_banned_until(moderation->change.rules, &subject, room_change_now_ms(&moderation->change)) != 0) {
      stoa_session_close(session, STOA_CLOSE_KICKED, "banned from this server");
      moderation->closed++;
    }
  }
  return true;
}

static void on_toured(struct tour *tour, int status) {
  struct moderation *moderation = ((struct closing *)tour)->moderation;
  if (status == STOA_OK) {
    answer(moderation);
  } else {
    room_change_fail(&moderation->change, status == STOA_E_CLOSED ? STOA_ROOM_CLOSED : STOA_ROOM_BUSY, 0);
  }
}

static void finish_in_server(struct moderation *moderation) {
  if (moderation->request.action == CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN) {
    answer(moderation);
    return;
  }
  struct tour *tour = &moderation->closing.tour;
  *tour = (struct tour){.server = moderation->change.server, .visit = close_if_banned, .on_end = on_toured};
  moderation->closing.moderation = moderation;
  int status = tour_begin(tour);
  if (status != STOA_OK) {
    on_toured(tour, status);
  }
}

static void finish(struct room_change *change) {
  struct moderation *moderation = (struct moderation *)change;
  bool is_ban = moderation->request.action == CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN;
  bool is_kick = moderation->request.action == CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK;
  log_it(moderation);
  if (change->room_len == 0) {
    finish_in_server(moderation);
  } else if ((is_ban || is_kick) && !expel(moderation, is_ban ? CHATROOM_ERROR_BANNED : CHATROOM_ERROR_DENIED)) {
    room_change_fail(change, STOA_ROOM_BUSY, 0);
  } else {
    answer(moderation);
  }
}

/* What is stored. */

struct values {
  char key[SANCTION_KEY_BYTES_MAX], address_key[SANCTION_KEY_BYTES_MAX];
  struct rules_value values[2];
};

/* Of the guest's session that is there; else it stays empty. */
static void find_address(const struct moderation *moderation, char out_address[USER_ADDRESS_LEN_MAX + 1]) {
  struct user_session *sessions = NULL;
  size_t count = 0;
  int ignored =
      user_sessions_list(moderation->change.chatroom->people->sessions, moderation->request.user_id, &sessions, &count);
  (void)ignored; /* without memory the user is banned, and the address is not */
  for (size_t i = 0; i < count; i++) {
    if (sessions[i].is_guest && sessions[i].address[0] != '\0') {
      memcpy(out_address, sessions[i].address, sizeof sessions[i].address);
    }
  }
  free(sessions);
}

/* The values of user and address, as many as there are. */
static size_t name_values(const struct moderation *moderation, enum sanction_kind kind, const char *address,
                          struct stoa_string value, struct values *out) {
  struct stoa_string user_id = moderation->request.user_id;
  size_t count = 0;
  if (user_id.len > 0) {
    out->values[count++] = (struct rules_value){sanction_key(kind, user_id, out->key), value};
  }
  if (address[0] != '\0') {
    out->values[count++] =
        (struct rules_value){sanction_key(SANCTION_BAN_ADDRESS, stoa_string_of(address), out->address_key), value};
  }
  assert(count > 0);
  return count;
}

static void copy_address(const struct moderation *moderation, char out_address[USER_ADDRESS_LEN_MAX + 1]) {
  struct stoa_string address = moderation->request.address;
  assert(address.len <= USER_ADDRESS_LEN_MAX);
  if (address.len > 0) {
    memcpy(out_address, address.data, address.len);
  }
  out_address[address.len] = '\0';
}

static void set(struct moderation *moderation, enum sanction_kind kind) {
  char address[USER_ADDRESS_LEN_MAX + 1];
  char text[SANCTION_VALUE_BYTES_MAX];
  struct values values;
  copy_address(moderation, address);
  if (kind == SANCTION_BAN && moderation->request.user_id.len > 0) {
    find_address(moderation, address);
  }
  int64_t until_ms = room_change_now_ms(&moderation->change) + INT64_C(1000) * moderation->request.seconds;
  const struct sanction sanction = {.until_ms = moderation->request.seconds == 0 ? SANCTION_FOREVER_MS : until_ms,
                                    .by_role = moderation->request.by_role,
                                    .user_id = moderation->request.user_id,
                                    .address = stoa_string_of(address),
                                    .reason = moderation->request.reason};
  size_t count = name_values(moderation, kind, address, sanction_write(&sanction, text), &values);
  room_change_write(&moderation->change, values.values, count, finish);
}

/* A user's ban goes last, so that an unban that was cut short can be repeated. */
struct removal {
  char addresses[RULES_VALUES_MAX - 1][USER_ADDRESS_LEN_MAX + 1];
  char keys[RULES_VALUES_MAX][SANCTION_KEY_BYTES_MAX];
  struct rules_value values[RULES_VALUES_MAX];
  size_t count;
};

static void remove_key(struct removal *removal, enum sanction_kind kind, struct stoa_string subject) {
  assert(removal->count < RULES_VALUES_MAX);
  struct stoa_string key = sanction_key(kind, subject, removal->keys[removal->count]);
  removal->values[removal->count++] = (struct rules_value){key, {NULL, 0}};
}

/* The bans of addresses that came with the user's, as many as one call can remove. Returns whether there may be more.
 */
static bool remove_addresses(const struct moderation *moderation, struct removal *removal) {
  size_t count =
      rules_banned_addresses(moderation->change.rules, moderation->request.user_id,
                             room_change_now_ms(&moderation->change), removal->addresses, RULES_VALUES_MAX - 1);
  for (size_t i = 0; i < count; i++) {
    remove_key(removal, SANCTION_BAN_ADDRESS, stoa_string_of(removal->addresses[i]));
  }
  return count == RULES_VALUES_MAX - 1;
}

static void take_back_ban(struct room_change *change) {
  const struct moderation *moderation = (const struct moderation *)change;
  struct removal removal = {.count = 0};
  bool has_more = false;
  if (moderation->request.user_id.len > 0) {
    has_more = remove_addresses(moderation, &removal);
    if (!has_more) {
      remove_key(&removal, SANCTION_BAN, moderation->request.user_id);
    }
  } else {
    remove_key(&removal, SANCTION_BAN_ADDRESS, moderation->request.address);
  }
  room_change_write(change, removal.values, removal.count, has_more ? take_back_ban : finish);
}

static void take_back_mute(struct moderation *moderation) {
  struct removal removal = {.count = 0};
  remove_key(&removal, SANCTION_MUTE, moderation->request.user_id);
  room_change_write(&moderation->change, removal.values, removal.count, finish);
}

static void begin(struct room_change *change) {
  struct moderation *moderation = (struct moderation *)change;
  switch (moderation->request.action) {
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE:
      set(moderation, SANCTION_MUTE);
      break;
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE:
      take_back_mute(moderation);
      break;
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN:
      set(moderation, SANCTION_BAN);
      break;
    case CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN:
      take_back_ban(change);
      break;
    default:
      assert(moderation->request.action == CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK);
      finish(change);
      break;
  }
}

/* The call. */

const char *moderation_fault(const struct moderation_request *request) {
  if (request->action < CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK ||
      request->action > CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN) {
    return "there is no such action";
  }
  bool has_address = request->room.len == 0 && request->address.len > 0;
  if ((request->user_id.len == 0 && !has_address) || request->user_id.len > NICKS_USER_ID_BYTES_MAX ||
      chatroom_has_control(request->user_id)) {
    return "a user id has 1 to 128 bytes without control characters";
  }
  if (request->reason.len > SANCTION_REASON_BYTES_MAX || chatroom_has_control(request->reason)) {
    return "a reason has at most 256 bytes without control characters";
  }
  return NULL;
}

static struct moderation *create(struct chatroom *chatroom, const struct moderation_request *request) {
  struct moderation *moderation = calloc(1, sizeof *moderation + request->user_id.len + request->address.len +
                                                request->reason.len + request->by_id.len + request->by_nick.len);
  if (moderation == NULL) {
    return NULL;
  }
  char *at = moderation->bytes;
  moderation->change.chatroom = chatroom;
  moderation->change.begin = begin;
  moderation->change.is_http = request->is_http;
  /* A room that is empty again may have bans; its moderators come back to it, operators do not. */
  moderation->change.may_make_room =
      request->is_http && (request->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE ||
                           request->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN);
  moderation->request = *request;
  moderation->request.room = (struct stoa_string){NULL, 0}; /* room_change_room() */
  moderation->request.user_id = chatroom_put(&at, request->user_id);
  moderation->request.address = chatroom_put(&at, request->address);
  moderation->request.reason = chatroom_put(&at, request->reason);
  moderation->request.by_id = chatroom_put(&at, request->by_id);
  moderation->request.by_nick = chatroom_put(&at, request->by_nick);
  return moderation;
}

const struct stoa_error *moderation_start(struct chatroom *chatroom, struct stoa_session *session,
                                          const struct moderation_request *request) {
  assert(moderation_fault(request) == NULL);
  struct moderation *moderation = create(chatroom, request);
  if (moderation == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  return room_change_start(&moderation->change, session, request->room);
}
