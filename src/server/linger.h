/* server/linger.h: holding what groups are sent for a moment, so that more of it goes out in one write a member.
 *
 * Thread: the worker's. Lifetime: a part of the worker's groups; holds nothing that must be released.
 */
#ifndef STOA_SERVER_LINGER_H
#define STOA_SERVER_LINGER_H

#include "loop/loop.h"

struct stoa_linger {
  struct stoa_loop *loop;
  uint64_t linger_ns; /* 0: nothing is held */
  bool adaptive;
};

void stoa_linger_init(struct stoa_linger *linger, struct stoa_loop *loop, uint32_t linger_ms, bool adaptive);

/* When a group may send that begins to gather now, in nanoseconds of the loop's clock; 0: at the end of this turn.
 * last_ns  when it sent last; 0: never */
uint64_t stoa_linger_due_ns(const struct stoa_linger *linger, uint64_t last_ns);
/* 0 without lingering. */
uint64_t stoa_linger_now_ns(const struct stoa_linger *linger);
/* Make a turn end at that time or a little later. */
void stoa_linger_wake_at(struct stoa_linger *linger, uint64_t due_ns);

#endif
