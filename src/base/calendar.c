/* base/calendar.c: here years begin in March, so the leap day is the last day of a year. Then months of 31 and 30 days
 * alternate in five-month runs of 153 days, and one multiplication finds the month. */
#include "base/calendar.h"

#include <assert.h>
#include <stdbool.h>

#define DAYS_PER_ERA 146097           /* 400 years */
#define DAYS_FROM_YEAR_0_MARCH 719468 /* 0000-03-01 to 1970-01-01 */

struct stoa_date stoa_date_of_day(int64_t day) {
  assert(day >= STOA_DAY_FIRST);
  assert(day <= STOA_DAY_LAST);
  /* January and February of year 0 belong to a year that began before era 0. Adding one era here, and subtracting its
   * years below, keeps the numbers positive. */
  uint32_t days = (uint32_t)(day + DAYS_FROM_YEAR_0_MARCH + DAYS_PER_ERA);
  uint32_t era = days / DAYS_PER_ERA;
  uint32_t day_of_era = days % DAYS_PER_ERA;
  uint32_t leap_days_before = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
  uint32_t year_of_era = (day_of_era - leap_days_before) / 365;
  uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint32_t month_from_march = (5 * day_of_year + 2) / 153;
  uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return (struct stoa_date){
      .year = (int64_t)(era * 400 + year_of_era + (month <= 2)) - 400,
      .month = month,
      .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
  };
}

int64_t stoa_day_of_date(struct stoa_date date) {
  assert(date.year >= 0 && date.year <= 9999);
  assert(date.day >= 1 && date.day <= stoa_days_in_month(date.year, date.month));
  int64_t month = (date.month + 9) % 12;
  int64_t year = date.year - (date.month <= 2) + 400;
  int64_t days = year * 365 + year / 4 - year / 100 + year / 400;
  return days + (153 * month + 2) / 5 + date.day - 1 - DAYS_PER_ERA - DAYS_FROM_YEAR_0_MARCH;
}

int64_t stoa_days_in_month(int64_t year, int64_t month) {
  static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  assert(month >= 1 && month <= 12);
  bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && is_leap);
}
