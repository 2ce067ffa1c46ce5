/* base/clock.c: the system's clocks, a clock that is set by hand, and RFC 3339. */
#include "base/clock.h"

#include "base/calendar.h"
#include "base/units.h"

#include <assert.h>
#include <time.h>

#define YEAR_0_US (STOA_SECOND_FIRST * STOA_US_PER_S)
#define YEAR_9999_END_US ((STOA_SECOND_LAST + 1) * STOA_US_PER_S - 1)

static uint64_t system_monotonic_ns(void *context) {
  (void)context;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * STOA_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int64_t system_wall_us(void *context) {
  (void)context;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * STOA_US_PER_S + now.tv_nsec / 1000;
}

const struct stoa_clock stoa_clock_system = {.monotonic_ns = system_monotonic_ns, .wall_us = system_wall_us};

static uint64_t fake_monotonic_ns(void *context) {
  return ((struct stoa_clock_fake *)context)->monotonic_ns;
}

static int64_t fake_wall_us(void *context) {
  return ((struct stoa_clock_fake *)context)->wall_us;
}

struct stoa_clock stoa_clock_fake_init(struct stoa_clock_fake *fake) {
  return (struct stoa_clock){.monotonic_ns = fake_monotonic_ns, .wall_us = fake_wall_us, .context = fake};
}

static char *put_digits(char *at, uint32_t value, uint32_t digit_count, char after) {
  for (uint32_t i = digit_count; i > 0; i--) {
    at[i - 1] = (char)('0' + value % 10);
    value /= 10;
  }
  at[digit_count] = after;
  return at + digit_count + 1;
}

static int64_t clamp(int64_t wall_us) {
  if (wall_us < YEAR_0_US) {
    return YEAR_0_US;
  }
  return wall_us > YEAR_9999_END_US ? YEAR_9999_END_US : wall_us;
}

void stoa_time_format(int64_t wall_us, char out_text[STOA_TIME_TEXT_LEN + 1]) {
  /* Counted from year 0, because division of a negative number (a time before 1970) would round the wrong way. */
  uint64_t us = (uint64_t)(clamp(wall_us) - YEAR_0_US);
  uint64_t seconds = us / STOA_US_PER_S;
  uint32_t second_of_day = (uint32_t)(seconds % STOA_S_PER_DAY);
  struct stoa_date date =
      stoa_date_of_day((int64_t)(seconds / STOA_S_PER_DAY) + YEAR_0_US / STOA_US_PER_S / STOA_S_PER_DAY);
  char *at = out_text;
  at = put_digits(at, (uint32_t)date.year, 4, '-');
  at = put_digits(at, (uint32_t)date.month, 2, '-');
  at = put_digits(at, (uint32_t)date.day, 2, 'T');
  at = put_digits(at, second_of_day / 3600, 2, ':');
  at = put_digits(at, second_of_day / 60 % 60, 2, ':');
  at = put_digits(at, second_of_day % 60, 2, '.');
  at = put_digits(at, (uint32_t)(us % STOA_US_PER_S / 1000), 3, 'Z');
  *at = '\0';
  assert(at == out_text + STOA_TIME_TEXT_LEN);
}
