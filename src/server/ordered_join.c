#include "server/ordered_join.h"

#include "base/container.h"
#include "server/member.h"
#include "server/membership.h"
#include "server/server_private.h"
#include "server/side.h"
#include "server/worker_table.h"

#include <assert.h>

static struct stoa_ordered_join *join_of(struct stoa_post *post) {
  return stoa_container_of(post, struct stoa_ordered_join, post);
}

static struct stoa_string name_of(const struct stoa_ordered_join *join) {
  return stoa_string_make(join->name, join->name_len);
}

static bool has_ended(const struct stoa_worker *worker) {
  return atomic_load(&worker->work.ended);
}

/* The groups of a server that is being destroyed need no release. */
static void finish_closed(struct stoa_ordered_join *join) {
  join->on_joined(join, NULL, STOA_E_CLOSED);
}

/* Back on the session's worker. */

static int enter(struct stoa_ordered_join *join, struct stoa_session *session) {
  if (session == NULL || !stoa_member_is_open(session) || !stoa_member_is_accepted(session)) {
    return STOA_E_NOT_FOUND;
  }
  if (stoa_side_held_lost(join->group, join->variant)) {
    return STOA_E_MEMORY; /* this worker missed a message meanwhile */
  }
  return stoa_session_join(session, name_of(join));
}

static void come_back(struct stoa_ordered_join *join) {
  struct stoa_worker *worker = join->from;
  if (has_ended(worker)) {
    finish_closed(join);
    return;
  }
  struct stoa_session *session = stoa_worker_find(worker, &join->session_id);
  int status = join->status == STOA_OK ? enter(join, session) : join->status;
  stoa_side_release(&worker->groups, join->group, join->variant);
  stoa_groups_drop_if_unused(&worker->groups, join->group);
  join->on_joined(join, status == STOA_OK ? session : NULL, status);
  stoa_arena_reset(worker->arena);
}

static void on_return(struct stoa_post *post) {
  come_back(join_of(post));
}

static void send_back(struct stoa_ordered_join *join, int status) {
  join->status = status;
  join->post.run = on_return;
  stoa_loop_post(join->from->loop, &join->post);
}

/* On the owner. */

static void on_request(struct stoa_post *post) {
  struct stoa_ordered_join *join = join_of(post);
  if (has_ended(join->owner)) {
    finish_closed(join);
    return;
  }
  join->on_owner(join);
  stoa_arena_reset(join->owner->arena);
}

void stoa_ordered_join_place(struct stoa_ordered_join *join) {
  struct stoa_worker *owner = join->owner;
  struct stoa_ordered_joins *joins = &owner->joins;
  assert(owner == stoa_worker_current());
  struct stoa_group *group = stoa_groups_find(&owner->groups, name_of(join));
  if (group != NULL && group->dirty) {
    stoa_groups_mark_dirty(&owner->groups, group, 0); /* what lingers leaves now */
  }
  join->next = NULL;
  if (joins->first == NULL) {
    joins->first = join;
  } else {
    joins->last->next = join;
  }
  joins->last = join;
}

void stoa_ordered_join_cancel(struct stoa_ordered_join *join, int status) {
  assert(status != STOA_OK);
  send_back(join, status);
}

/* Has something been published to the group since its messages left in this turn? */
static bool waits(struct stoa_worker *owner, const struct stoa_ordered_join *join) {
  const struct stoa_group *group = stoa_groups_find(&owner->groups, name_of(join));
  return group != NULL && group->dirty;
}

/* On the owner itself the session joins at once, because a message of the next turn may come before its posts. */
static void pass_on(struct stoa_ordered_join *join) {
  if (join->from == join->owner) {
    join->status = STOA_OK;
    come_back(join);
  } else {
    send_back(join, STOA_OK);
  }
}

void stoa_ordered_joins_run(struct stoa_worker *owner) {
  struct stoa_ordered_join *join = owner->joins.first;
  owner->joins.first = NULL;
  while (join != NULL) {
    struct stoa_ordered_join *next = join->next;
    if (waits(owner, join)) {
      stoa_ordered_join_place(join);
    } else {
      join->on_place(join);
      assert(!waits(owner, join));
      stoa_arena_reset(owner->arena);
      pass_on(join);
    }
    join = next;
  }
}

void stoa_ordered_joins_end(struct stoa_worker *owner) {
  struct stoa_ordered_join *join = owner->joins.first;
  owner->joins.first = NULL;
  while (join != NULL) {
    struct stoa_ordered_join *next = join->next;
    finish_closed(join);
    join = next;
  }
}

/* The beginning. */

int stoa_ordered_join_begin(struct stoa_ordered_join *join, struct stoa_session *session, struct stoa_string group) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_server *server = worker->server;
  assert(join->on_owner != NULL && join->on_place != NULL && join->on_joined != NULL);
  assert(worker == stoa_worker_current());
  if (group.len == 0 || group.len > STOA_GROUP_NAME_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (!stoa_member_is_open(session) || !stoa_member_is_accepted(session)) {
    return STOA_E_CLOSED;
  }
  if (stoa_group_has(session, group)) {
    return STOA_E_EXISTS;
  }
  struct stoa_worker *owner = &server->workers[stoa_group_owner(group, server->worker_count)];
  if (has_ended(owner)) {
    return STOA_E_CLOSED;
  }
  join->group = stoa_groups_find_or_create(&worker->groups, group);
  if (join->group == NULL) {
    return STOA_E_MEMORY;
  }
  join->variant = (uint32_t)stoa_member_variant(session, &server->formats);
  if (stoa_side_hold(&worker->groups, join->group, join->variant) != STOA_OK) {
    stoa_groups_drop_if_unused(&worker->groups, join->group);
    return STOA_E_MEMORY;
  }
  join->from = worker;
  join->owner = owner;
  join->session_id = *stoa_session_id(session);
  join->name_len = (uint8_t)group.len;
  memcpy(join->name, group.data, group.len);
  join->post.run = on_request;
  stoa_loop_post(owner->loop, &join->post);
  return STOA_OK;
}
