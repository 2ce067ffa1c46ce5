/* server/group.h: the named groups of one worker: which there are, and who is in them.
 *
 * Every group has an owner worker, which puts its messages in one order and encodes each once per variant in use. A
 * worker with members keeps them here in dense arrays, one per variant (side.h); which workers have any is in
 * interest.h. What is sent to them is in fanout.h.
 *
 * The group without a name holds all sessions.
 *
 * Does not know: its worker, sessions' insides, configuration; what it needs of them is in struct stoa_groups_host.
 * Thread: the worker's. Lifetime: a group lives while it has members here, or, on its owner, anywhere.
 */
#ifndef STOA_SERVER_GROUP_H
#define STOA_SERVER_GROUP_H

#include "base/map.h"
#include "net/batch.h"
#include "server/exclusion.h"
#include "server/interest.h"
#include "server/linger.h"

struct stoa_session;

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
  uint32_t batch_number;             /* never 0, so that a zeroed member has taken nothing */
  struct stoa_batch *batch;          /* what gathers now; NULL: nothing yet */
  struct stoa_exclusions exclusions; /* on the owner: who, on other workers, is not to get what of it */
};

struct stoa_group {
  struct stoa_group *next_dirty;
  struct stoa_interest *interest;                   /* one reference */
  struct stoa_group_side *sides[STOA_VARIANTS_MAX]; /* made when first needed */
  uint32_t owner;
  uint32_t member_count; /* on this worker */
  uint64_t due_ns;       /* while dirty: when it is sent; 0: at the end of this turn */
  uint64_t last_ns;      /* when it was sent last; counted only while lingering */
  bool dirty;            /* on the list, and not dropped until it has been looked at */
  uint8_t name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
};

/* What groups need of the worker that they are on, and of the others. */
struct stoa_groups_host {
  void *context;
  uint32_t worker, worker_count;
  struct stoa_interests *interests;
  const struct stoa_formats *formats;
  size_t gathered_bytes_max;

  /* The compressor for the shared window. NULL when memory is out. */
  struct stoa_deflater *(*deflater)(void *context);
  /* Sends that were gathered refer to batches: do them now. */
  void (*hand_over)(void *context);
  /* The session of that id, when it is open and on this worker; else NULL. */
  struct stoa_session *(*find)(void *context, const struct stoa_uuid *session_id);
  /* Hand a batch of this turn to another worker's stoa_fanout_adopt(), and those of the exclusions that concern it.
   * Errors: STOA_E_LIMIT, STOA_E_MEMORY */
  int (*post_batch)(void *context, uint32_t to, struct stoa_string name, size_t variant, struct stoa_batch *batch,
                    const struct stoa_exclusions *exclusions);
  /* Have stoa_groups_review() called on the owner. Cannot fail, but may take until the owner sweeps. */
  void (*post_review)(void *context, uint32_t owner, struct stoa_string name);
  /* Have stoa_fanout_close_lost() called on another worker. Cannot fail. */
  void (*tell_lost)(void *context, uint32_t to);
};

struct stoa_groups {
  struct stoa_groups_host host;
  struct stoa_map by_name;
  struct stoa_group *all;
  struct stoa_group *dirty;
  struct stoa_linger linger;
  size_t gathered_bytes;    /* in the batches of groups that this worker owns, and in their exclusions */
  struct stoa_batch *spare; /* kept warm between turns, dropped by the sweep */
  bool spare_used;
  atomic_bool review_due; /* set by any thread: a review found no room in the mailbox */
};

/* host is copied. Errors: STOA_E_MEMORY, STOA_E_SYSTEM; then nothing is left to undo. */
int stoa_groups_init(struct stoa_groups *groups, const struct stoa_groups_host *host, struct stoa_loop *loop,
                     uint32_t linger_ms, bool linger_adaptive);
/* Right for a zeroed struct too. */
void stoa_groups_fini(struct stoa_groups *groups);

/* Which worker puts this group's messages in order. */
uint32_t stoa_group_owner(struct stoa_string name, uint32_t worker_count);

static inline struct stoa_string stoa_group_name(const struct stoa_group *group) {
  return stoa_string_make(group->name, group->name_len);
}

/* NULL when this worker does not deal with it. */
struct stoa_group *stoa_groups_find(struct stoa_groups *groups, struct stoa_string name);
/* NULL when memory is out. */
struct stoa_group *stoa_groups_find_or_create(struct stoa_groups *groups, struct stoa_string name);
/* A group that nobody needs any more is freed: it has no members here, nor elsewhere if this is the owner. */
void stoa_groups_drop_if_unused(struct stoa_groups *groups, struct stoa_group *group);

/* The members of one variant; NULL when memory is out. */
struct stoa_group_side *stoa_group_side_of(struct stoa_group *group, size_t variant);
/* Which workers have members of this variant, a bit each. */
static inline uint64_t stoa_group_interested(const struct stoa_group *group, size_t variant) {
  return atomic_load_explicit(&group->interest->workers[variant], memory_order_acquire);
}
/* Have it looked at no later than due_ns (0: at the end of this turn), and kept until then. */
void stoa_groups_mark_dirty(struct stoa_groups *groups, struct stoa_group *group, uint64_t due_ns);

/* On the owner: another worker lost its last member; perhaps the group is not needed any more. */
void stoa_groups_review(struct stoa_groups *groups, struct stoa_string name);
/* Now and then: give up memory that a peak left behind, and groups whose review found no room. */
void stoa_groups_trim(struct stoa_groups *groups);

#endif
