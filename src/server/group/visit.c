/* server/group/visit.c: visits sessions and groups while the program may change them.
 *
 * It walks a copy, made before the first visit, because arrays of members change their order when a member leaves.
 * Sessions in the copy stay valid, because they are freed only at the end of the turn.
 */
#include "base/memory.h"
#include "server/group/member.h"
#include "server/group/membership.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/worker.h>

/* Copy the members of a group on this worker, at least one. NULL when memory is out. */
static struct stoa_session **copy_members(const struct stoa_group *group) {
  struct stoa_session **sessions = stoa_alloc(group->member_count * sizeof(struct stoa_session *));
  size_t count = 0;
  if (sessions == NULL) {
    return NULL;
  }
  for (size_t variant = 0; variant < group->variant_count; variant++) {
    const struct stoa_group_side *side = group->sides[variant];
    for (uint32_t i = 0; side != NULL && i < side->count; i++) {
      sessions[count++] = side->members[i].session;
    }
  }
  assert(count == group->member_count);
  return sessions;
}

/* An empty name means the group of all. */
static bool is_still_member(const struct stoa_session *session, struct stoa_string name) {
  return stoa_member_is_open(session) &&
         (name.len == 0 ? stoa_member_is_accepted(session) : stoa_group_has(session, name));
}

/* The group may be freed after the first visit; `name` stays valid. */
static int visit_members(const struct stoa_group *group, struct stoa_string name, stoa_worker_session_visit *visit,
                         void *context) {
  if (group == NULL || group->member_count == 0) {
    return STOA_OK;
  }
  size_t count = group->member_count;
  struct stoa_session **sessions = copy_members(group);
  if (sessions == NULL) {
    return STOA_E_MEMORY;
  }
  bool goes_on = true;
  for (size_t i = 0; i < count && goes_on; i++) {
    goes_on = !is_still_member(sessions[i], name) || visit(context, sessions[i]);
  }
  stoa_free(sessions);
  return STOA_OK;
}

int stoa_worker_each_session(struct stoa_server *server, stoa_worker_session_visit *visit, void *context) {
  const struct stoa_worker *worker = stoa_worker_here(server);
  return worker == NULL ? STOA_E_ARGUMENT
                        : visit_members(worker->groups.all, stoa_string_make(NULL, 0), visit, context);
}

int stoa_worker_each_member(struct stoa_server *server, struct stoa_string group, stoa_worker_session_visit *visit,
                            void *context) {
  struct stoa_worker *worker = stoa_worker_here(server);
  if (worker == NULL || group.len == 0 || group.len > STOA_GROUP_NAME_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  return visit_members(stoa_groups_find(&worker->groups, group), group, visit, context);
}

/* 8 KiB on the stack, so that it cannot fail. */
struct name {
  uint8_t len;
  char text[STOA_GROUP_NAME_LEN_MAX];
};

void stoa_session_each_group(struct stoa_session *session, stoa_session_group_visit *visit, void *context) {
  struct name names[STOA_SESSION_GROUPS_MAX];
  uint32_t count = stoa_member_group_count(session);
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_group *group = stoa_member_membership(session, i)->group;
    names[i].len = group->name_len;
    memcpy(names[i].text, stoa_group_name(group).data, group->name_len);
  }
  bool goes_on = true;
  for (uint32_t i = 0; i < count && goes_on; i++) {
    struct stoa_string name = stoa_string_make(names[i].text, names[i].len);
    goes_on = !stoa_group_has(session, name) || visit(context, name);
  }
}
