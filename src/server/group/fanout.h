/* server/group/fanout.h: sends one message to all members of a group.
 *
 * The messages of a turn, or of the time that linger.h holds them, are gathered in one contiguous batch per group and
 * variant on the group's owner. At the end each member gets it in one write, and each other worker with members gets a
 * reference to it.
 *
 * No member misses a message without an error. Either the publisher gets the error (append), or, when the message was
 * already accepted on another thread, the members that miss it are closed with 4010.
 *
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_GROUP_FANOUT_H
#define STOA_SERVER_GROUP_FANOUT_H

#include "server/group/group.h"

/* On the owner, for a publisher that gets the result: append one message in the group's order.
 *
 * except  the session that does not get it, wherever it is; NULL: all get it
 * Errors: STOA_E_LIMIT  this worker's gathered bytes have reached their limit, or the message is too long;
 *         STOA_E_MEMORY, STOA_E_UTF8, STOA_E_TYPE. Then no member gets it. */
int stoa_fanout_append(struct stoa_groups *groups, struct stoa_string name, struct stoa_outgoing *outgoing,
                       const struct stoa_uuid *except);
/* On the owner: append a message that was accepted before. If it cannot be written for a variant, that variant's
 * members are closed with 4010 on all workers. From the loop only, never inside a callback. Returns the first failure,
 * for the log. */
int stoa_fanout_deliver(struct stoa_groups *groups, struct stoa_string name, struct stoa_outgoing *outgoing,
                        const struct stoa_uuid *except);
/* On the owner: the group's messages do not continue, so close all its members with 4010, on all workers, and fail the
 * joins in progress. From the loop only, never inside a callback. */
void stoa_fanout_lose(struct stoa_groups *groups, struct stoa_string name);
/* On a worker with members: take the owner's batch of one turn, and the exclusions of this worker's sessions.
 * From the loop only, never inside a callback. */
void stoa_fanout_adopt(struct stoa_groups *groups, struct stoa_string name, size_t variant, struct stoa_batch *batch,
                       const struct stoa_exclusions *exclusions);
/* On a worker whose members missed a message: close them with 4010. From the loop only, never inside a callback. */
void stoa_fanout_close_lost(struct stoa_groups *groups);

/* At the end of the turn: one write a member of the groups that are due; or, if `all`, of every group. */
void stoa_fanout_flush(struct stoa_groups *groups, bool all);

#endif
