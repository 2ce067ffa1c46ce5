/* Rooms: list, presence, delete. */
#include "api.h"
#include "failure.h"
#include "presence.h"

#include <stdlib.h>
#include <stoa/room_admin.h>

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 100u

/* The list. */

static void on_rooms(void *call, const struct stoa_room_listing *list) {
  struct chatroom_v1_room *rooms = list->status == STOA_ROOM_OK ? calloc(list->count + 1, sizeof *rooms) : NULL;
  if (rooms == NULL) {
    chatroom_fail_over_http(call, list->status == STOA_ROOM_OK ? STOA_ROOM_BUSY : list->status, list->retry_ms);
    return;
  }
  for (size_t i = 0; i < list->count; i++) {
    const struct stoa_room_entry *entry = &list->rooms[i];
    rooms[i] = (struct chatroom_v1_room){
        .name = entry->room, .online = entry->member_count, .last_activity_ms = entry->time_us / 1000};
  }
  const struct chatroom_v1_rooms_reply reply = {.rooms = {rooms, list->count}, .more = list->has_more};
  int ignored = chatroom_v1_admin_service_list_rooms_reply(call, &reply);
  (void)ignored; /* the client may have gone */
  free(rooms);
}

const struct stoa_error *api_on_list_rooms(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_rooms_request *request,
                                           struct chatroom_v1_rooms_reply *reply) {
  const struct chatroom *chatroom = user;
  const char *fault = request->limit > LIMIT_MAX ? "limit is at most 100" : NULL;
  fault = fault == NULL && request->after.len > 0 ? api_room_fault(request->after) : fault;
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  uint32_t limit = request->limit == 0 ? LIMIT_DEFAULT : request->limit;
  int status = stoa_rooms_list(chatroom->rooms, request->after, limit, on_rooms, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
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
