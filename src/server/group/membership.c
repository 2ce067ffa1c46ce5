#include "server/group/membership.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/group/member.h"
#include "server/group/side.h"
#include "server/worker/core.h"

#include <assert.h>

static struct stoa_groups *groups_of(const struct stoa_session *session) {
  return &stoa_worker_of(session)->groups;
}

static int reserve_membership(struct stoa_session *session) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  uint32_t capacity = own->group_capacity;
  if (own->group_count < capacity) {
    return STOA_OK;
  }
  /* Most sessions have one or two. */
  capacity = capacity < 4 ? capacity + 1 : capacity + capacity / 2;
  capacity = capacity < STOA_SESSION_GROUPS_MAX ? capacity : STOA_SESSION_GROUPS_MAX;
  int status = stoa_array_resize(&own->memberships, sizeof *own->memberships, capacity);
  if (status == STOA_OK) {
    own->group_capacity = (uint8_t)capacity;
  }
  return status;
}

static void free_memberships(struct stoa_server_session *own) {
  assert(own->group_count == 0);
  stoa_free(own->memberships);
  own->memberships = NULL;
  own->group_capacity = 0;
}

int stoa_group_join_all(struct stoa_session *session) {
  assert(!stoa_member_is_accepted(session));
  struct stoa_groups *groups = groups_of(session);
  return stoa_side_add(groups, groups->all, session, stoa_member_all_index(session));
}

struct stoa_membership *stoa_group_membership_of(const struct stoa_session *session, const struct stoa_group *group) {
  for (uint32_t i = 0; i < stoa_member_group_count(session); i++) {
    struct stoa_membership *membership = stoa_member_membership(session, i);
    if (membership->group == group) {
      return membership;
    }
  }
  return NULL;
}

struct stoa_membership *stoa_group_membership(const struct stoa_session *session, struct stoa_string name) {
  bool has_any = stoa_member_group_count(session) > 0 && name.len > 0;
  return has_any ? stoa_group_membership_of(session, stoa_groups_find(groups_of(session), name)) : NULL;
}

bool stoa_group_has(const struct stoa_session *session, struct stoa_string name) {
  return stoa_group_membership(session, name) != NULL;
}

int stoa_group_join(struct stoa_session *session, struct stoa_group *group) {
  uint32_t index;
  if (stoa_group_membership_of(session, group) != NULL) {
    return STOA_E_EXISTS;
  }
  if (stoa_member_group_count(session) == STOA_SESSION_GROUPS_MAX) {
    return STOA_E_LIMIT;
  }
  int status = reserve_membership(session);
  if (status == STOA_OK) {
    status = stoa_side_add(groups_of(session), group, session, &index);
  }
  if (status == STOA_OK) {
    stoa_member_add_membership(session, group, index);
  } else if (stoa_member_group_count(session) == 0) {
    free_memberships(stoa_server_session_of(session));
  }
  return status;
}

int stoa_session_join(struct stoa_session *session, struct stoa_string name) {
  struct stoa_groups *groups = groups_of(session);
  if (name.len == 0 || name.len > STOA_GROUP_NAME_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (!stoa_member_is_open(session) || !stoa_member_is_accepted(session)) {
    return STOA_E_CLOSED;
  }
  struct stoa_group *group = stoa_groups_find_or_create(groups, name);
  if (group == NULL) {
    return STOA_E_MEMORY;
  }
  int status = stoa_group_join(session, group);
  if (status != STOA_OK) {
    stoa_groups_drop_if_unused(groups, group);
  }
  return status;
}

/* Remove the membership first: the member that moves to its index in the group must not be mistaken for it. */
static void leave(struct stoa_session *session, struct stoa_membership *at) {
  struct stoa_groups *groups = groups_of(session);
  struct stoa_membership membership = *at;
  stoa_member_remove_membership(session, at);
  stoa_side_remove(groups, membership.group, session, membership.index);
  stoa_groups_drop_if_unused(groups, membership.group);
  if (stoa_member_group_count(session) == 0) {
    free_memberships(stoa_server_session_of(session));
  }
}

int stoa_session_leave(struct stoa_session *session, struct stoa_string name) {
  struct stoa_membership *membership = stoa_group_membership(session, name);
  if (membership == NULL) {
    return STOA_E_NOT_FOUND;
  }
  leave(session, membership);
  return STOA_OK;
}

void stoa_group_leave_all(struct stoa_session *session) {
  assert(stoa_member_is_accepted(session));
  struct stoa_groups *groups = groups_of(session);
  for (uint32_t i = stoa_member_group_count(session); i > 0; i--) {
    struct stoa_membership *membership = stoa_member_membership(session, i - 1);
    if (membership->mark == 0) {
      leave(session, membership);
    }
  }
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
