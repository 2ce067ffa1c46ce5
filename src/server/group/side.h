/* server/group/side.h: the members of one group and variant on one worker, in a dense array.
 *
 * Before a member is sent bytes of its own, the batch so far is queued for it (its `taken`), so that it receives
 * everything in the order of the calls.
 *
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_GROUP_SIDE_H
#define STOA_SERVER_GROUP_SIDE_H

#include "server/group/group.h"

/* *out_index is its index, until stoa_member_moved() sets another. Errors: STOA_E_MEMORY */
int stoa_side_add(struct stoa_groups *groups, struct stoa_group *group, struct stoa_session *session,
                  uint32_t *out_index);
/* Messages gathered before are still sent to it. */
void stoa_side_remove(struct stoa_groups *groups, struct stoa_group *group, struct stoa_session *session,
                      uint32_t index);
/* Queue the batch so far for a member, without writing. */
void stoa_side_take_rest(struct stoa_group_side *side, uint32_t index);
/* Exclude one session from the last range of the batch: the bytes before the range are queued for it, and the range is
 * skipped. Does nothing when it is no member of this variant here. */
void stoa_side_exclude(struct stoa_groups *groups, struct stoa_group *group, size_t variant,
                       const struct stoa_exclusion *exclusion);
/* Write to each member the part of the batch that it does not have yet. Results are in the members' streams. */
void stoa_side_write(const struct stoa_group_side *side);
/* Begin another batch. */
void stoa_side_next_batch(struct stoa_group_side *side);
/* Have this worker get the group's messages of a variant for a join in progress, even without a member.
 * Errors: STOA_E_MEMORY */
int stoa_side_hold(struct stoa_groups *groups, struct stoa_group *group, size_t variant);
/* The group may be unused then. */
void stoa_side_release(struct stoa_groups *groups, struct stoa_group *group, size_t variant);
/* Were messages lost here since the oldest of the holds began? */
bool stoa_side_held_lost(const struct stoa_group *group, size_t variant);

/* Close all members with 4010, because they would miss messages. The group must be dirty, or it may be freed by this
 * call. */
void stoa_side_close_lost(struct stoa_group_side *side);

#endif
