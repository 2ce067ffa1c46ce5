/* Rooms: list, settings, presence, delete. */
#include "api.h"
#include "failure.h"
#include "presence.h"
#include "room_setting.h"
#include "settings_read.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/room_admin.h>
#include <string.h>

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 100u

/* The list. */

struct item {
  struct chatroom_v1_room_state room;
  char name[STOA_ROOM_NAME_LEN_MAX];
  char topic[RULES_TOPIC_BYTES_MAX];
};

struct listing {
  const struct chatroom *chatroom;
  struct stoa_call *call;
  bool has_more;
  size_t count, at; /* the one whose settings are next */
  struct item *items;
};

static void end(struct listing *listing) {
  free(listing->items);
  free(listing);
}

static void fail(struct listing *listing, enum stoa_room_status status, uint32_t retry_ms) {
  chatroom_fail_over_http(listing->call, status, retry_ms);
  end(listing);
}

static void reply(struct listing *listing) {
  struct chatroom_v1_room_state rooms[LIMIT_MAX];
  assert(listing->count <= LIMIT_MAX);
  for (size_t i = 0; i < listing->count; i++) {
    rooms[i] = listing->items[i].room;
  }
  const struct chatroom_v1_list_rooms_reply reply = {.rooms = {rooms, listing->count}, .more = listing->has_more};
  int ignored = chatroom_v1_admin_service_list_rooms_reply(listing->call, &reply);
  (void)ignored; /* the client may have gone */
  end(listing);
}

static void set(struct item *item, const struct rules_settings *settings) {
  memcpy(item->topic, settings->topic, settings->topic_len);
  item->room.topic = stoa_string_make(item->topic, settings->topic_len);
  item->room.slow_mode_s = settings->slow_mode_s;
  item->room.members_max = settings->members_max;
}

static void next(struct listing *listing);

static void on_settings(void *context, enum stoa_room_status status, uint32_t retry_ms,
                        const struct rules_settings *settings) {
  struct listing *listing = context;
  if (status != STOA_ROOM_OK) {
    fail(listing, status, retry_ms);
    return;
  }
  set(&listing->items[listing->at++], settings);
  next(listing);
}

static void next(struct listing *listing) {
  struct rules_settings settings;
  while (listing->at < listing->count &&
         settings_in_use(listing->chatroom, listing->items[listing->at].room.name, &settings)) {
    set(&listing->items[listing->at++], &settings);
  }
  if (listing->at == listing->count) {
    reply(listing);
    return;
  }
  int status = settings_read(listing->chatroom, listing->items[listing->at].room.name, on_settings, listing);
  if (status != STOA_OK) {
    fail(listing, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

static void on_rooms(void *context, const struct stoa_room_listing *list) {
  struct listing *listing = context;
  if (list->status != STOA_ROOM_OK) {
    fail(listing, list->status, list->retry_ms);
    return;
  }
  listing->items = calloc(list->count + 1, sizeof *listing->items);
  if (listing->items == NULL) {
    fail(listing, STOA_ROOM_BUSY, 0);
    return;
  }
  listing->count = list->count;
  listing->has_more = list->has_more;
  for (size_t i = 0; i < list->count; i++) {
    const struct stoa_room_entry *entry = &list->rooms[i];
    struct item *item = &listing->items[i];
    assert(entry->room.len <= sizeof item->name);
    memcpy(item->name, entry->room.data, entry->room.len);
    item->room = (struct chatroom_v1_room_state){.name = stoa_string_make(item->name, entry->room.len),
                                                 .online = entry->member_count,
                                                 .last_activity_ms = entry->time_us / 1000};
  }
  next(listing);
}

const struct stoa_error *api_on_list_rooms(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_rooms_request *request,
                                           struct chatroom_v1_list_rooms_reply *reply) {
  const struct chatroom *chatroom = user;
  const char *fault = request->limit > LIMIT_MAX ? "limit is at most 100" : NULL;
  fault = fault == NULL && request->after.len > 0 ? api_room_fault(request->after) : fault;
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  struct listing *listing = calloc(1, sizeof *listing);
  if (listing == NULL) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return STOA_LATER;
  }
  listing->chatroom = chatroom;
  listing->call = call;
  uint32_t limit = request->limit == 0 ? LIMIT_DEFAULT : request->limit;
  int status = stoa_rooms_list(chatroom->rooms, request->after, limit, on_rooms, listing);
  if (status != STOA_OK) {
    fail(listing, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}

/* Settings. */

static int reply_set(struct stoa_call *call) {
  const struct chatroom_v1_set_room_reply reply = {0};
  return chatroom_v1_admin_service_set_room_reply(call, &reply);
}

const struct stoa_error *api_on_set_room(void *user, struct stoa_session *session,
                                         const struct chatroom_v1_set_room_request *request,
                                         struct chatroom_v1_set_room_reply *reply) {
  const char *fault = api_room_fault(request->room);
  const struct room_setting_request setting = {
      .room = request->room, .values = request, .is_administrator = true, .is_http = true, .reply = reply_set};
  (void)reply;
  return fault == NULL ? room_setting_start(user, session, &setting) : api_refuse(session, fault);
}

/* Presence. */

static void on_presence(void *call, const struct stoa_room_presence *presence) {
  struct presence_list list;
  bool is_there = presence->status == STOA_ROOM_OK;
  if (!is_there || presence_list_make(presence, &list) != STOA_OK) {
    chatroom_fail_over_http(call, is_there ? STOA_ROOM_BUSY : presence->status, presence->retry_ms);
    return;
  }
  int ignored = chatroom_v1_admin_service_list_presence_reply(call, &list.reply);
  (void)ignored;
  presence_list_free(&list);
}

const struct stoa_error *api_on_list_presence(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_presence_request *request,
                                              struct chatroom_v1_presence_reply *reply) {
  const struct chatroom *chatroom = user;
  const char *fault = api_room_fault(request->room);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = stoa_room_presence_list(chatroom->rooms, request->room, on_presence, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}

/* Delete. */

static void on_erased(void *call, const struct stoa_room_answer *answer) {
  if (answer->status != STOA_ROOM_OK) {
    chatroom_fail_over_http(call, answer->status, answer->retry_ms);
    return;
  }
  const struct chatroom_v1_delete_room_reply reply = {.messages = answer->count};
  int ignored = chatroom_v1_admin_service_delete_room_reply(call, &reply);
  (void)ignored;
}

const struct stoa_error *api_on_delete_room(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_delete_room_request *request,
                                            struct chatroom_v1_delete_room_reply *reply) {
  const struct chatroom *chatroom = user;
  const char *fault = api_room_fault(request->room);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = stoa_room_erase(chatroom->rooms, request->room, on_erased, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}
