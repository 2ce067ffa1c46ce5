/* codec/time_text.c: points in time and durations as text. */
#include "codec/time_text.h"

#include "base/calendar.h"
#include "base/units.h"

#include <assert.h>
#include <stdio.h>

#define SECONDS_MIN (-62135596800) /* 0001-01-01T00:00:00Z */
#define SPAN_SECONDS_MAX 315576000000
#define NANOS_MAX 999999999

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Take exactly that many digits from the front. */
static bool take_number(struct stoa_string *text, size_t digits, int64_t *out_value) {
  if (text->len < digits) {
    return false;
  }
  int64_t value = 0;
  for (size_t i = 0; i < digits; i++) {
    if (!is_digit(text->data[i])) {
      return false;
    }
    value = value * 10 + (text->data[i] - '0');
  }
  *text = stoa_string_make(text->data + digits, text->len - digits);
  *out_value = value;
  return true;
}

static bool take_char(struct stoa_string *text, char c) {
  if (text->len == 0 || text->data[0] != c) {
    return false;
  }
  *text = stoa_string_make(text->data + 1, text->len - 1);
  return true;
}

static size_t count_digits(struct stoa_string text) {
  size_t count = 0;
  while (count < text.len && is_digit(text.data[count])) {
    count++;
  }
  return count;
}

/* A point and 1 to 9 digits, or nothing. */
static bool take_fraction(struct stoa_string *text, int32_t *out_nanos) {
  *out_nanos = 0;
  if (!take_char(text, '.')) {
    return true;
  }
  size_t digits = count_digits(*text);
  int64_t value = 0;
  if (digits == 0 || digits > 9 || !take_number(text, digits, &value)) {
    return false;
  }
  for (size_t i = digits; i < 9; i++) {
    value *= 10;
  }
  assert(value <= NANOS_MAX);
  *out_nanos = (int32_t)value;
  return true;
}

static bool take_date(struct stoa_string *text, struct stoa_date *out_date) {
  struct stoa_date date;
  bool is_formed = take_number(text, 4, &date.year) && take_char(text, '-') && take_number(text, 2, &date.month) &&
                   take_char(text, '-') && take_number(text, 2, &date.day);
  if (!is_formed || date.year < 1 || date.month < 1 || date.month > 12) {
    return false;
  }
  *out_date = date;
  return date.day >= 1 && date.day <= stoa_days_in_month(date.year, date.month);
}

static bool take_hours_minutes(struct stoa_string *text, int64_t *out_seconds) {
  int64_t hours;
  int64_t minutes;
  if (!take_number(text, 2, &hours) || !take_char(text, ':') || !take_number(text, 2, &minutes)) {
    return false;
  }
  *out_seconds = hours * 3600 + minutes * 60;
  return hours <= 23 && minutes <= 59;
}

/* The seconds to subtract to get UTC. */
static bool take_offset(struct stoa_string *text, int64_t *out_seconds) {
  *out_seconds = 0;
  if (take_char(text, 'Z')) {
    return true;
  }
  bool is_east = take_char(text, '+');
  if ((!is_east && !take_char(text, '-')) || !take_hours_minutes(text, out_seconds)) {
    return false;
  }
  *out_seconds = is_east ? *out_seconds : -*out_seconds;
  return true;
}

bool stoa_time_read_point(struct stoa_string text, struct stoa_time *out_time) {
  struct stoa_date date;
  int64_t of_day;
  int64_t seconds;
  int32_t nanos;
  int64_t offset;
  bool is_formed = take_date(&text, &date) && take_char(&text, 'T') && take_hours_minutes(&text, &of_day) &&
                   take_char(&text, ':') && take_number(&text, 2, &seconds) && seconds <= 59 &&
                   take_fraction(&text, &nanos) && take_offset(&text, &offset) && text.len == 0;
  if (!is_formed) {
    return false;
  }
  seconds += stoa_day_of_date(date) * STOA_S_PER_DAY + of_day - offset;
  *out_time = (struct stoa_time){seconds, nanos};
  return seconds >= SECONDS_MIN && seconds <= STOA_SECOND_LAST;
}

bool stoa_time_read_span(struct stoa_string text, struct stoa_time *out_time) {
  bool is_negative = take_char(&text, '-');
  size_t digits = count_digits(text);
  int64_t seconds;
  int32_t nanos;
  if (digits == 0 || digits > 12 || !take_number(&text, digits, &seconds) || !take_fraction(&text, &nanos)) {
    return false;
  }
  *out_time = is_negative ? (struct stoa_time){-seconds, -nanos} : (struct stoa_time){seconds, nanos};
  return take_char(&text, 's') && text.len == 0 && seconds <= SPAN_SECONDS_MAX;
}

/* A point and 3, 6 or 9 digits, or nothing. */
static size_t write_fraction(int32_t nanos, char *out_text) {
  assert(nanos >= 0);
  assert(nanos <= NANOS_MAX);
  if (nanos == 0) {
    return 0;
  }
  size_t digits = nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;
  for (size_t i = 9; i > 0; i--) {
    if (i <= digits) {
      out_text[i] = (char)('0' + nanos % 10);
    }
    nanos /= 10;
  }
  out_text[0] = '.';
  return digits + 1;
}

size_t stoa_time_write_point(struct stoa_time time, char out_text[STOA_TIME_TEXT_MAX]) {
  if (time.seconds < SECONDS_MIN || time.seconds > STOA_SECOND_LAST || time.nanos < 0 || time.nanos > NANOS_MAX) {
    return 0;
  }
  int64_t since_first = time.seconds - SECONDS_MIN;
  int64_t of_day = since_first % STOA_S_PER_DAY;
  struct stoa_date date = stoa_date_of_day(since_first / STOA_S_PER_DAY + SECONDS_MIN / STOA_S_PER_DAY);
  int len = snprintf(out_text, STOA_TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year, (int)date.month,
                     (int)date.day, (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
  size_t end = (size_t)len + write_fraction(time.nanos, out_text + len);
  assert(end < STOA_TIME_TEXT_MAX);
  out_text[end] = 'Z';
  return end + 1;
}

size_t stoa_time_write_span(struct stoa_time time, char out_text[STOA_TIME_TEXT_MAX]) {
  bool is_negative = time.seconds < 0 || time.nanos < 0;
  bool is_mixed = is_negative && (time.seconds > 0 || time.nanos > 0);
  bool is_far = time.seconds < -SPAN_SECONDS_MAX || time.seconds > SPAN_SECONDS_MAX;
  if (is_mixed || is_far || time.nanos < -NANOS_MAX || time.nanos > NANOS_MAX) {
    return 0;
  }
  int64_t seconds = is_negative ? -time.seconds : time.seconds;
  int32_t nanos = is_negative ? -time.nanos : time.nanos;
  int len = snprintf(out_text, STOA_TIME_TEXT_MAX, "%s%lld", is_negative ? "-" : "", (long long)seconds);
  size_t end = (size_t)len + write_fraction(nanos, out_text + len);
  assert(end < STOA_TIME_TEXT_MAX);
  out_text[end] = 's';
  return end + 1;
}
