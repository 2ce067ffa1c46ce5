/* SetRoom: topic, slow mode and size of a room. */
#include "failure.h"
#include "handlers.h"
#include "person.h"
#include "room_change.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <string.h>

#define TOPIC_CHARS_MAX 250u

struct setting {
  struct room_change change; /* first */
  bool has_topic, has_slow_mode, has_members_max;
  uint32_t slow_mode_s, members_max;
  bool is_administrator;
  struct stoa_string topic, user_id, nick; /* in `bytes` */
  char bytes[];
};

static void finish(struct setting *setting) {
  const struct chatroom_v1_set_room_reply reply = {0};
  stoa_log(STOA_LOG_INFO, "room set", STOA_F_TEXT("room", room_change_room(&setting->change)),
           STOA_F_TEXT("by", setting->user_id));
  int ignored = chatroom_v1_chatroom_service_set_room_reply(setting->change.call, &reply);
  (void)ignored; /* the session may have ended; it is done all the same */
  room_change_end(&setting->change);
}

static void on_told(void *context, const struct stoa_room_answer *answer) {
  struct setting *setting = context;
  if (answer->status == STOA_ROOM_OK) {
    finish(setting);
  } else {
    room_change_fail(&setting->change, answer->status, answer->retry_ms);
  }
}

/* After it was stored: who joins now, and who is there, see the same. When this fails, the call can be made again. */
static void tell_topic(struct room_change *change) {
  struct setting *setting = (struct setting *)change;
  if (!setting->has_topic) {
    finish(setting);
    return;
  }
  const struct chatroom_v1_event_message event = {
      .kind = CHATROOM_V1_EVENT_KIND_EVENT_TOPIC, .text = setting->topic, .nick = setting->nick};
  const struct stoa_publish_options options = {.sender = setting->user_id,
                                               .is_administrator = setting->is_administrator};
  int status = stoa_room_publish(change->chatroom->rooms, room_change_room(change), CHATROOM_V1_MESSAGE_TYPE_EVENT,
                                 &event, &options, on_told, setting);
  if (status != STOA_OK) {
    room_change_fail(change, chatroom_status_of(status, STOA_ROOM_TOO_BIG), 0);
  }
}

/* 0 is what a room without the value has. */
static struct stoa_string number(uint32_t value, char out[16]) {
  int len = snprintf(out, 16, "%" PRIu32, value);
  return stoa_string_make(out, value == 0 ? 0 : (size_t)len);
}

static void begin(struct room_change *change) {
  struct setting *setting = (struct setting *)change;
  struct rules_value values[3];
  char slow[16], members[16];
  size_t count = 0;
  if (setting->has_slow_mode) {
    values[count++] = (struct rules_value){stoa_string_of("slow"), number(setting->slow_mode_s, slow)};
  }
  if (setting->has_members_max) {
    values[count++] = (struct rules_value){stoa_string_of("members_max"), number(setting->members_max, members)};
  }
  if (setting->has_topic) {
    values[count++] = (struct rules_value){stoa_string_of("topic"), setting->topic};
  }
  if (count == 0) {
    finish(setting);
  } else {
    room_change_write(change, values, count, tell_topic);
  }
}

/* The call. */

static const struct stoa_error *check_request(struct stoa_session *session,
                                              const struct chatroom_v1_set_room_request *request) {
  if (chatroom_count_chars(request->topic) > TOPIC_CHARS_MAX) {
    return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG",
                              "a topic has at most 250 characters");
  }
  if (chatroom_has_control(request->topic)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "a topic has no control characters");
  }
  if (request->slow_mode_s > RULES_SLOW_MODE_S_MAX) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "slow_mode_s is at most 86400");
  }
  return NULL;
}

static struct setting *create(struct chatroom *chatroom, const struct stoa_session *session,
                              const struct chatroom_v1_set_room_request *request) {
  const struct person *person = stoa_session_user(session);
  struct stoa_string id = person_user_id(person);
  struct stoa_string nick = person_nick(person);
  struct setting *setting = calloc(1, sizeof *setting + id.len + nick.len + request->topic.len);
  if (setting == NULL) {
    return NULL;
  }
  char *at = setting->bytes;
  setting->change.chatroom = chatroom;
  setting->change.begin = begin;
  setting->is_administrator = person_role(person) == CHATROOM_V1_ROLE_ADMIN;
  setting->change.may_make_room = setting->is_administrator;
  setting->has_topic = request->has_topic;
  setting->has_slow_mode = request->has_slow_mode_s;
  setting->has_members_max = request->has_members_max;
  setting->slow_mode_s = request->slow_mode_s;
  setting->members_max = request->members_max;
  setting->user_id = chatroom_put(&at, id);
  setting->nick = chatroom_put(&at, nick);
  setting->topic = chatroom_put(&at, request->topic);
  return setting;
}

const struct stoa_error *chatroom_on_set_room(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_set_room_request *request,
                                              struct chatroom_v1_set_room_reply *reply) {
  struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, request->room);
  const struct stoa_error *error = check_request(session, request);
  (void)reply;
  error = error == NULL ? room_change_check(session, room) : error;
  if (error != NULL) {
    return error;
  }
  struct setting *setting = create(chatroom, session, request);
  if (setting == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  return room_change_start(&setting->change, session, room);
}
