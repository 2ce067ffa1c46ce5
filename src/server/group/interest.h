/* server/group/interest.h: which workers have members of which group, shared by all workers.
 *
 * A worker sets its bit when its first member joins, before the join is visible to any other thread. So a publisher
 * that reacts to a join finds the bit set, and its message reaches the new member. (A post to the owner would not be
 * enough: the owner may read the message from a socket before it runs its posts.)
 *
 * Thread: any. The mutex is taken when a worker gets or drops a group, not for a message; the bits are atomic.
 */
#ifndef STOA_SERVER_GROUP_INTEREST_H
#define STOA_SERVER_GROUP_INTEREST_H

#include "base/map.h"
#include "server/format.h"

#include <pthread.h>
#include <stdatomic.h>

#define STOA_GROUP_NAME_LEN_MAX 64

struct stoa_interest_variant {
  _Atomic uint64_t workers; /* bit n: worker n has members of this variant */
  _Atomic uint64_t lost;    /* bit n: its members missed a message and must be closed, see fanout.h */
};

/* A server may have a hundred thousand groups of a few members, so a group has no more variants than its server, and
 * its name takes no more than it needs: it follows the last variant. */
struct stoa_interest {
  atomic_size_t member_count; /* on all workers */
  uint32_t refs;              /* under the mutex */
  uint8_t variant_count, name_len;
  struct stoa_interest_variant variants[];
};

struct stoa_interests {
  pthread_mutex_t mutex;
  struct stoa_map by_name;
  const struct stoa_formats *formats;
};

/* formats is borrowed; it is complete before the first group. Errors: STOA_E_SYSTEM */
int stoa_interests_init(struct stoa_interests *interests, const struct stoa_formats *formats);
/* Call when all interests were released. */
void stoa_interests_fini(struct stoa_interests *interests);

/* Take one reference to a group's bits. With `create` false NULL means that no worker has the group, else that memory
 * is out. */
struct stoa_interest *stoa_interest_acquire(struct stoa_interests *interests, struct stoa_string name, bool create);
/* How many groups there are. */
size_t stoa_interests_count(struct stoa_interests *interests);
void stoa_interest_release(struct stoa_interests *interests, struct stoa_interest *interest);

#endif
