#include "server/group/fanout.h"

#include "base/uninitialized.h"
#include "server/group/side.h"
#include "server/session_id.h"

#include <assert.h>

/* Offsets in a batch have 32 bits. Other limits are reached long before: gathered_bytes_max for publishing on the
 * owner, the budgets of the mailboxes for other threads. */
#define BATCH_BYTES_MAX ((size_t)1024 * 1024 * 1024)
/* A batch kept warm for the next turn is at most this big. */
#define SPARE_BYTES_MAX ((size_t)1024 * 1024)
#define LINGER_BYTES_MAX ((size_t)64 * 1024)

static size_t variant_count(const struct stoa_groups *groups) {
  return stoa_formats_variant_count(groups->host.formats);
}

static size_t batch_len(const struct stoa_group_side *side) {
  return side == NULL || side->batch == NULL ? 0 : side->batch->bytes.len;
}

/* Batches. */

static struct stoa_batch *open_batch(struct stoa_groups *groups, struct stoa_group_side *side) {
  if (side->batch == NULL) {
    assert(groups->spare == NULL || groups->spare->bytes.len == 0);
    side->batch = groups->spare;
    groups->spare = NULL;
    groups->spare_used = true;
    if (side->batch == NULL) {
      side->batch = stoa_batch_create(BATCH_BYTES_MAX);
    }
  }
  return side->batch;
}

static void close_batch(struct stoa_groups *groups, const struct stoa_group *group, struct stoa_group_side *side) {
  struct stoa_batch *batch = side->batch;
  assert(batch != NULL);
  size_t exclusion_bytes = stoa_exclusions_clear(&side->exclusions);
  if (group->owner == groups->host.worker) {
    assert(groups->gathered_bytes >= batch->bytes.len + exclusion_bytes);
    groups->gathered_bytes -= batch->bytes.len + exclusion_bytes;
  }
  side->batch = NULL;
  stoa_side_next_batch(side);
  if (groups->spare == NULL && stoa_batch_sole(batch) && batch->bytes.cap <= SPARE_BYTES_MAX) {
    batch->bytes.len = 0;
    groups->spare = batch;
    return;
  }
  stoa_batch_unref(batch);
}

static void close_batches(struct stoa_groups *groups, struct stoa_group *group) {
  for (size_t variant = 0; variant < variant_count(groups); variant++) {
    if (group->sides[variant] != NULL && group->sides[variant]->batch != NULL) {
      close_batch(groups, group, group->sides[variant]);
    }
  }
}

/* Losses. */

static void lose_on(struct stoa_groups *groups, struct stoa_interest *interest, size_t variant, uint32_t to) {
  assert(to != groups->host.worker);
  assert(to < groups->host.worker_count);
  /* Set the mark before the post, so that the run of the post sees it. */
  atomic_fetch_or(&interest->variants[variant].lost, (uint64_t)1 << to);
  groups->host.tell_lost(groups->host.context, to);
}

/* A message cannot be sent to the members of a variant: close them on all workers. Their batch is closed too, or a new
 * member would get the messages after the lost one. group NULL: this worker does not have it. */
static void lose(struct stoa_groups *groups, struct stoa_interest *interest, struct stoa_group *group, size_t variant) {
  uint64_t others = atomic_load(&interest->variants[variant].workers) & ~((uint64_t)1 << groups->host.worker);
  for (uint32_t to = 0; others != 0; to++, others >>= 1) {
    if ((others & 1) != 0) {
      lose_on(groups, interest, variant, to);
    }
  }
  struct stoa_group_side *side = group == NULL ? NULL : group->sides[variant];
  if (side == NULL) {
    return;
  }
  stoa_groups_mark_dirty(groups, group, 0); /* keeps the group when its last member leaves */
  stoa_side_close_lost(side);
  if (side->batch != NULL) {
    close_batch(groups, group, side);
  }
}

static bool has_lost(const struct stoa_groups *groups, const struct stoa_group *group, size_t variant) {
  return (atomic_load(&group->interest->variants[variant].lost) >> groups->host.worker & 1) != 0;
}

static void mark_if_lost(struct stoa_groups *groups, struct stoa_group *group) {
  for (size_t variant = 0; variant < variant_count(groups); variant++) {
    if (has_lost(groups, group, variant)) {
      stoa_groups_mark_dirty(groups, group, 0);
    }
  }
}

void stoa_fanout_close_lost(struct stoa_groups *groups) {
  size_t cursor = 0;
  /* Closing sessions changes the table of groups, but not the list of dirty groups. */
  mark_if_lost(groups, groups->all);
  for (struct stoa_group *group = stoa_map_next(&groups->by_name, &cursor); group != NULL;
       group = stoa_map_next(&groups->by_name, &cursor)) {
    mark_if_lost(groups, group);
  }
  for (struct stoa_group *group = groups->dirty; group != NULL; group = group->next_dirty) {
    for (size_t variant = 0; variant < variant_count(groups); variant++) {
      if (has_lost(groups, group, variant)) {
        atomic_fetch_and(&group->interest->variants[variant].lost, ~((uint64_t)1 << groups->host.worker));
        if (group->sides[variant] != NULL) {
          stoa_side_close_lost(group->sides[variant]);
        }
      }
    }
  }
}

/* Messages. */

static int write_variant(struct stoa_groups *groups, struct stoa_group_side *side, size_t variant,
                         struct stoa_outgoing *outgoing) {
  bool compressed = stoa_variant_is_compressed(variant);
  struct stoa_batch *batch = open_batch(groups, side);
  struct stoa_deflater *deflater = compressed ? groups->host.deflater(groups->host.context) : NULL;
  if (batch == NULL || (compressed && deflater == NULL)) {
    return STOA_E_MEMORY;
  }
  return stoa_format_write(&groups->host.formats->items[stoa_variant_format(variant)], deflater, outgoing,
                           &batch->bytes);
}

/* A large batch is not held any longer. */
static uint64_t due_ns(const struct stoa_groups *groups, const struct stoa_group *group,
                       const struct stoa_group_side *side) {
  if (batch_len(side) >= LINGER_BYTES_MAX) {
    return 0;
  }
  return group->dirty ? group->due_ns : stoa_linger_due_ns(&groups->linger, group->last_ns);
}

/* Must the excluded session be put on the list of exclusions? Only if it is on another worker. */
static bool is_listed(const struct stoa_groups *groups, const struct stoa_uuid *except) {
  return except != NULL && stoa_session_id_worker(except, groups->host.worker_count) != groups->host.worker;
}

static int append_variant(struct stoa_groups *groups, struct stoa_group *group, size_t variant,
                          struct stoa_outgoing *outgoing, const struct stoa_uuid *except) {
  struct stoa_group_side *side = stoa_group_side_of(group, variant);
  size_t before = batch_len(side);
  assert(group->owner == groups->host.worker); /* only the owner puts messages in order */
  int status = side == NULL ? STOA_E_MEMORY : STOA_OK;
  if (status == STOA_OK && is_listed(groups, except)) {
    status = stoa_exclusions_reserve(&side->exclusions);
  }
  if (status == STOA_OK) {
    status = write_variant(groups, side, variant, outgoing);
  }
  groups->gathered_bytes += batch_len(side) - before;
  stoa_groups_mark_dirty(groups, group, due_ns(groups, group, side));
  return status;
}

/* When one variant fails, remove the message from the variants before it: all members get it, or none. */
static void take_back(struct stoa_groups *groups, struct stoa_group *group, uint64_t written,
                      const size_t lens[STOA_VARIANTS_MAX]) {
  for (size_t i = 0; i < group->variant_count; i++) {
    if ((written >> i & 1) != 0) {
      assert(group->sides[i]->batch->bytes.len >= lens[i]);
      assert(groups->gathered_bytes >= group->sides[i]->batch->bytes.len - lens[i]);
      groups->gathered_bytes -= group->sides[i]->batch->bytes.len - lens[i];
      group->sides[i]->batch->bytes.len = lens[i];
    }
  }
}

/* Exclude a session from the last message of the batch. Cannot fail: append_variant() has made room. */
static void exclude(struct stoa_groups *groups, struct stoa_group *group, size_t variant, size_t start,
                    const struct stoa_uuid *except) {
  struct stoa_group_side *side = group->sides[variant];
  if (except == NULL) {
    return;
  }
  const struct stoa_exclusion exclusion = {*except, (uint32_t)start, (uint32_t)side->batch->bytes.len};
  if (is_listed(groups, except)) {
    groups->gathered_bytes += stoa_exclusions_add(&side->exclusions, except, exclusion.start, exclusion.end);
  } else {
    stoa_side_exclude(groups, group, variant, &exclusion);
  }
}

/* Has the variant members who get this message? */
static bool receives(const struct stoa_group *group, size_t variant, const struct stoa_outgoing *outgoing) {
  assert(!outgoing->leaves_out_plain || group->keeps_plain_apart);
  return stoa_group_interested(group, variant) != 0 && !(outgoing->leaves_out_plain && stoa_variant_is_plain(variant));
}

static int append_to(struct stoa_groups *groups, struct stoa_group *group, struct stoa_outgoing *outgoing,
                     const struct stoa_uuid *except) {
  size_t lens[STOA_VARIANTS_MAX] STOA_UNINITIALIZED; /* of those that were written */
  uint64_t written = 0;
  for (size_t i = 0; i < variant_count(groups); i++) {
    if (!receives(group, i, outgoing)) {
      continue;
    }
    lens[i] = batch_len(group->sides[i]);
    int status = append_variant(groups, group, i, outgoing, except);
    if (status != STOA_OK) {
      take_back(groups, group, written, lens);
      return status;
    }
    written |= (uint64_t)1 << i;
  }
  /* Not earlier: a range that a member has skipped cannot be taken back. */
  for (size_t i = 0; except != NULL && i < variant_count(groups); i++) {
    if ((written >> i & 1) != 0) {
      exclude(groups, group, i, lens[i], except);
    }
  }
  return STOA_OK;
}

static int deliver_to(struct stoa_groups *groups, struct stoa_group *group, struct stoa_outgoing *outgoing,
                      const struct stoa_uuid *except) {
  int first = STOA_OK;
  for (size_t i = 0; i < variant_count(groups); i++) {
    if (!receives(group, i, outgoing)) {
      continue;
    }
    size_t start = batch_len(group->sides[i]);
    int status = append_variant(groups, group, i, outgoing, except);
    if (status == STOA_OK) {
      exclude(groups, group, i, start, except);
    } else {
      lose(groups, group->interest, group, i);
      first = first == STOA_OK ? status : first;
    }
  }
  return first;
}

/* Create the group on its owner if any worker has members of it: *out_interest is then one reference, also when memory
 * for the group is out; else NULL. */
static int find_for_append(struct stoa_groups *groups, struct stoa_string name, struct stoa_group **out_group,
                           struct stoa_interest **out_interest) {
  *out_interest = NULL;
  *out_group = stoa_groups_find(groups, name);
  if (*out_group != NULL) {
    return STOA_OK;
  }
  *out_interest = stoa_interest_acquire(groups->host.interests, name, false);
  if (*out_interest == NULL) {
    return STOA_OK; /* no members anywhere */
  }
  *out_group = stoa_groups_find_or_create(groups, name);
  return *out_group == NULL ? STOA_E_MEMORY : STOA_OK;
}

static void note_published(const struct stoa_groups *groups, int status) {
  if (status == STOA_OK) {
    stoa_metric_cell_add(groups->host.published, 1);
  }
}

int stoa_fanout_append(struct stoa_groups *groups, struct stoa_string name, struct stoa_outgoing *outgoing,
                       const struct stoa_uuid *except) {
  struct stoa_group *group;
  struct stoa_interest *interest;
  if (groups->gathered_bytes >= groups->host.gathered_bytes_max) {
    return STOA_E_LIMIT;
  }
  int status = find_for_append(groups, name, &group, &interest);
  if (group != NULL) {
    status = append_to(groups, group, outgoing, except);
    note_published(groups, status);
    stoa_groups_drop_if_unused(groups, group);
  }
  stoa_interest_release(groups->host.interests, interest);
  return status;
}

int stoa_fanout_deliver(struct stoa_groups *groups, struct stoa_string name, struct stoa_outgoing *outgoing,
                        const struct stoa_uuid *except) {
  struct stoa_group *group;
  struct stoa_interest *interest;
  int status = find_for_append(groups, name, &group, &interest);
  if (group != NULL) {
    status = deliver_to(groups, group, outgoing, except);
    note_published(groups, status);
    stoa_groups_drop_if_unused(groups, group);
  } else if (status != STOA_OK) {
    for (size_t i = 0; i < variant_count(groups); i++) {
      lose(groups, interest, NULL, i);
    }
  }
  stoa_interest_release(groups->host.interests, interest);
  return status;
}

void stoa_fanout_lose(struct stoa_groups *groups, struct stoa_string name) {
  struct stoa_interest *interest = stoa_interest_acquire(groups->host.interests, name, false);
  if (interest == NULL) {
    return; /* no members anywhere */
  }
  struct stoa_group *group = stoa_groups_find(groups, name);
  for (size_t i = 0; i < variant_count(groups); i++) {
    lose(groups, interest, group, i);
  }
  if (group != NULL) {
    stoa_groups_drop_if_unused(groups, group);
  }
  stoa_interest_release(groups->host.interests, interest);
}

/* A second batch in one turn: join both, so that a member still gets one write. Errors: STOA_E_MEMORY, STOA_E_LIMIT */
static int join_batches(struct stoa_group_side *side, const struct stoa_batch *next) {
  assert(side->batch != next);
  if (!stoa_batch_sole(side->batch)) {
    struct stoa_batch *own = stoa_batch_create(BATCH_BYTES_MAX);
    int status =
        own == NULL ? STOA_E_MEMORY : stoa_buffer_append(&own->bytes, side->batch->bytes.data, side->batch->bytes.len);
    if (status != STOA_OK) {
      stoa_batch_unref(own);
      return status;
    }
    stoa_batch_unref(side->batch);
    side->batch = own;
  }
  return stoa_buffer_append(&side->batch->bytes, next->bytes.data, next->bytes.len);
}

/* Offsets in the list are relative to the start of the owner's batch, which is `base` in this one. */
static void exclude_adopted(struct stoa_groups *groups, struct stoa_group *group, size_t variant, size_t base,
                            const struct stoa_exclusions *exclusions) {
  for (uint32_t i = 0; i < exclusions->count; i++) {
    struct stoa_exclusion exclusion = exclusions->items[i];
    exclusion.start += (uint32_t)base;
    exclusion.end += (uint32_t)base;
    stoa_side_exclude(groups, group, variant, &exclusion);
  }
}

void stoa_fanout_adopt(struct stoa_groups *groups, struct stoa_string name, size_t variant, struct stoa_batch *batch,
                       const struct stoa_exclusions *exclusions) {
  struct stoa_group *group = stoa_groups_find(groups, name);
  struct stoa_group_side *side = group == NULL ? NULL : group->sides[variant];
  if (side == NULL || side->count == 0) {
    return;
  }
  assert(group->owner != groups->host.worker);
  stoa_groups_mark_dirty(groups, group, 0); /* the owner has held it long enough */
  size_t base = batch_len(side);
  if (side->batch == NULL) {
    side->batch = stoa_batch_ref(batch);
  } else if (join_batches(side, batch) != STOA_OK) {
    stoa_side_close_lost(side);
    close_batch(groups, group, side);
    return;
  }
  exclude_adopted(groups, group, variant, base, exclusions);
}

/* The end of a turn. */

static void post_to_workers(struct stoa_groups *groups, struct stoa_group *group, size_t variant) {
  const struct stoa_group_side *side = group->sides[variant];
  uint64_t others = stoa_group_interested(group, variant) & ~((uint64_t)1 << groups->host.worker);
  for (uint32_t to = 0; others != 0; to++, others >>= 1) {
    if ((others & 1) != 0 && groups->host.post_batch(groups->host.context, to, stoa_group_name(group), variant,
                                                     side->batch, &side->exclusions) != STOA_OK) {
      lose_on(groups, group->interest, variant, to);
    }
  }
}

static void flush_group(struct stoa_groups *groups, struct stoa_group *group) {
  for (size_t variant = 0; variant < variant_count(groups); variant++) {
    if (batch_len(group->sides[variant]) == 0) {
      continue;
    }
    stoa_side_write(group->sides[variant]);
    if (group->owner == groups->host.worker) {
      post_to_workers(groups, group, variant);
    }
  }
}

/* Remove the groups that are due from the list, or all; wake the loop in time for the others. */
static struct stoa_group *take_due(struct stoa_groups *groups, uint64_t now_ns, bool all) {
  struct stoa_group *ready = NULL;
  struct stoa_group **link = &groups->dirty;
  uint64_t next_ns = UINT64_MAX;
  while (*link != NULL) {
    struct stoa_group *group = *link;
    if (group->due_ns > now_ns && !all) {
      next_ns = group->due_ns < next_ns ? group->due_ns : next_ns;
      link = &group->next_dirty;
    } else {
      *link = group->next_dirty;
      group->next_dirty = ready;
      group->last_ns = now_ns;
      ready = group;
    }
  }
  if (next_ns != UINT64_MAX) {
    stoa_linger_wake_at(&groups->linger, next_ns);
  }
  return ready;
}

void stoa_fanout_flush(struct stoa_groups *groups, bool all) {
  if (groups->dirty == NULL) {
    return;
  }
  struct stoa_group *ready = take_due(groups, stoa_linger_now_ns(&groups->linger), all);
  for (struct stoa_group *group = ready; group != NULL; group = group->next_dirty) {
    flush_group(groups, group);
  }
  /* The batches must stay until all sends from them are done. */
  groups->host.hand_over(groups->host.context);
  while (ready != NULL) {
    struct stoa_group *group = ready;
    ready = group->next_dirty;
    assert(group->dirty);
    close_batches(groups, group);
    group->dirty = false;
    stoa_groups_drop_if_unused(groups, group);
  }
}
