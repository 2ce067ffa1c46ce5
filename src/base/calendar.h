/* base/calendar.h: the Gregorian calendar from year 0 to year 9999, also for days before its introduction.
 *
 * Does not know: clocks, zones, leap seconds, text.
 * Thread: any.
 */
#ifndef STOA_BASE_CALENDAR_H
#define STOA_BASE_CALENDAR_H

#include <stdint.h>

#define STOA_DAY_FIRST (-719528)         /* 0000-01-01, counted from 1970-01-01 */
#define STOA_DAY_LAST 2932896            /* 9999-12-31 */
#define STOA_SECOND_FIRST (-62167219200) /* 0000-01-01T00:00:00Z */
#define STOA_SECOND_LAST 253402300799    /* 9999-12-31T23:59:59Z */

struct stoa_date {
  int64_t year;  /* 0 to 9999 */
  int64_t month; /* 1 to 12 */
  int64_t day;   /* from 1 */
};

/* The date of a day counted from 1970-01-01, from STOA_DAY_FIRST to STOA_DAY_LAST. */
struct stoa_date stoa_date_of_day(int64_t day);
/* The inverse of stoa_date_of_day(). */
int64_t stoa_day_of_date(struct stoa_date date);
/* 28 to 31. */
int64_t stoa_days_in_month(int64_t year, int64_t month);

#endif
