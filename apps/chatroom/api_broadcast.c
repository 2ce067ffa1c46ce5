/* Broadcast: one message in several rooms. */
#include "api.h"
#include "api_publish.h"
#include "failure.h"
#include "handlers.h"
#include "people.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/room_admin.h>

#define ROOMS_MAX 1000u
/* Rooms of one list, and messages that wait for the storage at once. */
#define LIST_ROOMS 100u
#define PENDING_MAX 16u

struct room_name {
  size_t len;
  char text[STOA_ROOM_NAME_LEN_MAX];
};

struct broadcast {
  const struct chatroom *chatroom;
  struct stoa_call *call;
  struct nick nick;
  struct chatroom_v1_chat_message message; /* its texts are in `data` */
  struct chatroom_v1_broadcast_reply reply;
  bool is_listing;     /* a list of rooms is on its way */
  bool has_more_rooms; /* behind those in `rooms` */
  uint32_t pending;    /* messages on their way */
  size_t room_count, next_room;
  struct room_name *rooms;
  char data[];
};

static void advance(struct broadcast *broadcast);

static void destroy(struct broadcast *broadcast) {
  free(broadcast->rooms);
  free(broadcast);
}

static struct stoa_string name_of(const struct room_name *name) {
  return stoa_string_make(name->text, name->len);
}

static void add_room(struct broadcast *broadcast, struct stoa_string room) {
  struct room_name *name = &broadcast->rooms[broadcast->room_count++];
  assert(room.len <= sizeof name->text);
  name->len = room.len;
  memcpy(name->text, room.data, room.len);
}

/* Messages. */

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct broadcast *broadcast = context;
  bool is_stored = answer->status == STOA_ROOM_OK || answer->status == STOA_ROOM_DUPLICATE;
  broadcast->reply.rooms += is_stored ? 1 : 0;
  broadcast->reply.failed += is_stored ? 0 : 1;
  broadcast->pending--;
  advance(broadcast);
}

static void publish(struct broadcast *broadcast, struct stoa_string room) {
  int status = api_publish(broadcast->chatroom, room, &broadcast->message, on_stored, broadcast);
  broadcast->pending += status == STOA_OK ? 1 : 0;
  broadcast->reply.failed += status == STOA_OK ? 0 : 1;
}

/* Rooms. */

static void on_rooms(void *context, const struct stoa_room_listing *list) {
  struct broadcast *broadcast = context;
  broadcast->is_listing = false;
  if (list->status != STOA_ROOM_OK) {
    chatroom_fail_over_http(broadcast->call, list->status, list->retry_ms);
    destroy(broadcast);
    return;
  }
  broadcast->room_count = 0;
  broadcast->next_room = 0;
  broadcast->has_more_rooms = list->has_more && list->count > 0;
  for (size_t i = 0; i < list->count; i++) {
    add_room(broadcast, list->rooms[i].room);
  }
  advance(broadcast);
}

static int list_rooms(struct broadcast *broadcast) {
  struct stoa_string after =
      broadcast->room_count == 0 ? stoa_string_of("") : name_of(&broadcast->rooms[broadcast->room_count - 1]);
  broadcast->is_listing = true;
  return stoa_rooms_list(broadcast->chatroom->rooms, after, LIST_ROOMS, on_rooms, broadcast);
}

/* One of the two ends: all is done, or nobody waits for it any more. */
static void advance(struct broadcast *broadcast) {
  bool goes_on = stoa_call_waits(broadcast->call);
  while (goes_on && broadcast->pending < PENDING_MAX && broadcast->next_room < broadcast->room_count) {
    publish(broadcast, name_of(&broadcast->rooms[broadcast->next_room++]));
  }
  if (broadcast->pending > 0) {
    return;
  }
  int status = goes_on && broadcast->has_more_rooms ? list_rooms(broadcast) : STOA_OK;
  if (status != STOA_OK) {
    chatroom_fail_over_http(broadcast->call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
    destroy(broadcast);
  } else if (!broadcast->is_listing) {
    int ignored = chatroom_v1_admin_service_broadcast_reply(broadcast->call, &broadcast->reply);
    (void)ignored; /* the client may have gone */
    destroy(broadcast);
  }
}

/* The call. */

static struct stoa_string put(char **at, struct stoa_string text) {
  struct stoa_string own = stoa_string_make(*at, text.len);
  if (text.len > 0) {
    memcpy(*at, text.data, text.len);
  }
  *at += text.len;
  return own;
}

static struct broadcast *create(const struct chatroom *chatroom, const struct chatroom_v1_broadcast_request *request,
                                const struct nick *nick) {
  struct broadcast *broadcast =
      calloc(1, sizeof *broadcast + request->message.len + request->user_id.len + request->client_msg_id.len);
  size_t room_max = request->rooms.count == 0 ? LIST_ROOMS : request->rooms.count;
  struct room_name *rooms = calloc(room_max, sizeof *rooms);
  if (broadcast == NULL || rooms == NULL) {
    free(broadcast);
    free(rooms);
    return NULL;
  }
  char *at = broadcast->data;
  broadcast->chatroom = chatroom;
  broadcast->nick = *nick;
  broadcast->message.message = put(&at, request->message);
  broadcast->message.sender = nick_text(&broadcast->nick);
  broadcast->message.user_id = put(&at, request->user_id);
  broadcast->message.client_msg_id = put(&at, request->client_msg_id);
  broadcast->rooms = rooms;
  broadcast->has_more_rooms = request->rooms.count == 0;
  for (size_t i = 0; i < request->rooms.count; i++) {
    add_room(broadcast, request->rooms.items[i]);
  }
  return broadcast;
}

static const struct stoa_error *check(const struct chatroom *chatroom, struct stoa_session *session,
                                      const struct chatroom_v1_broadcast_request *request, struct nick *out_nick) {
  const struct chatroom_v1_chat_message message = {
      .user_id = request->user_id, .sender = request->sender, .client_msg_id = request->client_msg_id};
  if (request->rooms.count > ROOMS_MAX) {
    return api_refuse(session, "rooms has at most 1000 names");
  }
  for (size_t i = 0; i < request->rooms.count; i++) {
    const char *fault = api_room_fault(request->rooms.items[i]);
    if (fault != NULL) {
      return api_refuse(session, fault);
    }
  }
  const struct stoa_error *error = api_check_author(chatroom, session, &message, out_nick);
  return error == NULL ? chatroom_check_text(session, request->message) : error;
}

const struct stoa_error *api_on_broadcast(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_broadcast_request *request,
                                          struct chatroom_v1_broadcast_reply *reply) {
  const struct chatroom *chatroom = user;
  struct nick nick;
  const struct stoa_error *error = check(chatroom, session, request, &nick);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  struct broadcast *broadcast = create(chatroom, request, &nick);
  if (broadcast == NULL) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return STOA_LATER;
  }
  broadcast->call = call;
  advance(broadcast);
  return STOA_LATER;
}
