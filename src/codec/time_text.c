/* codec/time_text.c: points and spans of time as text. */
#include "codec/time_text.h"

#include <stdio.h>

#define SECONDS_MIN (-62135596800) /* 0001-01-01T00:00:00Z */
#define SECONDS_MAX 253402300799   /* 9999-12-31T23:59:59Z */
#define SPAN_SECONDS_MAX 315576000000
#define NANOS_MAX 999999999
#define SECONDS_A_DAY 86400
#define DAYS_IN_400_YEARS 146097
/* From 0000-03-01, where counting starts so that a leap day is a year's last, to 1970-01-01. */
#define DAYS_TO_1970 719468

struct date {
  int64_t year;
  int64_t month;
  int64_t day;
};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Exactly that many digits, taken off the front. */
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
  *out_nanos = (int32_t)value;
  return true;
}

static int64_t days_in_month(int64_t year, int64_t month) {
  static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && is_leap);
}

/* Months count from March here, years begin there: the days before a month are then 153 in each five of them. */
static int64_t days_of(struct date date) {
  int64_t month = (date.month + 9) % 12;
  int64_t year = date.year - (date.month <= 2);
  int64_t days = year * 365 + year / 4 - year / 100 + year / 400;
  return days + (153 * month + 2) / 5 + date.day - 1 - DAYS_TO_1970;
}

static struct date date_of(int64_t days_since_1970) {
  int64_t days = days_since_1970 + DAYS_TO_1970;
  int64_t cycle = days / DAYS_IN_400_YEARS;
  days %= DAYS_IN_400_YEARS;
  int64_t year = (days - days / 1460 + days / 36524 - days / 146096) / 365;
  days -= year * 365 + year / 4 - year / 100;
  int64_t month = (5 * days + 2) / 153;
  int64_t day = days - (153 * month + 2) / 5 + 1;
  bool is_next_year = month >= 10;
  return (struct date){cycle * 400 + year + is_next_year, is_next_year ? month - 9 : month + 3, day};
}

static bool take_date(struct stoa_string *text, struct date *out_date) {
  struct date date;
  bool is_formed = take_number(text, 4, &date.year) && take_char(text, '-') && take_number(text, 2, &date.month) &&
                   take_char(text, '-') && take_number(text, 2, &date.day);
  if (!is_formed || date.year < 1 || date.month < 1 || date.month > 12) {
    return false;
  }
  *out_date = date;
  return date.day >= 1 && date.day <= days_in_month(date.year, date.month);
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

/* What to take off to get UTC. */
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
  struct date date;
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
  seconds += days_of(date) * SECONDS_A_DAY + of_day - offset;
  *out_time = (struct stoa_time){seconds, nanos};
  return seconds >= SECONDS_MIN && seconds <= SECONDS_MAX;
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
  if (time.seconds < SECONDS_MIN || time.seconds > SECONDS_MAX || time.nanos < 0 || time.nanos > NANOS_MAX) {
    return 0;
  }
  int64_t since_first = time.seconds - SECONDS_MIN;
  int64_t of_day = since_first % SECONDS_A_DAY;
  struct date date = date_of(since_first / SECONDS_A_DAY + SECONDS_MIN / SECONDS_A_DAY);
  int len = snprintf(out_text, STOA_TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year, (int)date.month,
                     (int)date.day, (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
  size_t end = (size_t)len + write_fraction(time.nanos, out_text + len);
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
  out_text[end] = 's';
  return end + 1;
}
