#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define US_PER_SECOND 1000000
#define SECONDS_PER_DAY 86400

static void assert_time(int64_t wall_us, const char *expected) {
  char text[STOA_TIME_TEXT_LEN + 1];
  memset(text, 'x', sizeof text);
  stoa_time_format(wall_us, text);
  assert_string_equal(text, expected);
}

static void known_times_are_written_in_the_form_of_rfc_3339(void **state) {
  (void)state;
  assert_time(0, "1970-01-01T00:00:00.000Z");
  assert_time(1769860800123456, "2026-01-31T12:00:00.123Z");
  assert_time(951782399999999, "2000-02-28T23:59:59.999Z");
  assert_time(951782400000000, "2000-02-29T00:00:00.000Z");
  assert_time(4107542400000000, "2100-03-01T00:00:00.000Z");
}

static void a_time_before_1970_rounds_towards_the_past(void **state) {
  (void)state;
  assert_time(-1, "1969-12-31T23:59:59.999Z");
  assert_time(-1000, "1969-12-31T23:59:59.999Z");
  assert_time(-1001, "1969-12-31T23:59:59.998Z");
}

static void years_outside_0_to_9999_are_clamped(void **state) {
  (void)state;
  assert_time(INT64_MIN, "0000-01-01T00:00:00.000Z");
  assert_time(-62167219200 * US_PER_SECOND, "0000-01-01T00:00:00.000Z");
  assert_time(253402300800 * US_PER_SECOND - 1, "9999-12-31T23:59:59.999Z");
  assert_time(253402300800 * US_PER_SECOND, "9999-12-31T23:59:59.999Z");
  assert_time(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

/* Every day of four centuries has all cases of the calendar; the C library is the judge. */
static void every_day_from_1600_to_2400_agrees_with_gmtime(void **state) {
  (void)state;
  for (int64_t day = -135140; day < 157055; day++) {
    time_t seconds = day * SECONDS_PER_DAY + (day * 7919 % SECONDS_PER_DAY);
    struct tm tm;
    assert_non_null(gmtime_r(&seconds, &tm));
    char expected[64];
    size_t len = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &tm);
    memcpy(expected + len, ".007Z", 6);
    char text[STOA_TIME_TEXT_LEN + 1];
    stoa_time_format(seconds * US_PER_SECOND + 7999, text);
    assert_string_equal(text, expected);
  }
}

static void a_fake_clock_stands_still_until_it_is_moved(void **state) {
  (void)state;
  struct stoa_clock_fake fake = {.monotonic_ns = 5, .wall_us = -7};
  struct stoa_clock clock = stoa_clock_fake_init(&fake);
  assert_int_equal(stoa_clock_monotonic_ns(&clock), 5);
  assert_int_equal(stoa_clock_monotonic_ns(&clock), 5);
  assert_int_equal(stoa_clock_wall_us(&clock), -7);
  fake.monotonic_ns = 6;
  fake.wall_us = 8;
  assert_int_equal(stoa_clock_monotonic_ns(&clock), 6);
  assert_int_equal(stoa_clock_wall_us(&clock), 8);
}

static void the_system_clock_reads_the_kernels_clocks(void **state) {
  (void)state;
  struct timespec before;
  struct timespec after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  uint64_t monotonic_ns = stoa_clock_monotonic_ns(&stoa_clock_system);
  clock_gettime(CLOCK_MONOTONIC, &after);
  assert_in_range(monotonic_ns, (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec,
                  (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
  /* Wall time may be set while this runs, so it is only asked to be of this age. */
  assert_true(stoa_clock_wall_us(&stoa_clock_system) > 1600000000 * (int64_t)US_PER_SECOND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_times_are_written_in_the_form_of_rfc_3339),
      cmocka_unit_test(a_time_before_1970_rounds_towards_the_past),
      cmocka_unit_test(years_outside_0_to_9999_are_clamped),
      cmocka_unit_test(every_day_from_1600_to_2400_agrees_with_gmtime),
      cmocka_unit_test(a_fake_clock_stands_still_until_it_is_moved),
      cmocka_unit_test(the_system_clock_reads_the_kernels_clocks),
  };
  return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
