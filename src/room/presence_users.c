#include "room/presence_users.h"

#include "base/memory.h"
#include "room/name.h"

#include <assert.h>

/* What a user costs in a list beside its id and its info; the comment of rooms.presence_bytes_max has it too. */
#define USER_BYTES 40u

_Static_assert(sizeof(struct stoa_room_visit) <= 72, "its comment and docs/rooms.md say what a session costs");
_Static_assert(sizeof(struct stoa_room_presence_user) <= 88, "its comment and docs/rooms.md say what a user costs");

static struct stoa_bytes key_of(const void *object) {
  const struct stoa_room_presence_user *user = object;
  return stoa_bytes_make(user->id, user->id_len);
}

static struct stoa_bytes bytes_of(const struct stoa_room_info *info) {
  return info == NULL ? stoa_bytes_make(NULL, 0) : stoa_bytes_make(info->data, info->len);
}

/* Visits, before they are placed. */

int stoa_room_info_create(struct stoa_bytes info, struct stoa_room_info **out_info) {
  assert(info.len <= STOA_ROOM_INFO_LEN_MAX);
  *out_info = NULL;
  if (info.len == 0) {
    return STOA_OK;
  }
  struct stoa_room_info *own = stoa_alloc(sizeof *own + info.len);
  if (own == NULL) {
    return STOA_E_MEMORY;
  }
  own->len = (uint16_t)info.len;
  memcpy(own->data, info.data, info.len);
  *out_info = own;
  return STOA_OK;
}

static struct stoa_room_presence_user *create_user(struct stoa_string id) {
  struct stoa_room_presence_user *user = stoa_calloc(1, sizeof *user + id.len);
  if (user != NULL) {
    user->id_len = (uint8_t)id.len;
    memcpy(user->id, id.data, id.len);
  }
  return user;
}

int stoa_room_visit_create(struct stoa_string user, struct stoa_bytes info, bool is_away,
                           struct stoa_room_visit **out_visit) {
  if (user.len == 0 || !stoa_room_text_is_valid(user, STOA_ROOM_USER_LEN_MAX) || info.len > STOA_ROOM_INFO_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  struct stoa_room_visit *visit = stoa_calloc(1, sizeof *visit);
  if (visit == NULL) {
    return STOA_E_MEMORY;
  }
  visit->is_away = is_away;
  visit->user = create_user(user);
  if (visit->user == NULL || stoa_room_info_create(info, &visit->info) != STOA_OK) {
    stoa_room_visit_destroy(visit);
    return STOA_E_MEMORY;
  }
  *out_visit = visit;
  return STOA_OK;
}

void stoa_room_visit_destroy(struct stoa_room_visit *visit) {
  if (visit != NULL) {
    assert(visit->room == NULL);
    stoa_free(visit->user);
    stoa_free(visit->info);
    stoa_free(visit);
  }
}

/* Users. */

int stoa_room_users_init(struct stoa_room_users *users, uint32_t count_max, size_t bytes_max) {
  *users = (struct stoa_room_users){.count_max = count_max, .bytes_max = bytes_max};
  return stoa_map_init(&users->by_id, key_of);
}

static void destroy_user(struct stoa_room_presence_user *user) {
  stoa_free(user->kept);
  stoa_free(user);
}

void stoa_room_users_fini(struct stoa_room_users *users) {
  size_t cursor = 0;
  struct stoa_room_presence_user *user;
  while ((user = stoa_map_next(&users->by_id, &cursor)) != NULL) {
    assert(user->session_count == 0);
    destroy_user(user);
  }
  stoa_map_fini(&users->by_id);
}

static void forget(struct stoa_room_presence_user *user) {
  assert(user->session_count == 0);
  assert(!user->is_changed);
  stoa_map_remove(&user->users->by_id, key_of(user));
  destroy_user(user);
}

/* What others see of it. While it has no session, that is what it was. */
static struct stoa_room_user seen_of(const struct stoa_room_presence_user *user) {
  bool is_here = user->first != NULL;
  return (struct stoa_room_user){
      .id = stoa_string_make(user->id, user->id_len),
      .info = bytes_of(is_here ? user->first->info : user->kept),
      .sessions = is_here ? user->session_count : 1,
      .is_away = is_here ? user->away_count == user->session_count : user->was_away,
  };
}

static size_t cost_of(const struct stoa_room_user *seen) {
  return USER_BYTES + seen->id.len + seen->info.len;
}

/* Changes. */

static void mark(struct stoa_room_presence_user *user) {
  struct stoa_room_users *users = user->users;
  if (users->is_truncated || user->is_changed) {
    return;
  }
  user->is_changed = true;
  user->next_changed = NULL;
  if (users->first_changed == NULL) {
    users->first_changed = user;
  } else {
    users->last_changed->next_changed = user;
  }
  users->last_changed = user;
}

static void unmark_first(struct stoa_room_users *users) {
  struct stoa_room_presence_user *user = users->first_changed;
  assert(user->is_changed);
  users->first_changed = user->next_changed;
  user->is_changed = false;
  user->is_told = true;
  if (user->is_gone) {
    forget(user);
  }
}

/* Those that are gone count too, because they stay while telling fails. */
static bool is_large(const struct stoa_room_users *users) {
  return users->count > users->count_max || users->bytes > users->bytes_max ||
         users->by_id.count / 2 > users->count_max;
}

/* Too many, or too much: from now on there is only the total. */
static void truncate_if_large(struct stoa_room_users *users) {
  if (users->is_truncated || !is_large(users)) {
    return;
  }
  while (users->first_changed != NULL) {
    unmark_first(users);
  }
  users->is_truncated = true;
  users->is_truncation_told = false;
  users->is_total_changed = true;
  users->is_relisted = false;
}

static void count_in(struct stoa_room_presence_user *user, const struct stoa_room_user *seen) {
  user->users->count++;
  user->users->bytes += cost_of(seen);
  user->users->is_total_changed = true;
}

static void count_out(struct stoa_room_presence_user *user, const struct stoa_room_user *seen) {
  assert(user->users->count > 0);
  assert(user->users->bytes >= cost_of(seen));
  user->users->count--;
  user->users->bytes -= cost_of(seen);
  user->users->is_total_changed = true;
}

/* `before` was seen of it, and its info is still there. */
static void note(struct stoa_room_presence_user *user, const struct stoa_room_user *before) {
  struct stoa_room_users *users = user->users;
  const struct stoa_room_user after = seen_of(user);
  users->bytes = users->bytes - cost_of(before) + cost_of(&after);
  if (before->sessions != after.sessions || before->is_away != after.is_away ||
      !stoa_bytes_equal(before->info, after.info)) {
    mark(user);
  }
}

static void put_first(struct stoa_room_visit *visit) {
  struct stoa_room_presence_user *user = visit->user;
  visit->previous = NULL;
  visit->next = user->first;
  if (user->first != NULL) {
    user->first->previous = visit;
  }
  user->first = visit;
}

static void take_out(struct stoa_room_visit *visit) {
  if (visit->previous != NULL) {
    visit->previous->next = visit->next;
  } else {
    visit->user->first = visit->next;
  }
  if (visit->next != NULL) {
    visit->next->previous = visit->previous;
  }
}

static void add_visit(struct stoa_room_visit *visit) {
  struct stoa_room_presence_user *user = visit->user;
  put_first(visit);
  user->session_count++;
  user->away_count += visit->is_away ? 1 : 0;
  assert(user->away_count <= user->session_count);
}

/* Its first session, or its first one after it was gone. */
static void arrive_new(struct stoa_room_presence_user *user, struct stoa_room_visit *visit) {
  assert(user->session_count == 0);
  user->is_gone = false;
  add_visit(visit);
  const struct stoa_room_user seen = seen_of(user);
  count_in(user, &seen);
  mark(user);
}

static void arrive_known(struct stoa_room_presence_user *user, struct stoa_room_visit *visit) {
  const struct stoa_room_user before = seen_of(user);
  add_visit(visit);
  note(user, &before);
}

int stoa_room_users_arrive(struct stoa_room_users *users, struct stoa_room_visit *visit) {
  struct stoa_room_presence_user *user = stoa_map_find(&users->by_id, key_of(visit->user));
  assert(visit->room == NULL);
  if (user == NULL) {
    if (stoa_map_insert(&users->by_id, visit->user) != STOA_OK) {
      return STOA_E_MEMORY;
    }
    user = visit->user;
    user->users = users;
    arrive_new(user, visit);
  } else {
    stoa_free(visit->user);
    visit->user = user;
    if (user->is_gone) {
      arrive_new(user, visit);
    } else {
      arrive_known(user, visit);
    }
  }
  stoa_free(user->kept);
  user->kept = NULL;
  truncate_if_large(users);
  return STOA_OK;
}

void stoa_room_users_set(struct stoa_room_visit *visit, struct stoa_room_info **info, bool is_away) {
  struct stoa_room_presence_user *user = visit->user;
  const struct stoa_room_user before = seen_of(user);
  bool is_other = !stoa_bytes_equal(bytes_of(visit->info), bytes_of(*info));
  struct stoa_room_info *old = visit->info;
  assert(user->session_count > 0);
  visit->info = *info;
  user->away_count += is_away ? 1 : 0;
  user->away_count -= visit->is_away ? 1 : 0;
  visit->is_away = is_away;
  if (is_other) { /* a session that only goes away must not bring its old info back */
    take_out(visit);
    put_first(visit);
  }
  note(user, &before);
  *info = old;
  truncate_if_large(user->users);
}

struct stoa_room_presence_user *stoa_room_users_depart(struct stoa_room_visit *visit) {
  struct stoa_room_presence_user *user = visit->user;
  const struct stoa_room_user before = seen_of(user);
  assert(user->session_count > 0);
  take_out(visit);
  user->session_count--;
  user->away_count -= visit->is_away ? 1 : 0;
  if (user->session_count == 0) {
    assert(user->first == NULL);
    user->was_away = before.is_away;
    user->kept = visit->info;
    visit->info = NULL;
  }
  note(user, &before);
  truncate_if_large(user->users); /* an older session's info may be longer */
  stoa_free(visit->info);
  stoa_free(visit);
  return user->session_count == 0 ? user : NULL;
}

void stoa_room_users_remove(struct stoa_room_presence_user *user) {
  const struct stoa_room_user seen = seen_of(user);
  assert(user->session_count == 0);
  assert(!user->is_gone);
  count_out(user, &seen);
  user->is_gone = true;
  if (user->users->is_truncated) {
    forget(user);
  } else {
    mark(user);
  }
}

/* Telling. */

/* Three quarters, so that a room at the bound does not change between both all the time. */
void stoa_room_users_relist(struct stoa_room_users *users) {
  bool is_small = users->count <= users->count_max - users->count_max / 4 &&
                  users->bytes <= users->bytes_max - users->bytes_max / 4;
  if (!users->is_truncated || !users->is_truncation_told || !is_small) {
    return;
  }
  size_t cursor = 0;
  struct stoa_room_presence_user *user;
  users->is_truncated = false;
  users->is_relisted = true;
  while ((user = stoa_map_next(&users->by_id, &cursor)) != NULL) {
    assert(!user->is_gone);
    user->is_told = false;
    mark(user);
  }
}

/* Of the part's users: first those that are new, then the others. */
static size_t collect_users(const struct stoa_room_users *users, uint32_t taken, bool is_told,
                            struct stoa_room_user *out_users) {
  const struct stoa_room_presence_user *user = users->first_changed;
  size_t count = 0;
  for (uint32_t i = 0; i < taken; i++, user = user->next_changed) {
    if (!user->is_gone && user->is_told == is_told) {
      out_users[count++] = seen_of(user);
    }
  }
  return count;
}

static size_t collect_leaves(const struct stoa_room_users *users, uint32_t taken, struct stoa_string *out_leaves) {
  const struct stoa_room_presence_user *user = users->first_changed;
  size_t count = 0;
  for (uint32_t i = 0; i < taken; i++, user = user->next_changed) {
    if (user->is_gone) {
      out_leaves[count++] = stoa_string_make(user->id, user->id_len);
    }
  }
  return count;
}

static uint32_t count_part(const struct stoa_room_users *users) {
  const struct stoa_room_presence_user *user = users->first_changed;
  uint32_t taken = 0;
  size_t bytes = 0;
  for (; user != NULL && taken < STOA_ROOM_DIFF_USERS_MAX; user = user->next_changed, taken++) {
    const struct stoa_room_user seen = seen_of(user);
    bytes += seen.id.len + (user->is_gone ? 0 : seen.info.len);
    if (taken > 0 && bytes > STOA_ROOM_DIFF_BYTES_MAX) {
      break;
    }
  }
  return taken;
}

void stoa_room_users_collect(const struct stoa_room_users *users, struct stoa_room_users_part *out_part) {
  struct stoa_room_presence_diff *diff = &out_part->diff;
  *diff = (struct stoa_room_presence_diff){.total = users->count, .is_truncated = users->is_truncated};
  out_part->taken = users->is_truncated ? 0 : count_part(users);
  diff->joins = out_part->users;
  diff->join_count = collect_users(users, out_part->taken, false, out_part->users);
  diff->changes = out_part->users + diff->join_count;
  diff->change_count = collect_users(users, out_part->taken, true, out_part->users + diff->join_count);
  diff->leaves = out_part->leaves;
  diff->leave_count = collect_leaves(users, out_part->taken, out_part->leaves);
  assert(diff->join_count + diff->change_count + diff->leave_count == out_part->taken);
}

void stoa_room_users_told(struct stoa_room_users *users, const struct stoa_room_users_part *part) {
  for (uint32_t i = 0; i < part->taken; i++) {
    unmark_first(users);
  }
  users->is_truncation_told = users->is_truncated;
  users->is_total_changed = false;
  users->is_relisted = false;
}

bool stoa_room_users_next(const struct stoa_room_users *users, size_t *cursor, struct stoa_room_user *out_user) {
  const struct stoa_room_presence_user *user;
  if (users->is_truncated) {
    return false;
  }
  do {
    user = stoa_map_next(&users->by_id, cursor);
  } while (user != NULL && user->is_gone);
  if (user != NULL) {
    *out_user = seen_of(user);
  }
  return user != NULL;
}
