#include "wire/http_date.h"

#include "base/array.h"
#include "base/calendar.h"
#include "base/units.h"

#include <assert.h>
#include <stdio.h>

#define DAYS_PER_WEEK 7
#define DAY_NAME_LEN 3
#define WEEKDAY_OF_1970 4  /* 1970-01-01 was a Thursday; Sunday is 0 */
#define YEARS_AHEAD_MAX 50 /* RFC 9110 5.6.7 */

static const char *const day_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* A date and a time of day, as written. */
struct date {
  struct stoa_date day;
  int64_t hour;
  int64_t minute;
  int64_t second;
};

/* The calendar. */

static int64_t floor_divide(int64_t value, int64_t by) {
  return value / by - (value % by < 0);
}

static struct date date_of_second(int64_t second) {
  int64_t day = floor_divide(second, STOA_S_PER_DAY);
  int64_t of_day = second - day * STOA_S_PER_DAY;
  return (struct date){
      .day = stoa_date_of_day(day), .hour = of_day / 3600, .minute = of_day / 60 % 60, .second = of_day % 60};
}

/* A clock may be set to any value; the calendar has the years 0 to 9999. */
static int64_t clamp(int64_t second) {
  if (second < STOA_SECOND_FIRST) {
    return STOA_SECOND_FIRST;
  }
  return second > STOA_SECOND_LAST ? STOA_SECOND_LAST : second;
}

void stoa_http_date(int64_t wall_us, char out_text[STOA_HTTP_DATE_SIZE]) {
  int64_t second = clamp(floor_divide(wall_us, STOA_US_PER_S));
  struct date date = date_of_second(second);
  int64_t weekday = (floor_divide(second, STOA_S_PER_DAY) + WEEKDAY_OF_1970) % DAYS_PER_WEEK;
  weekday += weekday < 0 ? DAYS_PER_WEEK : 0;
  assert(weekday >= 0);
  assert(weekday < DAYS_PER_WEEK);
  /* All are in range. The remainders show that to the compiler, which checks the length of the text. */
  snprintf(out_text, STOA_HTTP_DATE_SIZE, "%.*s, %02u %s %04u %02u:%02u:%02u GMT", DAY_NAME_LEN, day_names[weekday],
           (unsigned)(date.day.day % 100), month_names[date.day.month - 1], (unsigned)(date.day.year % 10000),
           (unsigned)(date.hour % 100), (unsigned)(date.minute % 100), (unsigned)(date.second % 100));
}

/* Reading. */

static bool take_text(struct stoa_string *text, const char *wanted) {
  size_t len = strlen(wanted);
  if (text->len < len || memcmp(text->data, wanted, len) != 0) {
    return false;
  }
  *text = stoa_string_make(text->data + len, text->len - len);
  return true;
}

/* Exactly that many digits. */
static bool take_number(struct stoa_string *text, size_t digits, int64_t *out_value) {
  int64_t value = 0;
  if (text->len < digits) {
    return false;
  }
  for (size_t i = 0; i < digits; i++) {
    if (text->data[i] < '0' || text->data[i] > '9') {
      return false;
    }
    value = value * 10 + (text->data[i] - '0');
  }
  *text = stoa_string_make(text->data + digits, text->len - digits);
  *out_value = value;
  return true;
}

/* asctime() pads the day with a blank, the other forms with a zero. */
static bool take_padded_day(struct stoa_string *text, int64_t *out_day) {
  return take_text(text, " ") ? take_number(text, 1, out_day) : take_number(text, 2, out_day);
}

static bool take_month(struct stoa_string *text, int64_t *out_month) {
  for (size_t i = 0; i < STOA_COUNT_OF(month_names); i++) {
    if (take_text(text, month_names[i])) {
      *out_month = (int64_t)i + 1;
      return true;
    }
  }
  return false;
}

static bool take_time(struct stoa_string *text, struct date *date) {
  return take_number(text, 2, &date->hour) && take_text(text, ":") && take_number(text, 2, &date->minute) &&
         take_text(text, ":") && take_number(text, 2, &date->second);
}

/* The name of a day, whole or its first three letters. */
static bool take_day_name(struct stoa_string *text, bool whole) {
  for (size_t i = 0; i < STOA_COUNT_OF(day_names); i++) {
    char name[16];
    snprintf(name, sizeof name, "%.*s", whole ? (int)sizeof name - 1 : DAY_NAME_LEN, day_names[i]);
    if (take_text(text, name)) {
      return true;
    }
  }
  return false;
}

static bool read_fixdate(struct stoa_string text, struct date *date) {
  return take_day_name(&text, false) && take_text(&text, ", ") && take_number(&text, 2, &date->day.day) &&
         take_text(&text, " ") && take_month(&text, &date->day.month) && take_text(&text, " ") &&
         take_number(&text, 4, &date->day.year) && take_text(&text, " ") && take_time(&text, date) &&
         take_text(&text, " GMT") && text.len == 0;
}

static bool read_rfc850(struct stoa_string text, struct date *date) {
  return take_day_name(&text, true) && take_text(&text, ", ") && take_number(&text, 2, &date->day.day) &&
         take_text(&text, "-") && take_month(&text, &date->day.month) && take_text(&text, "-") &&
         take_number(&text, 2, &date->day.year) && take_text(&text, " ") && take_time(&text, date) &&
         take_text(&text, " GMT") && text.len == 0;
}

static bool read_asctime(struct stoa_string text, struct date *date) {
  return take_day_name(&text, false) && take_text(&text, " ") && take_month(&text, &date->day.month) &&
         take_text(&text, " ") && take_padded_day(&text, &date->day.day) && take_text(&text, " ") &&
         take_time(&text, date) && take_text(&text, " ") && take_number(&text, 4, &date->day.year) && text.len == 0;
}

static bool date_to_seconds(const struct date *date, int64_t *out_s) {
  /* RFC 5322 3.3 has leap seconds; one counts as the first second of the next minute. */
  if (date->day.day < 1 || date->day.day > stoa_days_in_month(date->day.year, date->day.month) || date->hour > 23 ||
      date->minute > 59 || date->second > 60) {
    return false;
  }
  *out_s = ((stoa_day_of_date(date->day) * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
  return true;
}

/* The last year with these two digits that is not more than 50 years ahead of now. */
static int64_t century_of(int64_t two_digits, int64_t now_s) {
  int64_t latest = date_of_second(clamp(now_s)).day.year + YEARS_AHEAD_MAX;
  latest = latest < 99 ? 99 : latest;
  latest = latest > 9999 ? 9999 : latest;
  return latest - ((latest - two_digits) % 100 + 100) % 100;
}

bool stoa_http_date_parse(struct stoa_string text, int64_t now_s, int64_t *out_s) {
  struct date date = {0};
  if (read_fixdate(text, &date) || read_asctime(text, &date)) {
    return date_to_seconds(&date, out_s);
  }
  if (!read_rfc850(text, &date)) {
    return false;
  }
  date.day.year = century_of(date.day.year, now_s);
  return date_to_seconds(&date, out_s);
}
