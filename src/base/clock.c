/* base/clock.c: the system's clocks, a clock that stands still, and RFC 3339. */
#include "base/clock.h"

#include <time.h>

#define US_PER_SECOND 1000000
#define SECONDS_PER_DAY 86400
#define YEAR_0_US (-62167219200 * US_PER_SECOND)            /* 0000-01-01T00:00:00.000Z */
#define YEAR_9999_END_US (253402300800 * US_PER_SECOND - 1) /* the last microsecond of 9999 */
#define DAYS_FROM_YEAR_0_MARCH 719468                       /* 0000-03-01 to 1970-01-01 */
#define DAYS_PER_ERA 146097                                 /* 400 Gregorian years */

static uint64_t system_monotonic_ns(void *context) {
  (void)context;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t system_wall_us(void *context) {
  (void)context;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
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

struct date {
  uint32_t year, month, day;
};

/* The Gregorian date of a day counted from 1970-01-01, for days from 0000-01-01 on.
 *
 * Years are taken to begin in March, so that the day that leap years add is the last of a year. Then months of 31 and
 * 30 days alternate in five-month runs of 153 days, and one multiplication finds the month. */
static struct date date_of_day(int64_t day) {
  /* January and February of year 0 belong to a year that began before era 0: one whole era is added, and taken off
   * the year again, to keep the numbers positive. */
  uint32_t days = (uint32_t)(day + DAYS_FROM_YEAR_0_MARCH + DAYS_PER_ERA);
  uint32_t era = days / DAYS_PER_ERA;
  uint32_t day_of_era = days % DAYS_PER_ERA;
  uint32_t leap_days_before = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
  uint32_t year_of_era = (day_of_era - leap_days_before) / 365;
  uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint32_t month_from_march = (5 * day_of_year + 2) / 153;
  uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return (struct date){
      .year = (era * 400 + year_of_era + (month <= 2)) - 400,
      .month = month,
      .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
  };
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
  /* Counted from the year 0, so that dividing rounds towards the past before 1970 too. */
  uint64_t us = (uint64_t)(clamp(wall_us) - YEAR_0_US);
  uint64_t seconds = us / US_PER_SECOND;
  uint32_t second_of_day = (uint32_t)(seconds % SECONDS_PER_DAY);
  struct date date = date_of_day((int64_t)(seconds / SECONDS_PER_DAY) + YEAR_0_US / US_PER_SECOND / SECONDS_PER_DAY);
  char *at = out_text;
  at = put_digits(at, date.year, 4, '-');
  at = put_digits(at, date.month, 2, '-');
  at = put_digits(at, date.day, 2, 'T');
  at = put_digits(at, second_of_day / 3600, 2, ':');
  at = put_digits(at, second_of_day / 60 % 60, 2, ':');
  at = put_digits(at, second_of_day % 60, 2, '.');
  at = put_digits(at, (uint32_t)(us % US_PER_SECOND / 1000), 3, 'Z');
  *at = '\0';
}
