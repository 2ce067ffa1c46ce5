/* server/group/group.h: the named groups of one worker, and their members.
 *
 * Every group has an owner worker, which puts its messages in one order and encodes each once per variant in use. A
 * worker with members keeps them here in dense arrays, one per variant (side.h). interest.h knows which workers have
 * members; fanout.h sends to them.
 *
 * The group without a name holds all sessions.
 *
 * Does not know: its worker, sessions' internals, configuration; it reaches them through struct stoa_groups_host.
 * Thread: the worker's. Lifetime: a group lives while it has members here, or, on its owner, anywhere.
 */
#ifndef STOA_SERVER_GROUP_GROUP_H
#define STOA_SERVER_GROUP_GROUP_H

#include "base/map.h"
#include "base/metric.h"
#include "net/batch.h"
#include "server/group/exclusion.h"
#include "server/group/interest.h"
#include "server/group/linger.h"

struct stoa_session;

#define STOA_SESSION_GROUPS_MAX 128
#define STOA_WORKERS_MAX 64
/* A group whose name begins with this byte keeps plain sessions in variants of their own. */
#define STOA_GROUP_MARK_APART '\x01'

struct stoa_member {
  struct stoa_session *session;
  uint32_t batch_number; /* `taken` counts in this batch of its side only */
  uint32_t taken;        /* bytes of the batch that were queued for it, or that it must not get */
};

/* The members of one variant. */
struct stoa_group_side {
  struct stoa_member *members;
  uint32_t count, capacity;
  uint32_t hold_count;               /* joins in progress, for which this worker gets the messages too */
  bool held_lost;                    /* while there are holds: messages were lost here */
  uint32_t batch_number;             /* never 0, so that a zeroed member has taken nothing */
  struct stoa_batch *batch;          /* the batch of this turn; NULL: nothing yet */
  struct stoa_exclusions exclusions; /* on the owner: ranges that sessions of other workers must not get */
};

struct stoa_group {
  struct stoa_group *next_dirty;
  struct stoa_interest *interest; /* one reference */
  uint32_t owner;
  uint32_t member_count; /* on this worker */
  uint32_t hold_count;   /* of all sides */
  uint64_t due_ns;       /* while dirty: when it is sent; 0: at the end of this turn */
  uint64_t last_ns;      /* when it was sent last; kept only with linger_ms */
  bool dirty;            /* on the list of dirty groups, and not dropped until it was handled */
  bool keeps_plain_apart;
  uint8_t variant_count, name_len;
  struct stoa_group_side *sides[]; /* of each variant, made when first needed; the name follows the last one */
};

/* What groups need from their worker and from the others. */
struct stoa_groups_host {
  void *context;
  uint32_t worker, worker_count;
  struct stoa_interests *interests;
  const struct stoa_formats *formats;
  struct stoa_metric_cell *published; /* counts messages on the groups' owner */
  size_t gathered_bytes_max;

  /* The compressor for the shared window. NULL when memory is out. */
  struct stoa_deflater *(*deflater)(void *context);
  /* Do all gathered sends now, because they refer to batches. */
  void (*hand_over)(void *context);
  /* The session of that id, when it is open and on this worker; else NULL. */
  struct stoa_session *(*find)(void *context, const struct stoa_uuid *session_id);
  /* Post a batch of this turn, with the exclusions of that worker's sessions, to another worker's stoa_fanout_adopt().
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
  struct stoa_batch *spare; /* reused in the next turn, freed by the sweep */
  bool spare_used;
  atomic_bool review_due; /* set by any thread: there was no room in the mailbox for a review */
};

/* host is copied. Errors: STOA_E_MEMORY, STOA_E_SYSTEM; then nothing is left to undo. */
int stoa_groups_init(struct stoa_groups *groups, const struct stoa_groups_host *host, struct stoa_loop *loop,
                     uint32_t linger_ms, bool linger_adaptive);
/* A zeroed struct is fine too. */
void stoa_groups_fini(struct stoa_groups *groups);

/* The worker that puts this group's messages in order. A first byte below 0x20 does not count, so that the groups of
 * one room, which differ in it only, have one owner. */
uint32_t stoa_group_owner(struct stoa_string name, uint32_t worker_count);

static inline struct stoa_string stoa_group_name(const struct stoa_group *group) {
  return stoa_string_make((const char *)&group->sides[group->variant_count], group->name_len);
}

/* NULL when this worker does not have it. */
struct stoa_group *stoa_groups_find(struct stoa_groups *groups, struct stoa_string name);
/* NULL when memory is out. */
struct stoa_group *stoa_groups_find_or_create(struct stoa_groups *groups, struct stoa_string name);
/* Free the group if it is unused: it has no members here, nor elsewhere if this is the owner. */
void stoa_groups_drop_if_unused(struct stoa_groups *groups, struct stoa_group *group);

/* The members of one variant; NULL when memory is out. */
struct stoa_group_side *stoa_group_side_of(struct stoa_group *group, size_t variant);
/* On all workers, at this moment. */
static inline size_t stoa_group_member_count(const struct stoa_group *group) {
  return atomic_load_explicit(&group->interest->member_count, memory_order_relaxed);
}
/* The workers with members of this variant, a bit each. */
static inline uint64_t stoa_group_interested(const struct stoa_group *group, size_t variant) {
  return atomic_load_explicit(&group->interest->variants[variant].workers, memory_order_acquire);
}
/* Have it handled no later than due_ns (0: at the end of this turn), and keep it until then. */
void stoa_groups_mark_dirty(struct stoa_groups *groups, struct stoa_group *group, uint64_t due_ns);

/* On the owner: another worker's last member has left, so drop the group if it is unused. */
void stoa_groups_review(struct stoa_groups *groups, struct stoa_string name);
/* Call now and then: release memory that only a peak needed, and groups whose review found no room in the mailbox. */
void stoa_groups_trim(struct stoa_groups *groups);

#endif
