#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http_date.h"

#define US 1000000
#define NOW_S 1769860800 /* 2026-01-31T12:00:00Z */

static void assert_date(int64_t wall_us, const char *expected) {
  char text[STOA_HTTP_DATE_SIZE];
  stoa_http_date(wall_us, text);
  assert_string_equal(text, expected);
}

static void dates_are_written_as_the_rfc_prefers_them(void **state) {
  (void)state;
  assert_date(784111777 * (int64_t)US, "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110 5.6.7 */
  assert_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
  assert_date(999999, "Thu, 01 Jan 1970 00:00:00 GMT");
  assert_date(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
  assert_date(951782400 * (int64_t)US, "Tue, 29 Feb 2000 00:00:00 GMT");
  assert_date(1798761599 * (int64_t)US, "Thu, 31 Dec 2026 23:59:59 GMT");
}

static void times_that_a_date_cannot_express_are_clamped(void **state) {
  (void)state;
  char text[STOA_HTTP_DATE_SIZE];
  stoa_http_date(INT64_MAX, text);
  assert_string_equal(text + 5, "31 Dec 9999 23:59:59 GMT");
  stoa_http_date(INT64_MIN, text);
  assert_string_equal(text + 5, "01 Jan 0000 00:00:00 GMT");
}

static int64_t parsed(const char *text) {
  int64_t seconds = -77;
  return stoa_http_date_parse(stoa_string_of(text), NOW_S, &seconds) ? seconds : INT64_MIN;
}

static void all_three_forms_are_read(void **state) {
  (void)state;
  assert_int_equal(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  assert_int_equal(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  assert_int_equal(parsed("Sun Nov  6 08:49:37 1994"), 784111777);
  assert_int_equal(parsed("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
  assert_int_equal(parsed("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  assert_int_equal(parsed("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
  assert_int_equal(parsed("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
  assert_int_equal(parsed("Sat, 01 Jan 0000 00:00:00 GMT"), -62167219200);
}

/* RFC 9110 5.6.7: more than 50 years in the future is the most recent year in the past with the same digits. */
static void two_digits_of_a_year_are_at_most_fifty_years_ahead(void **state) {
  (void)state;
  assert_int_equal(parsed("Wednesday, 01-Jan-76 00:00:00 GMT"), 3345062400); /* 2076 */
  assert_int_equal(parsed("Saturday, 01-Jan-77 00:00:00 GMT"), 220924800);   /* 1977 */
  assert_int_equal(parsed("Saturday, 01-Jan-00 00:00:00 GMT"), 946684800);   /* 2000 */
}

static void what_is_not_a_date_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "0",
      "Sun",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "sun, 06 nov 1994 08:49:37 gmt",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT",
      "Tue, 29 Feb 1900 00:00:00 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov 94 08:49:37 GMT",
      "Sun, 06-Nov-94 08:49:37 GMT",
      "Sunday, 06 Nov 1994 08:49:37 GMT",
      "Sun Nov 6 08:49:37 1994",
      "Sun Nov   6 08:49:37 1994",
      "Sun, 06 Nov +994 08:49:37 GMT",
      "Mit, 06 Nov 1994 08:49:37 GMT",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (parsed(texts[i]) != INT64_MIN) {
      fail_msg("[%s] was read", texts[i]);
    }
  }
}

static void every_day_that_is_written_is_read_back(void **state) {
  (void)state;
  for (int64_t day = -719528; day < 2932897; day += 97) {
    char text[STOA_HTTP_DATE_SIZE];
    stoa_http_date((day * 86400 + 3661) * US, text);
    assert_int_equal(parsed(text), day * 86400 + 3661);
  }
}

static void two_digits_of_a_year_are_read_whatever_the_clock_shows(void **state) {
  (void)state;
  static const int64_t clocks_s[] = {INT64_MIN, -62167219200, 0, 253402300799, INT64_MAX};
  for (size_t i = 0; i < sizeof clocks_s / sizeof clocks_s[0]; i++) {
    int64_t read_s = -1;
    assert_true(stoa_http_date_parse(stoa_string_of("Sunday, 06-Nov-94 08:49:37 GMT"), clocks_s[i], &read_s));
    assert_in_range(read_s + 62167219200, 0, 62167219200 + 253402300799);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates_are_written_as_the_rfc_prefers_them),
      cmocka_unit_test(times_that_a_date_cannot_express_are_clamped),
      cmocka_unit_test(all_three_forms_are_read),
      cmocka_unit_test(two_digits_of_a_year_are_at_most_fifty_years_ahead),
      cmocka_unit_test(two_digits_of_a_year_are_read_whatever_the_clock_shows),
      cmocka_unit_test(what_is_not_a_date_is_refused),
      cmocka_unit_test(every_day_that_is_written_is_read_back),
  };
  return cmocka_run_group_tests_name("HTTP dates", tests, NULL, NULL);
}
