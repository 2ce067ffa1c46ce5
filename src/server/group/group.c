#include "server/group/group.h"

#include "base/memory.h"

#include <assert.h>

static struct stoa_bytes group_key(const void *object) {
  struct stoa_string name = stoa_group_name(object);
  return stoa_bytes_make(name.data, name.len);
}

static struct stoa_group *create(struct stoa_groups *groups, struct stoa_string name) {
  size_t variant_count = stoa_formats_variant_count(groups->host.formats);
  assert(name.len <= STOA_GROUP_NAME_LEN_MAX);
  struct stoa_group *group =
      stoa_calloc(1, sizeof *group + variant_count * sizeof(struct stoa_group_side *) + name.len);
  if (group == NULL) {
    return NULL;
  }
  group->variant_count = (uint8_t)variant_count;
  group->name_len = (uint8_t)name.len;
  if (name.len > 0) {
    group->keeps_plain_apart = name.data[0] == STOA_GROUP_MARK_APART;
    memcpy(&group->sides[variant_count], name.data, name.len);
  }
  group->owner = stoa_group_owner(name, groups->host.worker_count);
  group->interest = stoa_interest_acquire(groups->host.interests, name, true);
  if (group->interest == NULL) {
    stoa_free(group);
    return NULL;
  }
  return group;
}

static void destroy(struct stoa_groups *groups, struct stoa_group *group) {
  if (group == NULL) {
    return;
  }
  stoa_interest_release(groups->host.interests, group->interest);
  for (size_t i = 0; i < group->variant_count; i++) {
    if (group->sides[i] != NULL) {
      stoa_batch_unref(group->sides[i]->batch);
      stoa_free(group->sides[i]->members);
      stoa_exclusions_clear(&group->sides[i]->exclusions);
      stoa_free(group->sides[i]);
    }
  }
  stoa_free(group);
}

int stoa_groups_init(struct stoa_groups *groups, const struct stoa_groups_host *host, struct stoa_loop *loop,
                     uint32_t linger_ms, bool linger_adaptive) {
  assert(host->worker < host->worker_count);
  groups->host = *host;
  int status = stoa_map_init(&groups->by_name, group_key);
  if (status != STOA_OK) {
    return status;
  }
  stoa_linger_init(&groups->linger, loop, linger_ms, linger_adaptive);
  groups->all = create(groups, stoa_string_make(NULL, 0));
  if (groups->all == NULL) {
    stoa_groups_fini(groups);
    return STOA_E_MEMORY;
  }
  return STOA_OK;
}

void stoa_groups_fini(struct stoa_groups *groups) {
  size_t cursor = 0;
  for (void *group = stoa_map_next(&groups->by_name, &cursor); group != NULL;
       group = stoa_map_next(&groups->by_name, &cursor)) {
    destroy(groups, group);
  }
  stoa_map_fini(&groups->by_name);
  destroy(groups, groups->all);
  groups->all = NULL;
  groups->dirty = NULL;
  stoa_batch_unref(groups->spare);
  groups->spare = NULL;
}

uint32_t stoa_group_owner(struct stoa_string name, uint32_t worker_count) {
  /* FNV-1a: all workers must agree, so the seeded hash of the tables is of no use here. */
  uint32_t hash = 2166136261u;
  bool has_mark = name.len > 0 && (uint8_t)name.data[0] < 0x20;
  for (size_t i = has_mark ? 1 : 0; i < name.len; i++) {
    hash = (hash ^ (uint8_t)name.data[i]) * 16777619u;
  }
  return name.len == 0 ? 0 : hash % worker_count;
}

struct stoa_group *stoa_groups_find(struct stoa_groups *groups, struct stoa_string name) {
  if (name.len == 0) {
    return groups->all;
  }
  return stoa_map_find(&groups->by_name, stoa_bytes_make(name.data, name.len));
}

struct stoa_group *stoa_groups_find_or_create(struct stoa_groups *groups, struct stoa_string name) {
  struct stoa_group *group = stoa_groups_find(groups, name);
  if (group != NULL) {
    return group;
  }
  group = create(groups, name);
  if (group != NULL && stoa_map_insert(&groups->by_name, group) != STOA_OK) {
    destroy(groups, group);
    return NULL;
  }
  return group;
}

static bool has_interest(const struct stoa_group *group) {
  for (size_t i = 0; i < group->variant_count; i++) {
    if (stoa_group_interested(group, i) != 0) {
      return true;
    }
  }
  return false;
}

void stoa_groups_drop_if_unused(struct stoa_groups *groups, struct stoa_group *group) {
  if (group == groups->all || group->dirty || group->member_count > 0 || group->hold_count > 0 ||
      (group->owner == groups->host.worker && has_interest(group))) {
    return;
  }
  const void *removed = stoa_map_remove(&groups->by_name, group_key(group));
  assert(removed == group);
  (void)removed;
  destroy(groups, group);
}

struct stoa_group_side *stoa_group_side_of(struct stoa_group *group, size_t variant) {
  assert(variant < group->variant_count);
  if (group->sides[variant] == NULL) {
    group->sides[variant] = stoa_calloc(1, sizeof *group->sides[variant]);
    if (group->sides[variant] != NULL) {
      group->sides[variant]->batch_number = 1;
    }
  }
  return group->sides[variant];
}

void stoa_groups_mark_dirty(struct stoa_groups *groups, struct stoa_group *group, uint64_t due_ns) {
  if (group->dirty) {
    group->due_ns = due_ns < group->due_ns ? due_ns : group->due_ns;
  } else {
    group->dirty = true;
    group->due_ns = due_ns;
    group->next_dirty = groups->dirty;
    groups->dirty = group;
  }
}

void stoa_groups_review(struct stoa_groups *groups, struct stoa_string name) {
  struct stoa_group *group = stoa_groups_find(groups, name);
  if (group != NULL) {
    stoa_groups_drop_if_unused(groups, group);
  }
}

/* The table must not change while it is walked, so the end of the turn drops unused groups. */
static void review_all(struct stoa_groups *groups) {
  size_t cursor = 0;
  for (struct stoa_group *group = stoa_map_next(&groups->by_name, &cursor); group != NULL;
       group = stoa_map_next(&groups->by_name, &cursor)) {
    if (group->member_count == 0 && !group->dirty) {
      stoa_groups_mark_dirty(groups, group, 0);
    }
  }
}

void stoa_groups_trim(struct stoa_groups *groups) {
  if (!groups->spare_used) {
    stoa_batch_unref(groups->spare);
    groups->spare = NULL;
  }
  groups->spare_used = false;
  if (atomic_exchange_explicit(&groups->review_due, false, memory_order_acquire)) {
    review_all(groups);
  }
}
