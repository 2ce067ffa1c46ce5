/* server/group.h: named groups of sessions, and the fan-out.
 *
 * Every group has an owner worker, which puts its messages in one order and encodes each once per variant in use. A
 * worker with members keeps them here in dense arrays, one per variant; which workers have any is in interest.h. The
 * messages of a turn, or of the turns that linger.h holds them for, gather in one contiguous batch per group and
 * variant; at the end every member gets one write of it.
 *
 * A member that is sent something of its own meanwhile is given the batch so far first (its `taken`), so that what it
 * sees keeps the order of the calls.
 *
 * The group without a name holds all sessions.
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_GROUP_H
#define STOA_SERVER_GROUP_H

#include "base/map.h"
#include "net/batch.h"
#include "server/interest.h"
#include "server/linger.h"

struct stoa_session;
struct stoa_worker;

#define STOA_SESSION_GROUPS_MAX 128
#define STOA_WORKERS_MAX 64

struct stoa_member {
  struct stoa_session *session;
  uint32_t batch_number; /* `taken` counts in this batch of its side only */
  uint32_t taken;        /* bytes of the batch that it has, or must not get */
};

/* The members of one variant. */
struct stoa_group_side {
  struct stoa_member *members;
  uint32_t count, capacity;
  uint32_t batch_number;    /* never 0, so that a zeroed member has taken nothing */
  struct stoa_batch *batch; /* what gathers now; NULL: nothing yet */
};

struct stoa_group {
  struct stoa_group *next_dirty;
  struct stoa_interest *interest;                   /* one reference */
  struct stoa_group_side *sides[STOA_VARIANTS_MAX]; /* made when first needed */
  uint32_t owner;
  uint32_t member_count; /* on this worker */
  uint64_t due_ns;       /* while dirty: when it is sent; 0: at the end of this turn */
  uint64_t last_ns;      /* when it was sent last; counted only while lingering */
  bool dirty;
  uint8_t name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
};

struct stoa_groups {
  struct stoa_map by_name;
  struct stoa_group *all;
  struct stoa_group *dirty;
  struct stoa_linger linger;
  struct stoa_batch *spare; /* kept warm between turns, dropped by the sweep */
  bool spare_used;
};

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM */
int stoa_groups_init(struct stoa_worker *worker);
void stoa_groups_fini(struct stoa_worker *worker);

/* Errors: as stoa_session_join() and stoa_session_leave(). */
int stoa_group_join_all(struct stoa_session *session);
/* Leave every group; for a session that closes. */
void stoa_group_leave_all(struct stoa_session *session);

/* On the owner: order one message. Errors: STOA_E_LIMIT (pending bytes), STOA_E_MEMORY, STOA_E_UTF8; then no member
 * gets it. */
int stoa_group_append(struct stoa_worker *worker, struct stoa_string name, struct stoa_outgoing *outgoing);
/* On a worker with members: the owner's batch of one turn. */
void stoa_group_adopt(struct stoa_worker *worker, struct stoa_string name, size_t variant, struct stoa_batch *batch);
/* On the owner: another worker lost its last member; perhaps the group is not needed any more. */
void stoa_group_review(struct stoa_worker *worker, struct stoa_string name);

/* Before bytes of the session's own: what its groups gathered so far in this turn comes first. */
void stoa_groups_settle(struct stoa_worker *worker, struct stoa_session *session);
/* End of the turn: one write a member, of all that need not wait longer. */
void stoa_groups_flush(struct stoa_worker *worker);
/* Now and then: let go of memory that a peak left behind. */
void stoa_groups_trim(struct stoa_worker *worker);

/* Which worker puts this group's messages in order. */
uint32_t stoa_group_owner(const struct stoa_worker *worker, struct stoa_string name);

#endif
