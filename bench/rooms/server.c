/* bench/rooms/server.c: what examples/feed does, and the same without storing, and an echo, to compare with. */
#include "rooms.stoa.h"

#include <stoa/app.h>
#include <stoa/call.h>
#include <stoa/room.h>

#define NEWEST 20

static struct stoa_rooms *rooms;

static void fail(struct stoa_call *call, enum stoa_room_status status, uint32_t retry_ms) {
  const struct stoa_error error = {.code = STOA_ERROR_UNAVAILABLE,
                                   .reason = stoa_string_of(stoa_room_status_name(status)),
                                   .temporary = retry_ms > 0 || status == STOA_ROOM_UNKNOWN,
                                   .retry_ms = retry_ms};
  stoa_call_fail(call, &error);
}

static void on_sent(void *call, const struct stoa_room_answer *answer) {
  if (answer->status == STOA_ROOM_OK || answer->status == STOA_ROOM_DUPLICATE) {
    rooms_v1_rooms_service_send_reply(call, &(struct rooms_v1_send_reply){.offset = answer->position.offset});
  } else {
    fail(call, answer->status, answer->retry_ms);
  }
}

static const struct stoa_error *on_send(void *user, struct stoa_session *session,
                                        const struct rooms_v1_send_request *request,
                                        struct rooms_v1_send_reply *reply) {
  const struct rooms_v1_post_message post = {.text = request->text};
  const struct stoa_publish_options options = {
      .sender = request->author, .client_msg_id = request->id, .session = session};
  struct stoa_call *call;
  (void)user, (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_UNAVAILABLE, "MEMORY", NULL);
  }
  int status = stoa_room_publish(rooms, request->feed, ROOMS_V1_MESSAGE_TYPE_POST, &post, &options, on_sent, call);
  if (status != STOA_OK) {
    fail(call, STOA_ROOM_INVALID, 0);
  }
  return STOA_LATER;
}

static const struct stoa_error *on_tell(void *user, struct stoa_session *session,
                                        const struct rooms_v1_send_request *request,
                                        struct rooms_v1_send_reply *reply) {
  const struct rooms_v1_post_message post = {.text = request->text, .author = request->author, .offset = 1, .epoch = 1};
  (void)user;
  reply->offset = 1;
  int status = stoa_room_publish_volatile(rooms, request->feed, NULL, ROOMS_V1_MESSAGE_TYPE_POST,
                                          &rooms_v1_post_message_type, &post);
  return status == STOA_OK ? NULL : stoa_session_error(session, STOA_ERROR_UNAVAILABLE, stoa_status_text(status), NULL);
}

static const struct stoa_error *on_echo(void *user, struct stoa_session *session,
                                        const struct rooms_v1_send_request *request,
                                        struct rooms_v1_send_request *reply) {
  (void)user, (void)session;
  *reply = *request;
  return NULL;
}

/* When it recovers, the posts that were missed follow the reply by themselves. */
static void on_joined(void *call, struct stoa_session *session, const struct stoa_room_joined *joined) {
  struct rooms_v1_post_message posts[NEWEST];
  struct rooms_v1_follow_reply reply = {
      .recovered = joined->recovered, .epoch = joined->page.epoch, .offset = joined->page.top};
  if (session == NULL) {
    fail(call, joined->page.status, joined->page.retry_ms);
    return;
  }
  for (size_t i = 0; i < joined->page.count && !joined->recovered; i++) {
    posts[reply.posts.count++] = *(const struct rooms_v1_post_message *)joined->page.messages[i].message;
  }
  reply.posts.items = posts;
  rooms_v1_rooms_service_follow_reply(call, &reply);
}

static const struct stoa_error *on_follow(void *user, struct stoa_session *session,
                                          const struct rooms_v1_follow_request *request,
                                          struct rooms_v1_follow_reply *reply) {
  const struct stoa_room_join_options options = {.position = {request->epoch, request->offset}, .history = NEWEST};
  struct stoa_call *call;
  (void)user, (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_UNAVAILABLE, "MEMORY", NULL);
  }
  if (stoa_room_join(rooms, session, request->feed, &options, on_joined, call) != STOA_OK) {
    fail(call, STOA_ROOM_INVALID, 0);
  }
  return STOA_LATER;
}

static void stamp(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct rooms_v1_post_message *post = message;
  (void)user, (void)arena;
  post->author = stamp->sender;
  post->offset = stamp->position.offset;
  post->epoch = stamp->position.epoch;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct rooms_v1_rooms_service_handlers handlers = {
      .follow = on_follow, .send = on_send, .tell = on_tell, .echo = on_echo};
  static const struct stoa_room_type post = {
      .type = ROOMS_V1_MESSAGE_TYPE_POST, .message_type = &rooms_v1_post_message_type, .stamp = stamp};
  const struct rooms_v1_config *own = config;
  int status = stoa_rooms_create(server, own->rooms, own->data_dir.data, NULL, &rooms);
  if (status == STOA_OK) {
    status = stoa_rooms_add_type(rooms, &post);
  }
  return status == STOA_OK ? rooms_v1_rooms_service_register(server, &handlers, user) : status;
}

int main(int argc, char **argv) {
  const struct stoa_app app = {.name = "rooms", .config_type = &rooms_v1_config_type, .setup = setup};
  int status = stoa_app_run(&app, argc, argv);
  stoa_rooms_destroy(rooms); /* after the server */
  return status;
}
