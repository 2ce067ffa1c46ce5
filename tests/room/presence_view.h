/* tests/room/presence_view.h: what a client knows of the users in a room, from a list and the diffs above it.
 *
 * Does not know: how lists and diffs come. Takes no memory.
 */
#ifndef TESTS_ROOM_PRESENCE_VIEW_H
#define TESTS_ROOM_PRESENCE_VIEW_H

#include <stoa/bytes.h>

#define PRESENCE_VIEW_MAX 256

struct presence_view_user {
  char id[32], info[64];
  uint32_t sessions;
  bool is_away;
};

struct presence_view {
  bool has_list; /* while it has none, diffs are ignored */
  bool is_truncated;
  uint64_t version;
  uint32_t total;
  uint32_t count;
  struct presence_view_user users[PRESENCE_VIEW_MAX];
};

/* Empty it, and begin with what a list says; its users follow. */
void presence_view_begin(struct presence_view *view, uint64_t version, uint32_t total, bool is_truncated);
/* Begin with a diff; false: ignore it. */
bool presence_view_begin_diff(struct presence_view *view, uint64_t version, uint32_t total, bool is_truncated);
/* Add a user, or change it. */
void presence_view_put(struct presence_view *view, struct stoa_string id, struct stoa_bytes info, uint32_t sessions,
                       bool is_away);
void presence_view_remove(struct presence_view *view, struct stoa_string id);
/* NULL: it is not there. */
const struct presence_view_user *presence_view_find(const struct presence_view *view, const char *id);
/* The same users and total; versions do not count. */
bool presence_view_equal(const struct presence_view *a, const struct presence_view *b);

#endif
