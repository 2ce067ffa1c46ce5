/* base/clock.h: the current time, from the system or from a test.
 *
 * Monotonic time drives every timer and deadline; wall time is only shown to people. Thread: any; a fake clock is
 * set while no other thread reads.
 */
#ifndef STOA_BASE_CLOCK_H
#define STOA_BASE_CLOCK_H

#include <stdint.h>

struct stoa_clock {
  uint64_t (*monotonic_ns)(void *context);
  int64_t (*wall_us)(void *context); /* since 1970-01-01 UTC */
  void *context;                     /* borrowed for as long as the clock is in use */
};

extern const struct stoa_clock stoa_clock_system;

/* A clock that changes only when it is set. */
struct stoa_clock_fake {
  uint64_t monotonic_ns;
  int64_t wall_us;
};
struct stoa_clock stoa_clock_fake_init(struct stoa_clock_fake *fake);

static inline uint64_t stoa_clock_monotonic_ns(const struct stoa_clock *clock) {
  return clock->monotonic_ns(clock->context);
}

static inline int64_t stoa_clock_wall_us(const struct stoa_clock *clock) {
  return clock->wall_us(clock->context);
}

#define STOA_TIME_TEXT_LEN 24
/* RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.000Z", and a NUL. Years outside 0000 to 9999 are clamped. */
void stoa_time_format(int64_t wall_us, char out_text[STOA_TIME_TEXT_LEN + 1]);

#endif
