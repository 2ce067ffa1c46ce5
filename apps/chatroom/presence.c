#include "presence.h"

#include "failure.h"
#include "handlers.h"
#include "person.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <stoa/worker.h>
#include <string.h>

#define RETRY_MS 1000u
/* What a member takes as JSON text, beside id and nick. */
#define MEMBER_BYTES 80u
#define PRESENCE_BYTES_DEFAULT (48u * 1024)

/* The info of a join: the role, the nick, and NULs in place of the bytes that escapes add in JSON text. So the rooms,
 * which bound the bytes of a list, count them. */

void presence_info_make(const struct person *person, struct presence_info *out_info) {
  struct stoa_string id = person_user_id(person);
  struct stoa_string nick = person_nick(person);
  size_t len = 1 + chatroom_written_bytes(nick) + chatroom_written_bytes(id) - id.len;
  assert(1 + nick.len <= sizeof out_info->data);
  memset(out_info->data, 0, sizeof out_info->data);
  out_info->data[0] = (uint8_t)person_role(person);
  memcpy(out_info->data + 1, nick.data, nick.len);
  out_info->len = len < sizeof out_info->data ? len : sizeof out_info->data;
}

static struct chatroom_v1_member member_of(const struct stoa_room_user *user) {
  size_t len = user->info.len;
  assert(len > 0);
  while (len > 1 && user->info.data[len - 1] == 0) {
    len--;
  }
  return (struct chatroom_v1_member){.user_id = user->id,
                                     .nick = stoa_string_make((const char *)user->info.data + 1, len - 1),
                                     .sessions = user->sessions,
                                     .away = user->is_away,
                                     .role = user->info.data[0]};
}

/* The rooms count 40 bytes a user and the text needs at most MEMBER_BYTES, so half of a message is enough for any list.
 */
uint32_t presence_bytes_max(size_t message_max) {
  size_t half = message_max / 2;
  return half < PRESENCE_BYTES_DEFAULT ? (uint32_t)half : PRESENCE_BYTES_DEFAULT;
}

/* Lists. */

int presence_list_make(const struct stoa_room_presence *presence, struct presence_list *out_list) {
  struct chatroom_v1_member *members = NULL;
  size_t bytes = 0;
  if (presence->count > 0) {
    members = malloc(presence->count * sizeof *members);
    if (members == NULL) {
      return STOA_E_MEMORY;
    }
  }
  for (size_t i = 0; i < presence->count; i++) {
    members[i] = member_of(&presence->users[i]);
    bytes += MEMBER_BYTES + chatroom_written_bytes(members[i].user_id) + chatroom_written_bytes(members[i].nick);
  }
  *out_list = (struct presence_list){.reply = {.version = presence->version,
                                               .members = {members, presence->count},
                                               .total = presence->total,
                                               .truncated = presence->is_truncated},
                                     .members = members,
                                     .bytes = bytes};
  return STOA_OK;
}

void presence_list_free(struct presence_list *list) {
  free(list->members);
  list->members = NULL;
}

static void on_list(void *call, const struct stoa_room_presence *presence) {
  struct presence_list list;
  if (presence->status != STOA_ROOM_OK) {
    chatroom_fail(call, presence->status, presence->retry_ms);
    return;
  }
  if (presence_list_make(presence, &list) != STOA_OK) {
    chatroom_fail(call, STOA_ROOM_BUSY, 0);
    return;
  }
  int ignored = chatroom_v1_chatroom_service_presence_reply(call, &list.reply);
  (void)ignored; /* what is wrong with it ends the call, or the session */
  presence_list_free(&list);
}

const struct stoa_error *chatroom_on_presence(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_presence_request *request,
                                              struct chatroom_v1_presence_reply *reply) {
  const struct chatroom *chatroom = user;
  struct stoa_string room = chatroom_room(chatroom, request->room);
  const struct stoa_error *error = chatroom_check_member(chatroom, session, room);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = stoa_room_presence_list(chatroom->rooms, room, on_list, call);
  if (status != STOA_OK) {
    chatroom_fail(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}

int presence_on_diff(void *user, struct stoa_string room, const struct stoa_room_presence_diff *diff) {
  const struct chatroom *chatroom = user;
  struct chatroom_v1_member members[STOA_ROOM_DIFF_USERS_MAX];
  size_t count = diff->join_count + diff->change_count;
  assert(count <= STOA_ROOM_DIFF_USERS_MAX);
  for (size_t i = 0; i < count; i++) {
    members[i] = member_of(i < diff->join_count ? &diff->joins[i] : &diff->changes[i - diff->join_count]);
  }
  const struct chatroom_v1_presence_diff_message message = {.room = room,
                                                            .version = diff->version,
                                                            .joins = {members, count},
                                                            .leaves = {diff->leaves, diff->leave_count},
                                                            .total = diff->total,
                                                            .truncated = diff->is_truncated};
  return stoa_room_publish_presence(chatroom->rooms, room, CHATROOM_V1_MESSAGE_TYPE_PRESENCE_DIFF,
                                    &chatroom_v1_presence_diff_message_type, &message);
}

/* Changes of a user. */

struct retry {
  struct stoa_worker_timer timer;
  const struct chatroom *chatroom;
  struct stoa_server *server;
  struct stoa_uuid session_id;
};

static void update_other(const struct chatroom *chatroom, struct stoa_server *server,
                         const struct stoa_uuid *session_id);

static void on_retry(struct stoa_worker_timer *timer, int status) {
  struct retry *retry = timer->context;
  if (status == STOA_OK) {
    update_other(retry->chatroom, retry->server, &retry->session_id);
  }
  free(retry);
}

static void update_later(const struct chatroom *chatroom, struct stoa_server *server,
                         const struct stoa_uuid *session_id) {
  struct retry *retry = calloc(1, sizeof *retry);
  int status = STOA_E_MEMORY;
  if (retry != NULL) {
    *retry = (struct retry){{.on_due = on_retry, .context = retry}, chatroom, server, *session_id};
    status = stoa_worker_timer_start(server, &retry->timer, RETRY_MS);
  }
  if (status != STOA_OK) {
    free(retry);
    stoa_log(STOA_LOG_WARN, "a user's new name or role is not shown to others before the next change",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
}

static bool is_to_retry(int status) {
  return status == STOA_E_LIMIT || status == STOA_E_MEMORY;
}

void presence_update(const struct chatroom *chatroom, struct stoa_session *session) {
  const struct person *person = stoa_session_user(session);
  struct presence_info info;
  presence_info_make(person, &info);
  int status = stoa_room_set_presence(chatroom->rooms, session, (struct stoa_string){NULL, 0},
                                      stoa_bytes_make(info.data, info.len), person_is_away(person));
  assert(status != STOA_E_ARGUMENT);
  if (is_to_retry(status)) {
    update_later(chatroom, stoa_session_server(session), stoa_session_id(session));
  }
}

static void on_update(void *chatroom, struct stoa_session *session, int status) {
  (void)status;
  if (session != NULL) {
    presence_update(chatroom, session);
  }
}

static void update_other(const struct chatroom *chatroom, struct stoa_server *server,
                         const struct stoa_uuid *session_id) {
  /* The program's; on_update() does not change it. */
  void *context = (void *)(uintptr_t)chatroom;
  if (is_to_retry(stoa_worker_run_for(server, session_id, on_update, context))) {
    update_later(chatroom, server, session_id);
  }
}

void presence_update_user(const struct chatroom *chatroom, struct stoa_session *session) {
  const struct person *person = stoa_session_user(session);
  const struct stoa_uuid *own_id = stoa_session_id(session);
  struct stoa_uuid *ids = NULL;
  size_t count = 0;
  presence_update(chatroom, session);
  if (nicks_sessions(person_people(person)->nicks, person_user_id(person), &ids, &count) != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "a user's new name is not shown in rooms of its other sessions",
             STOA_F_STR("reason", stoa_status_text(STOA_E_MEMORY)));
    return;
  }
  for (size_t i = 0; i < count; i++) {
    if (memcmp(ids[i].bytes, own_id->bytes, sizeof own_id->bytes) != 0) {
      update_other(chatroom, stoa_session_server(session), &ids[i]);
    }
  }
  free(ids);
}
