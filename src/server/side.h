/* server/side.h: the members of one group and variant on one worker, in a dense array.
 *
 * A member that is sent something of its own meanwhile is given the batch so far first (its `taken`), so that what it
 * sees keeps the order of the calls.
 *
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_SIDE_H
#define STOA_SERVER_SIDE_H

#include "server/group.h"

/* *out_index is its place, until stoa_member_moved() tells another. Errors: STOA_E_MEMORY */
int stoa_side_add(struct stoa_groups *groups, struct stoa_group *group, struct stoa_session *session,
                  uint32_t *out_index);
/* What was gathered before is still sent to it. */
void stoa_side_remove(struct stoa_groups *groups, struct stoa_group *group, struct stoa_session *session,
                      uint32_t index);
/* Give a member what has gathered so far: it is queued, not written. */
void stoa_side_take_rest(struct stoa_group_side *side, uint32_t index);
/* A range of the batch, at its end so far, is not for one session: what stands before it is queued for it, and the
 * range is passed over. Nothing happens when it is no member of this variant here. */
void stoa_side_exclude(struct stoa_groups *groups, struct stoa_group *group, size_t variant,
                       const struct stoa_exclusion *exclusion);
/* Write the batch to all members, to each what it does not have yet. Their marks tell what came of it. */
void stoa_side_write(const struct stoa_group_side *side);
/* What gathers from here on is another batch. */
void stoa_side_next_batch(struct stoa_group_side *side);
/* They would miss messages: close all with 4010. The group must be dirty, or it may be gone afterwards. */
void stoa_side_close_lost(struct stoa_group_side *side);

#endif
