/* server/group/linger.h: holds a group's batch for a moment, so that each write to a member has more messages.
 *
 * Thread: the worker's. Lifetime: a part of the worker's groups; owns nothing that must be released.
 */
#ifndef STOA_SERVER_GROUP_LINGER_H
#define STOA_SERVER_GROUP_LINGER_H

#include "loop/loop.h"

struct stoa_linger {
  struct stoa_loop *loop;
  uint64_t linger_ns; /* 0: nothing is held */
  bool adaptive;
};

void stoa_linger_init(struct stoa_linger *linger, struct stoa_loop *loop, uint32_t linger_ms, bool adaptive);

/* When a batch that begins now may be sent, in nanoseconds of the loop's clock; 0: at the end of this turn.
 * last_ns  when the group sent last; 0: never */
uint64_t stoa_linger_due_ns(const struct stoa_linger *linger, uint64_t last_ns);
/* The loop's time; 0 without lingering. */
uint64_t stoa_linger_now_ns(const struct stoa_linger *linger);
/* Wake the loop at that time or a little later. */
void stoa_linger_wake_at(struct stoa_linger *linger, uint64_t due_ns);

#endif
