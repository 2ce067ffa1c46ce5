/* tests/durable/journal.c: examples/feed, with a call that reads what is stored, and readiness that depends on the
 * storage. */
#include "journal.stoa.h"

#include <string.h>

#include <stoa/app.h>
#include <stoa/call.h>
#include <stoa/http.h>
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
    journal_v1_journal_service_send_reply(call, &(struct journal_v1_send_reply){.offset = answer->position.offset});
  } else {
    fail(call, answer->status, answer->retry_ms);
  }
}

static const struct stoa_error *on_send(void *user, struct stoa_session *session,
                                        const struct journal_v1_send_request *request,
                                        struct journal_v1_send_reply *reply) {
  const struct journal_v1_post_message post = {.text = request->text};
  const struct stoa_publish_options options = {
      .sender = request->author, .client_msg_id = request->id, .session = session};
  struct stoa_call *call;
  (void)user, (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_UNAVAILABLE, "MEMORY", NULL);
  }
  if (stoa_room_publish(rooms, request->feed, JOURNAL_V1_MESSAGE_TYPE_POST, &post, &options, on_sent, call) !=
      STOA_OK) {
    fail(call, STOA_ROOM_INVALID, 0);
  }
  return STOA_LATER;
}

static void on_joined(void *call, struct stoa_session *session, const struct stoa_room_joined *joined) {
  struct journal_v1_post_message posts[NEWEST];
  struct journal_v1_follow_reply reply = {
      .recovered = joined->recovered, .epoch = joined->page.epoch, .offset = joined->page.top};
  if (session == NULL) {
    fail(call, joined->page.status, joined->page.retry_ms);
    return;
  }
  for (size_t i = 0; i < joined->page.count && !joined->recovered; i++) {
    posts[reply.posts.count++] = *(const struct journal_v1_post_message *)joined->page.messages[i].message;
  }
  reply.posts.items = posts;
  journal_v1_journal_service_follow_reply(call, &reply);
}

static const struct stoa_error *on_follow(void *user, struct stoa_session *session,
                                          const struct journal_v1_follow_request *request,
                                          struct journal_v1_follow_reply *reply) {
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

static void on_page(void *call, const struct stoa_room_page *page) {
  struct journal_v1_post_message posts[STOA_ROOM_PAGE_MAX];
  struct journal_v1_read_reply reply = {.epoch = page->epoch, .has_more = page->has_more_before};
  if (page->status != STOA_ROOM_OK) {
    fail(call, page->status, page->retry_ms);
    return;
  }
  for (size_t i = 0; i < page->count; i++) {
    posts[reply.posts.count++] = *(const struct journal_v1_post_message *)page->messages[i].message;
  }
  reply.posts.items = posts;
  journal_v1_journal_service_read_reply(call, &reply);
}

static const struct stoa_error *on_read(void *user, struct stoa_session *session,
                                        const struct journal_v1_read_request *request,
                                        struct journal_v1_read_reply *reply) {
  const struct stoa_room_query query = {.before = request->before, .limit = STOA_ROOM_PAGE_MAX};
  struct stoa_call *call;
  (void)user, (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_UNAVAILABLE, "MEMORY", NULL);
  }
  if (stoa_room_history(rooms, request->feed, &query, on_page, call) != STOA_OK) {
    fail(call, STOA_ROOM_INVALID, 0);
  }
  return STOA_LATER;
}

static void stamp(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct journal_v1_post_message *post = message;
  (void)user, (void)arena;
  post->author = stamp->sender;
  post->offset = stamp->position.offset;
  post->id = stamp->client_msg_id;
  post->time_us = stamp->time_us;
}

static const char *check_storage(void *user) {
  const char *reason;
  (void)user;
  return strcmp(stoa_rooms_storage_state(rooms, &reason), "up") == 0 ? NULL : reason;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct journal_v1_journal_service_handlers handlers = {
      .follow = on_follow, .send = on_send, .read = on_read};
  static const struct stoa_room_type post = {
      .type = JOURNAL_V1_MESSAGE_TYPE_POST, .message_type = &journal_v1_post_message_type, .stamp = stamp};
  const struct journal_v1_config *own = config;
  int status = stoa_rooms_create(server, own->rooms, own->data_dir.data, NULL, &rooms);
  if (status == STOA_OK) {
    status = stoa_rooms_add_type(rooms, &post);
  }
  if (status == STOA_OK) {
    status = stoa_server_add_check(server, "journal", check_storage, NULL);
  }
  return status == STOA_OK ? journal_v1_journal_service_register(server, &handlers, user) : status;
}

int main(int argc, char **argv) {
  const struct stoa_app app = {.name = "journal", .config_type = &journal_v1_config_type, .setup = setup};
  int status = stoa_app_run(&app, argc, argv);
  stoa_rooms_destroy(rooms); /* after the server */
  return status;
}
