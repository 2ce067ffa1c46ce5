/* server/fanout.h: from one message to all members of a group.
 *
 * The messages of a turn, or of the turns that linger.h holds them for, gather in one contiguous batch per group and
 * variant on the group's owner; at the end every member gets one write of it, and every other worker with members is
 * handed it.
 *
 * No member ever misses a message in silence. Either the publisher is told (append), or, when that is too late
 * because the message was accepted on another thread, the members who miss it are closed with 4010.
 *
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_FANOUT_H
#define STOA_SERVER_FANOUT_H

#include "server/group.h"

/* On the owner, for a publisher that waits for the answer: put one message in order.
 *
 * except  the session that does not get it, wherever it is; NULL: all get it
 * Errors: STOA_E_LIMIT  this worker has gathered as much as it may in one turn, or the message is too long;
 *         STOA_E_MEMORY, STOA_E_UTF8, STOA_E_TYPE. Then no member gets it. */
int stoa_fanout_append(struct stoa_groups *groups, struct stoa_string name, struct stoa_outgoing *outgoing,
                       const struct stoa_uuid *except);
/* On the owner: put a message in order that was accepted before. Members of a variant that cannot be given it are
 * closed with 4010 on all workers. With nobody on the stack. Returns the first failure, for the log. */
int stoa_fanout_deliver(struct stoa_groups *groups, struct stoa_string name, struct stoa_outgoing *outgoing,
                        const struct stoa_uuid *except);
/* On a worker with members: the owner's batch of one turn, and which of this worker's sessions are not to get what of
 * it. With nobody on the stack. */
void stoa_fanout_adopt(struct stoa_groups *groups, struct stoa_string name, size_t variant, struct stoa_batch *batch,
                       const struct stoa_exclusions *exclusions);
/* On a worker whose members missed something: close them with 4010. With nobody on the stack. */
void stoa_fanout_close_lost(struct stoa_groups *groups);

/* End of the turn: one write a member, of all that need not wait longer; or, when `all`, of everything. */
void stoa_fanout_flush(struct stoa_groups *groups, bool all);

#endif
