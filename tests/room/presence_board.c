#include "presence_board.h"

#include <assert.h>

static void put(struct presence_view *view, const struct board_v1_user *user) {
  presence_view_put(view, user->id, stoa_bytes_make(user->info.data, user->info.len), user->sessions, user->away);
}

void presence_take_list(struct presence_view *view, const struct board_v1_list_reply *list) {
  assert(list->version > 0);
  presence_view_begin(view, list->version, list->total, list->truncated);
  for (size_t i = 0; i < list->users.count; i++) {
    put(view, &list->users.items[i]);
  }
}

bool presence_apply(struct presence_view *view, const struct board_v1_changes_message *changes) {
  if (!presence_view_begin_diff(view, changes->version, changes->total, changes->truncated)) {
    return false;
  }
  for (size_t i = 0; i < changes->joins.count; i++) {
    put(view, &changes->joins.items[i]);
  }
  for (size_t i = 0; i < changes->changes.count; i++) {
    put(view, &changes->changes.items[i]);
  }
  for (size_t i = 0; i < changes->leaves.count; i++) {
    presence_view_remove(view, changes->leaves.items[i]);
  }
  return true;
}
