#include "server/group/placement.h"

#include "server/server_private.h"

#include <assert.h>

static struct stoa_group *group_of(struct stoa_worker *owner, const struct stoa_placement *placement) {
  return stoa_groups_find(&owner->groups, stoa_string_make(placement->name, placement->name_len));
}

static void append(struct stoa_worker *owner, struct stoa_placement *placement) {
  struct stoa_placements *placements = &owner->placements;
  struct stoa_group *group = group_of(owner, placement);
  if (group != NULL && group->dirty) {
    stoa_groups_mark_dirty(&owner->groups, group, 0); /* what lingers leaves now */
  }
  placement->next = NULL;
  if (placements->first == NULL) {
    placements->first = placement;
  } else {
    placements->last->next = placement;
  }
  placements->last = placement;
}

void stoa_placement_request(struct stoa_worker *owner, struct stoa_placement *placement, struct stoa_string group) {
  assert(owner == stoa_worker_current());
  assert(group.len > 0 && group.len <= sizeof placement->name);
  assert(stoa_group_owner(group, owner->server->worker_count) == owner->index);
  placement->name_len = (uint8_t)group.len;
  memcpy(placement->name, group.data, group.len);
  append(owner, placement);
}

/* Something was published to the group after its messages of this turn had left. */
static bool must_wait(struct stoa_worker *owner, const struct stoa_placement *placement) {
  const struct stoa_group *group = group_of(owner, placement);
  return group != NULL && group->dirty;
}

static struct stoa_placement *take_all(struct stoa_worker *owner) {
  struct stoa_placement *first = owner->placements.first;
  owner->placements.first = NULL;
  return first;
}

void stoa_placements_run(struct stoa_worker *owner) {
  struct stoa_placement *placement = take_all(owner);
  while (placement != NULL) {
    struct stoa_placement *next = placement->next;
    if (must_wait(owner, placement)) {
      append(owner, placement);
    } else {
      placement->run(placement, false);
      stoa_arena_reset(owner->arena);
    }
    placement = next;
  }
}

void stoa_placements_end(struct stoa_worker *owner) {
  struct stoa_placement *placement = take_all(owner);
  while (placement != NULL) {
    struct stoa_placement *next = placement->next;
    placement->run(placement, true);
    placement = next;
  }
}
