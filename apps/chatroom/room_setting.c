#include "room_setting.h"

#include "failure.h"
#include "room_change.h"
#include "text.h"

#include <assert.h>

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
  int (*reply)(struct stoa_call *call);
  char bytes[];
};

static void finish(struct setting *setting) {
  stoa_log(STOA_LOG_INFO, "room set", STOA_F_TEXT("room", room_change_room(&setting->change)),
           STOA_F_TEXT("by", setting->user_id));
  int ignored = setting->reply(setting->change.call);
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

static const struct stoa_error *check(struct stoa_session *session, const struct chatroom_v1_set_room_request *values) {
  if (chatroom_count_chars(values->topic) > TOPIC_CHARS_MAX) {
    return stoa_session_error(session, CHATROOM_ERROR_TEXT_TOO_LONG, "TEXT_TOO_LONG",
                              "a topic has at most 250 characters");
  }
  if (chatroom_has_control(values->topic)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "a topic has no control characters");
  }
  if (values->slow_mode_s > RULES_SLOW_MODE_S_MAX) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", "slow_mode_s is at most 86400");
  }
  return NULL;
}

static struct setting *create(struct chatroom *chatroom, const struct room_setting_request *request) {
  const struct chatroom_v1_set_room_request *values = request->values;
  struct setting *setting = calloc(1, sizeof *setting + request->by_id.len + request->by_nick.len + values->topic.len);
  if (setting == NULL) {
    return NULL;
  }
  char *at = setting->bytes;
  setting->change.chatroom = chatroom;
  setting->change.begin = begin;
  setting->change.is_http = request->is_http;
  setting->is_administrator = request->is_administrator;
  setting->change.may_make_room = setting->is_administrator;
  setting->has_topic = values->has_topic;
  setting->has_slow_mode = values->has_slow_mode_s;
  setting->has_members_max = values->has_members_max;
  setting->slow_mode_s = values->slow_mode_s;
  setting->members_max = values->members_max;
  setting->user_id = chatroom_put(&at, request->by_id);
  setting->nick = chatroom_put(&at, request->by_nick);
  setting->topic = chatroom_put(&at, values->topic);
  setting->reply = request->reply;
  return setting;
}

const struct stoa_error *room_setting_start(struct chatroom *chatroom, struct stoa_session *session,
                                            const struct room_setting_request *request) {
  const struct stoa_error *error = check(session, request->values);
  if (error != NULL) {
    return error;
  }
  assert(chatroom_is_room_name(request->room));
  struct setting *setting = create(chatroom, request);
  if (setting == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  return room_change_start(&setting->change, session, request->room);
}
