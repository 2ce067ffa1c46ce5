#include "server/group/linger.h"

#include "base/units.h"

void stoa_linger_init(struct stoa_linger *linger, struct stoa_loop *loop, uint32_t linger_ms, bool adaptive) {
  linger->loop = loop;
  linger->linger_ns = (uint64_t)linger_ms * STOA_NS_PER_MS;
  linger->adaptive = adaptive;
}

uint64_t stoa_linger_now_ns(const struct stoa_linger *linger) {
  return linger->linger_ns == 0 ? 0 : stoa_clock_monotonic_ns(stoa_loop_clock(linger->loop));
}

uint64_t stoa_linger_due_ns(const struct stoa_linger *linger, uint64_t last_ns) {
  if (linger->linger_ns == 0) {
    return 0;
  }
  uint64_t now_ns = stoa_linger_now_ns(linger);
  if (!linger->adaptive) {
    return now_ns + linger->linger_ns;
  }
  return last_ns == 0 || now_ns - last_ns >= linger->linger_ns ? 0 : last_ns + linger->linger_ns;
}

void stoa_linger_wake_at(struct stoa_linger *linger, uint64_t due_ns) {
  stoa_loop_wake_at(linger->loop, due_ns);
}
