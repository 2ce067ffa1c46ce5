#include "server/membership.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/member.h"
#include "server/side.h"
#include "server/worker_core.h"

#include <assert.h>

static struct stoa_groups *groups_of(const struct stoa_session *session) {
  return &stoa_worker_of(session)->groups;
}

int stoa_member_reserve_membership(struct stoa_session *session) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  return stoa_array_resize(&own->memberships, sizeof *own->memberships, (size_t)own->group_count + 1);
}

void stoa_member_free_memberships(struct stoa_session *session) {
  assert(stoa_server_session_of(session)->group_count == 0);
  stoa_free(stoa_server_session_of(session)->memberships);
  stoa_server_session_of(session)->memberships = NULL;
}

int stoa_group_join_all(struct stoa_session *session) {
  assert(!stoa_member_is_accepted(session));
  struct stoa_groups *groups = groups_of(session);
  return stoa_side_add(groups, groups->all, session, stoa_member_all_index(session));
}

static bool is_member(const struct stoa_session *session, struct stoa_string name, uint32_t *out_place) {
  for (uint32_t i = 0; i < stoa_member_group_count(session); i++) {
    if (stoa_string_equal(stoa_group_name(stoa_member_membership(session, i)->group), name)) {
      *out_place = i;
      return true;
    }
  }
  return false;
}

bool stoa_group_has(const struct stoa_session *session, struct stoa_string name) {
  uint32_t place;
  return is_member(session, name, &place);
}

int stoa_session_join(struct stoa_session *session, struct stoa_string name) {
  struct stoa_groups *groups = groups_of(session);
  uint32_t place;
  if (name.len == 0 || name.len > STOA_GROUP_NAME_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (!stoa_member_is_open(session) || !stoa_member_is_accepted(session)) {
    return STOA_E_CLOSED;
  }
  if (is_member(session, name, &place)) {
    return STOA_E_EXISTS;
  }
  if (stoa_member_group_count(session) == STOA_SESSION_GROUPS_MAX) {
    return STOA_E_LIMIT;
  }
  struct stoa_group *group =
      stoa_member_reserve_membership(session) == STOA_OK ? stoa_groups_find_or_create(groups, name) : NULL;
  if (group == NULL) {
    return STOA_E_MEMORY;
  }
  uint32_t index;
  int status = stoa_side_add(groups, group, session, &index);
  if (status != STOA_OK) {
    stoa_groups_drop_if_unused(groups, group);
    return status;
  }
  stoa_member_add_membership(session, group, index);
  return STOA_OK;
}

/* Remove the membership first: the member that moves to its index in the group must not be mistaken for it. */
static void leave(struct stoa_session *session, uint32_t place) {
  struct stoa_groups *groups = groups_of(session);
  struct stoa_membership membership = *stoa_member_membership(session, place);
  stoa_member_remove_membership(session, place);
  stoa_side_remove(groups, membership.group, session, membership.index);
  stoa_groups_drop_if_unused(groups, membership.group);
}

int stoa_session_leave(struct stoa_session *session, struct stoa_string name) {
  uint32_t place;
  if (!is_member(session, name, &place)) {
    return STOA_E_NOT_FOUND;
  }
  leave(session, place);
  return STOA_OK;
}

void stoa_group_leave_all(struct stoa_session *session) {
  assert(stoa_member_is_accepted(session));
  struct stoa_groups *groups = groups_of(session);
  while (stoa_member_group_count(session) > 0) {
    leave(session, stoa_member_group_count(session) - 1);
  }
  stoa_member_free_memberships(session);
  stoa_side_remove(groups, groups->all, session, *stoa_member_all_index(session));
}

static void flush_before(struct stoa_session *session, struct stoa_group *group, uint32_t index) {
  if (group->dirty) {
    stoa_side_take_rest(group->sides[stoa_member_variant(session, group, groups_of(session)->host.formats)], index);
  }
}

void stoa_groups_flush_before(struct stoa_session *session) {
  struct stoa_groups *groups = groups_of(session);
  if (groups->dirty == NULL || !stoa_member_is_open(session) || !stoa_member_is_accepted(session)) {
    return;
  }
  flush_before(session, groups->all, *stoa_member_all_index(session));
  for (uint32_t i = 0; i < stoa_member_group_count(session); i++) {
    const struct stoa_membership *membership = stoa_member_membership(session, i);
    flush_before(session, membership->group, membership->index);
  }
}
