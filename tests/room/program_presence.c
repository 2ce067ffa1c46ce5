/* The program's part that is about presence. */
#include "board.h"
#include "program.h"

#define LISTED_MAX 2000u

static void fill(struct board_v1_user *out_user, const struct stoa_room_user *user) {
  *out_user = (struct board_v1_user){.id = user->id,
                                     .info = stoa_string_make((const char *)user->info.data, user->info.len),
                                     .sessions = user->sessions,
                                     .away = user->is_away};
}

void program_fill_list(const struct stoa_room_presence *presence, struct board_v1_list_reply *reply) {
  static _Thread_local struct board_v1_user users[LISTED_MAX];
  assert_true(presence->count <= LISTED_MAX);
  *reply = (struct board_v1_list_reply){.status = stoa_string_of(stoa_room_status_name(presence->status)),
                                        .retry_ms = presence->retry_ms,
                                        .version = presence->version,
                                        .users = {users, presence->count},
                                        .total = presence->total,
                                        .truncated = presence->is_truncated};
  for (size_t i = 0; i < presence->count; i++) {
    fill(&users[i], &presence->users[i]);
  }
}

int program_on_presence(void *user, struct stoa_string room, const struct stoa_room_presence_diff *diff) {
  struct board *board = user;
  struct board_v1_user users[STOA_ROOM_DIFF_USERS_MAX];
  size_t count = diff->join_count + diff->change_count;
  atomic_fetch_add(&board->diffs, 1);
  assert_true(count + diff->leave_count <= STOA_ROOM_DIFF_USERS_MAX);
  for (size_t i = 0; i < count; i++) {
    fill(&users[i], i < diff->join_count ? &diff->joins[i] : &diff->changes[i - diff->join_count]);
  }
  const struct board_v1_changes_message changes = {.room = room,
                                                   .version = diff->version,
                                                   .joins = {users, diff->join_count},
                                                   .changes = {users + diff->join_count, diff->change_count},
                                                   .leaves = {diff->leaves, diff->leave_count},
                                                   .total = diff->total,
                                                   .truncated = diff->is_truncated};
  if (atomic_load(&board->diffs_to_fail) > 0) {
    atomic_fetch_sub(&board->diffs_to_fail, 1);
    atomic_fetch_add(&board->diffs_failed, 1);
    return STOA_E_MEMORY;
  }
  return stoa_room_publish_presence(board->rooms, room, BOARD_V1_MESSAGE_TYPE_CHANGES, &board_v1_changes_message_type,
                                    &changes);
}

struct listing {
  struct board *board;
  struct stoa_call *call;
};

static struct stoa_string name_of_error(int status) {
  return stoa_string_of(status == STOA_OK ? "OK" : stoa_status_name(status) + strlen("STOA_E_"));
}

static void on_list(void *context, const struct stoa_room_presence *presence) {
  struct listing *listing = context;
  struct board_v1_list_reply reply;
  program_fill_list(presence, &reply);
  atomic_fetch_add(&listing->board->answered, 1);
  int ignored = board_v1_board_list_reply(listing->call, &reply);
  (void)ignored;
  free(listing);
}

const struct stoa_error *program_on_list(void *user, struct stoa_session *session,
                                         const struct board_v1_list_request *request,
                                         struct board_v1_list_reply *reply) {
  struct board *board = user;
  struct stoa_call *call;
  (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "MEMORY", NULL);
  }
  struct listing *listing = malloc(sizeof *listing);
  assert_non_null(listing);
  *listing = (struct listing){board, call};
  int status = stoa_room_presence_list(board->rooms, request->room, on_list, listing);
  if (status == STOA_OK) {
    atomic_fetch_add(&board->asked, 1);
    return STOA_LATER;
  }
  free(listing);
  const struct board_v1_list_reply refused = {.status = name_of_error(status)};
  int ignored = board_v1_board_list_reply(call, &refused);
  (void)ignored;
  return STOA_LATER;
}

const struct stoa_error *program_on_set(void *user, struct stoa_session *session,
                                        const struct board_v1_set_request *request, struct board_v1_set_reply *reply) {
  struct board *board = user;
  int status = stoa_room_set_presence(board->rooms, session, request->room,
                                      stoa_bytes_make(request->info.data, request->info.len), request->away);
  reply->status = name_of_error(status);
  return NULL;
}
