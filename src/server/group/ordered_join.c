#include "server/group/ordered_join.h"

#include "base/container.h"
#include "server/group/member.h"
#include "server/group/membership.h"
#include "server/group/side.h"
#include "server/server_private.h"
#include "server/worker/table.h"

#include <assert.h>

static struct stoa_ordered_join *join_of(struct stoa_post *post) {
  return stoa_container_of(post, struct stoa_ordered_join, post);
}

static struct stoa_string name_of(const struct stoa_ordered_join *join) {
  return stoa_string_make(join->name, join->name_len);
}

static bool is_over(const struct stoa_worker *worker) {
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
  return stoa_group_join(session, join->group);
}

static void come_back(struct stoa_ordered_join *join) {
  struct stoa_worker *worker = join->from;
  if (is_over(worker)) {
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
  struct stoa_worker *owner = join->owner;
  if (is_over(owner)) {
    finish_closed(join);
    return;
  }
  join->on_owner(join); /* which may cancel it, and another thread then frees it */
  stoa_arena_reset(owner->arena);
}

/* On the owner itself the session joins at once, because a message of the next turn may come before its posts. */
static void on_place(struct stoa_placement *placement, bool has_ended) {
  struct stoa_ordered_join *join = stoa_container_of(placement, struct stoa_ordered_join, placement);
  if (has_ended) {
    finish_closed(join);
    return;
  }
  join->on_place(join);
  if (join->from == join->owner) {
    join->status = STOA_OK;
    come_back(join);
  } else {
    send_back(join, STOA_OK);
  }
}

void stoa_ordered_join_place(struct stoa_ordered_join *join) {
  join->placement.run = on_place;
  stoa_placement_request(join->owner, &join->placement, name_of(join));
}

void stoa_ordered_join_cancel(struct stoa_ordered_join *join, int status) {
  assert(status != STOA_OK);
  send_back(join, status);
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
  struct stoa_worker *owner = &server->workers[stoa_group_owner(group, server->worker_count)];
  if (is_over(owner)) {
    return STOA_E_CLOSED;
  }
  join->group = stoa_groups_find_or_create(&worker->groups, group);
  if (join->group == NULL) {
    return STOA_E_MEMORY;
  }
  uint32_t ignored;
  if (stoa_member_index(session, join->group, &ignored)) {
    return STOA_E_EXISTS;
  }
  join->variant = (uint32_t)stoa_member_variant(session, join->group, &server->formats);
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
