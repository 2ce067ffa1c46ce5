#include "presence_view.h"

#include <assert.h>
#include <string.h>

static void copy(char *out_text, size_t size, const void *data, size_t len) {
  assert(len < size);
  memset(out_text, 0, size);
  if (len > 0) {
    memcpy(out_text, data, len);
  }
}

const struct presence_view_user *presence_view_find(const struct presence_view *view, const char *id) {
  for (uint32_t i = 0; i < view->count; i++) {
    if (strcmp(view->users[i].id, id) == 0) {
      return &view->users[i];
    }
  }
  return NULL;
}

static struct presence_view_user *find(struct presence_view *view, const char *id) {
  const struct presence_view_user *user = presence_view_find(view, id);
  return user == NULL ? NULL : &view->users[user - view->users];
}

void presence_view_begin(struct presence_view *view, uint64_t version, uint32_t total, bool is_truncated) {
  view->has_list = true;
  view->is_truncated = is_truncated;
  view->version = version;
  view->total = total;
  view->count = 0;
}

bool presence_view_begin_diff(struct presence_view *view, uint64_t version, uint32_t total, bool is_truncated) {
  if (!view->has_list || version <= view->version) {
    return false;
  }
  uint32_t count = view->count;
  bool is_kept = !is_truncated && !view->is_truncated;
  presence_view_begin(view, version, total, is_truncated);
  view->count = is_kept ? count : 0;
  return true;
}

void presence_view_put(struct presence_view *view, struct stoa_string id, struct stoa_bytes info, uint32_t sessions,
                       bool is_away) {
  struct presence_view_user user = {.sessions = sessions, .is_away = is_away};
  copy(user.id, sizeof user.id, id.data, id.len);
  copy(user.info, sizeof user.info, info.data, info.len);
  struct presence_view_user *known = find(view, user.id);
  assert(!view->is_truncated);
  if (known == NULL) {
    assert(view->count < PRESENCE_VIEW_MAX);
    known = &view->users[view->count++];
  }
  *known = user;
}

void presence_view_remove(struct presence_view *view, struct stoa_string id) {
  char text[32];
  copy(text, sizeof text, id.data, id.len);
  struct presence_view_user *known = find(view, text);
  if (known != NULL) {
    *known = view->users[--view->count];
  }
}

bool presence_view_equal(const struct presence_view *a, const struct presence_view *b) {
  if (a->is_truncated != b->is_truncated || a->total != b->total || a->count != b->count) {
    return false;
  }
  for (uint32_t i = 0; i < a->count; i++) {
    const struct presence_view_user *user = &a->users[i];
    const struct presence_view_user *other = presence_view_find(b, user->id);
    if (other == NULL || strcmp(user->info, other->info) != 0 || user->sessions != other->sessions ||
        user->is_away != other->is_away) {
      return false;
    }
  }
  return true;
}
