#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/calendar.h"

static void every_day_of_ten_thousand_years_has_its_date(void **state) {
  (void)state;
  struct stoa_date wanted = {0, 1, 1};
  for (int64_t day = STOA_DAY_FIRST; day <= STOA_DAY_LAST; day++) {
    struct stoa_date date = stoa_date_of_day(day);
    if (date.year != wanted.year || date.month != wanted.month || date.day != wanted.day ||
        stoa_day_of_date(date) != day) {
      fail_msg("day %ld is %ld-%ld-%ld", (long)day, (long)date.year, (long)date.month, (long)date.day);
    }
    if (++wanted.day > stoa_days_in_month(wanted.year, wanted.month)) {
      wanted.day = 1;
      wanted.month = wanted.month % 12 + 1;
      wanted.year += wanted.month == 1;
    }
  }
  assert_int_equal(wanted.year, 10000);
}

static void known_days_have_their_dates(void **state) {
  (void)state;
  static const struct {
    int64_t day;
    struct stoa_date date;
  } known[] = {
      {0, {1970, 1, 1}}, {-1, {1969, 12, 31}}, {11016, {2000, 2, 29}}, {19782, {2024, 2, 29}}, {-25509, {1900, 2, 28}},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(known); i++) {
    assert_int_equal(stoa_day_of_date(known[i].date), known[i].day);
  }
}

static void a_leap_year_is_each_fourth_but_three_centuries_of_four(void **state) {
  (void)state;
  assert_int_equal(stoa_days_in_month(2024, 2), 29);
  assert_int_equal(stoa_days_in_month(2023, 2), 28);
  assert_int_equal(stoa_days_in_month(1900, 2), 28);
  assert_int_equal(stoa_days_in_month(2000, 2), 29);
  assert_int_equal(stoa_days_in_month(0, 2), 29);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_day_of_ten_thousand_years_has_its_date),
      cmocka_unit_test(known_days_have_their_dates),
      cmocka_unit_test(a_leap_year_is_each_fourth_but_three_centuries_of_four),
  };
  return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
