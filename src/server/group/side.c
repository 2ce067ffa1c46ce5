#include "server/group/side.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/group/member.h"
#include "wire/sent.h"

#include <assert.h>

#define PREFETCH_MEMBERS 4
/* More than the connections that a worker can have. */
#define MEMBERS_MAX UINT32_MAX

static int grow(struct stoa_group_side *side) {
  return stoa_array_reserve(&side->members, sizeof *side->members, &side->capacity, (size_t)side->count + 1,
                            MEMBERS_MAX);
}

static void begin_interest(struct stoa_groups *groups, struct stoa_group *group, size_t variant) {
  uint64_t bit = (uint64_t)1 << groups->host.worker;
  /* Messages lost before do not concern a new member. */
  atomic_fetch_and(&group->interest->variants[variant].lost, ~bit);
  atomic_fetch_or(&group->interest->variants[variant].workers, bit);
}

static void end_interest(struct stoa_groups *groups, struct stoa_group *group, size_t variant) {
  atomic_fetch_and(&group->interest->variants[variant].workers, ~((uint64_t)1 << groups->host.worker));
  if (group->owner != groups->host.worker) {
    groups->host.post_review(groups->host.context, group->owner, stoa_group_name(group));
  }
}

int stoa_side_add(struct stoa_groups *groups, struct stoa_group *group, struct stoa_session *session,
                  uint32_t *out_index) {
  assert(stoa_member_is_open(session));
  size_t variant = stoa_member_variant(session, group, groups->host.formats);
  struct stoa_group_side *side = stoa_group_side_of(group, variant);
  int status = side == NULL ? STOA_E_MEMORY : grow(side);
  if (status != STOA_OK) {
    return status;
  }
  assert(side->count < side->capacity);
  if (side->count == 0 && side->hold_count == 0) {
    begin_interest(groups, group, variant);
  }
  /* A new member does not get messages that were gathered before. */
  uint32_t taken = side->batch == NULL ? 0 : (uint32_t)side->batch->bytes.len;
  side->members[side->count] = (struct stoa_member){session, side->batch_number, taken};
  *out_index = side->count;
  side->count++;
  group->member_count++;
  atomic_fetch_add_explicit(&group->interest->member_count, 1, memory_order_relaxed);
  return STOA_OK;
}

/* The offset of the first byte that it does not have yet. */
static size_t taken_by(const struct stoa_group_side *side, const struct stoa_member *member) {
  return member->batch_number == side->batch_number ? member->taken : 0;
}

static uint32_t message_count(const struct stoa_group_side *side, size_t start, size_t end) {
  return stoa_sent_count(side->batch->bytes.data, start, end);
}

static void take_up_to(struct stoa_group_side *side, struct stoa_member *member, size_t end) {
  size_t from = taken_by(side, member);
  if (from < end) {
    stoa_stream_output_queue(&member->session->stream, side->batch, from, end);
    if (stoa_member_has_taken(member->session)) {
      stoa_session_note_sent(member->session, message_count(side, from, end));
    }
    member->batch_number = side->batch_number;
    member->taken = (uint32_t)end;
  }
}

void stoa_side_take_rest(struct stoa_group_side *side, uint32_t index) {
  assert(index < side->count);
  if (side->batch != NULL) {
    take_up_to(side, &side->members[index], side->batch->bytes.len);
  }
}

/* Done by moving the member's offset, so that writing to the others costs nothing more. */
void stoa_side_exclude(struct stoa_groups *groups, struct stoa_group *group, size_t variant,
                       const struct stoa_exclusion *exclusion) {
  struct stoa_session *session = groups->host.find(groups->host.context, &exclusion->session_id);
  uint32_t index;
  if (session == NULL || stoa_member_variant(session, group, groups->host.formats) != variant ||
      !stoa_member_index(session, group, &index)) {
    return;
  }
  struct stoa_group_side *side = group->sides[variant];
  struct stoa_member *member = &side->members[index];
  assert(taken_by(side, member) <= exclusion->start);
  assert(exclusion->end <= side->batch->bytes.len);
  take_up_to(side, member, exclusion->start);
  member->batch_number = side->batch_number;
  member->taken = exclusion->end;
}

void stoa_side_remove(struct stoa_groups *groups, struct stoa_group *group, struct stoa_session *session,
                      uint32_t index) {
  size_t variant = stoa_member_variant(session, group, groups->host.formats);
  struct stoa_group_side *side = group->sides[variant];
  assert(side != NULL);
  assert(index < side->count);
  assert(side->members[index].session == session);
  assert(group->member_count >= side->count);
  stoa_side_take_rest(side, index);
  side->count--;
  group->member_count--;
  atomic_fetch_sub_explicit(&group->interest->member_count, 1, memory_order_relaxed);
  if (index < side->count) {
    side->members[index] = side->members[side->count];
    stoa_member_moved(side->members[index].session, group, index);
  }
  if (side->count == 0) {
    stoa_free(side->members);
    side->members = NULL;
    side->capacity = 0;
    if (side->hold_count == 0) {
      end_interest(groups, group, variant);
    }
  }
}

int stoa_side_hold(struct stoa_groups *groups, struct stoa_group *group, size_t variant) {
  struct stoa_group_side *side = stoa_group_side_of(group, variant);
  if (side == NULL) {
    return STOA_E_MEMORY;
  }
  if (side->count == 0 && side->hold_count == 0) {
    begin_interest(groups, group, variant);
  }
  side->hold_count++;
  group->hold_count++;
  return STOA_OK;
}

void stoa_side_release(struct stoa_groups *groups, struct stoa_group *group, size_t variant) {
  struct stoa_group_side *side = group->sides[variant];
  assert(side != NULL);
  assert(side->hold_count > 0);
  assert(group->hold_count >= side->hold_count);
  side->hold_count--;
  group->hold_count--;
  if (side->hold_count == 0) {
    side->held_lost = false;
    if (side->count == 0) {
      end_interest(groups, group, variant);
    }
  }
}

bool stoa_side_held_lost(const struct stoa_group *group, size_t variant) {
  assert(group->sides[variant] != NULL);
  return group->sides[variant]->held_lost;
}

/* The counter of all sessions is the caller's to bump, once for all members. */
static uint32_t note_sent(const struct stoa_member *member, uint32_t count) {
  if (!stoa_member_has_taken(member->session)) {
    return 0;
  }
  member->session->stream.messages_out += count;
  return count;
}

void stoa_side_write(const struct stoa_group_side *side) {
  size_t len = side->batch->bytes.len;
  uint32_t all_count = message_count(side, 0, len);
  uint64_t sent_count = 0;
  for (uint32_t i = 0; i < side->count; i++) {
    const struct stoa_member *member = &side->members[i];
    if (i + PREFETCH_MEMBERS < side->count) {
      __builtin_prefetch(side->members[i + PREFETCH_MEMBERS].session);
    }
    size_t from = taken_by(side, member);
    if (from < len) {
      stoa_stream_output_shared(&member->session->stream, side->batch, from, len);
      sent_count += note_sent(member, from == 0 ? all_count : message_count(side, from, len));
    }
  }
  if (sent_count > 0) {
    stoa_session_host_of(side->members[0].session)->messages_out += sent_count;
  }
}

void stoa_side_next_batch(struct stoa_group_side *side) {
  assert(side->batch == NULL);
  side->batch_number++;
  if (side->batch_number == 0) {
    /* The numbers wrap around: a member must not look as if it had taken bytes of a new batch with an old number. */
    for (uint32_t i = 0; i < side->count; i++) {
      side->members[i].batch_number = 0;
    }
    side->batch_number = 1;
  }
}

void stoa_side_close_lost(struct stoa_group_side *side) {
  side->held_lost = side->hold_count > 0;
  /* From the end, because a closed member leaves and the last one moves to its index. */
  for (uint32_t i = side->count; i > 0; i--) {
    if (i <= side->count) {
      stoa_member_close_lost(side->members[i - 1].session);
    }
  }
}
