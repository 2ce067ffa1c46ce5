/* codec/number.c: numbers as text. */
#include "codec/number.h"

#include <assert.h>
#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/status.h>
#include <string.h>

/* With a larger exponent every double and integer is 0 or too large; counting on could only overflow. */
#define EXPONENT_MAX 1000000000
#define DIGITS_8 UINT64_C(100000000)
#define ASCII_ZEROS UINT64_C(0x3030303030303030)

static bool is_digit(const uint8_t *at, const uint8_t *end) {
  return at < end && *at >= '0' && *at <= '9';
}

/* A digit without room changes the exponent instead; a dropped 0 loses nothing. */
static void add_digit(struct stoa_decimal *decimal, uint8_t digit, bool is_fraction) {
  if (decimal->is_exact && decimal->digits <= (UINT64_MAX - digit) / 10) {
    decimal->digits = decimal->digits * 10 + digit;
    decimal->exponent -= is_fraction;
  } else {
    decimal->exponent += !is_fraction;
    decimal->is_exact = decimal->is_exact && digit == 0;
  }
}

static const uint8_t *read_digits(const uint8_t *at, const uint8_t *end, bool is_fraction,
                                  struct stoa_decimal *decimal) {
  if (!is_digit(at, end)) {
    return NULL;
  }
  for (; is_digit(at, end); at++) {
    add_digit(decimal, (uint8_t)(*at - '0'), is_fraction);
  }
  return at;
}

static const uint8_t *read_exponent(const uint8_t *at, const uint8_t *end, struct stoa_decimal *decimal) {
  bool is_negative = at < end && *at == '-';
  at += at < end && (*at == '-' || *at == '+');
  if (!is_digit(at, end)) {
    return NULL;
  }
  int64_t exponent = 0;
  for (; is_digit(at, end); at++) {
    if (exponent < EXPONENT_MAX) {
      exponent = exponent * 10 + (*at - '0');
    }
  }
  decimal->exponent += is_negative ? -exponent : exponent;
  return at;
}

const uint8_t *stoa_decimal_read(const uint8_t *at, const uint8_t *end, struct stoa_decimal *out_decimal) {
  struct stoa_decimal decimal = {.is_exact = true};
  decimal.is_negative = at < end && *at == '-';
  at += decimal.is_negative;
  bool is_zero = at < end && *at == '0'; /* "01" is not a number: the caller sees what follows the 0 */
  at = is_zero ? at + 1 : read_digits(at, end, false, &decimal);
  if (at != NULL && at < end && *at == '.') {
    at = read_digits(at + 1, end, true, &decimal);
  }
  if (at != NULL && at < end && (*at | 0x20) == 'e') {
    at = read_exponent(at + 1, end, &decimal);
  }
  if (at != NULL) {
    *out_decimal = decimal;
  }
  return at;
}

bool stoa_decimal_is_whole(const struct stoa_decimal *decimal, uint64_t *out_magnitude) {
  uint64_t magnitude = decimal->digits;
  int64_t exponent = magnitude == 0 ? 0 : decimal->exponent;
  for (; exponent < 0 && magnitude % 10 == 0; exponent++) {
    magnitude /= 10;
  }
  for (; exponent > 0 && magnitude <= UINT64_MAX / 10; exponent--) {
    magnitude *= 10;
  }
  assert(exponent == 0 || magnitude > 0);
  *out_magnitude = magnitude;
  return exponent == 0 && decimal->is_exact;
}

/* 10^0 to 10^22 are exact as doubles, 10^0 to 10^10 as floats. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* With an exact significand and an exact power, one multiplication or division rounds once, so the result is correct.
 */
static bool is_simple(const struct stoa_decimal *decimal, uint64_t digits_max, int64_t exponent_max) {
  return FLT_EVAL_METHOD == 0 && decimal->is_exact && decimal->digits <= digits_max &&
         decimal->exponent >= -exponent_max && decimal->exponent <= exponent_max;
}

/* glibc and musl return a static locale, which need not be freed. */
locale_t stoa_number_use_c_locale(void) {
  return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

int stoa_decimal_double(const struct stoa_decimal *decimal, struct stoa_bytes text, struct stoa_arena *arena,
                        double *out_value) {
  if (is_simple(decimal, (uint64_t)1 << DBL_MANT_DIG, 22)) {
    double digits = (double)decimal->digits;
    double value = decimal->exponent < 0 ? digits / powers[-decimal->exponent] : digits * powers[decimal->exponent];
    *out_value = decimal->is_negative ? -value : value;
    return STOA_OK;
  }
  struct stoa_string copy = stoa_arena_copy(arena, stoa_string_make((const char *)text.data, text.len));
  if (copy.data == NULL) {
    return STOA_E_MEMORY;
  }
  locale_t before = stoa_number_use_c_locale();
  double value = strtod(copy.data, NULL);
  (void)uselocale(before);
  if (isinf(value)) {
    return STOA_E_TYPE;
  }
  *out_value = value;
  return STOA_OK;
}

int stoa_decimal_float(const struct stoa_decimal *decimal, struct stoa_bytes text, struct stoa_arena *arena,
                       float *out_value) {
  if (is_simple(decimal, (uint64_t)1 << FLT_MANT_DIG, 10)) {
    float digits = (float)decimal->digits;
    float value =
        decimal->exponent < 0 ? digits / (float)powers[-decimal->exponent] : digits * (float)powers[decimal->exponent];
    *out_value = decimal->is_negative ? -value : value;
    return STOA_OK;
  }
  struct stoa_string copy = stoa_arena_copy(arena, stoa_string_make((const char *)text.data, text.len));
  if (copy.data == NULL) {
    return STOA_E_MEMORY;
  }
  locale_t before = stoa_number_use_c_locale();
  float value = strtof(copy.data, NULL);
  (void)uselocale(before);
  if (isinf(value)) {
    return STOA_E_TYPE;
  }
  *out_value = value;
  return STOA_OK;
}

/* A number below 10^8 as eight digits of a byte each, the first one lowest. Each step splits all parts at once: two of
 * four digits, four of two, eight of one. Dividing by multiplication is exact for numbers this small. */
static uint64_t eight_digits(uint32_t value) {
  uint64_t parts = value / 10000 | (uint64_t)(value % 10000) << 32;
  uint64_t high = (parts * 10486 >> 20) & 0x0000007f0000007f;
  parts = high | (parts - high * 100) << 16;
  high = (parts * 103 >> 10) & 0x000f000f000f000f;
  return high | (parts - high * 10) << 8;
}

static void put(uint64_t digits, char *out_text) {
  const uint64_t text = htole64(digits);
  memcpy(out_text, &text, sizeof text);
}

/* With zeros in front. */
static size_t write_eight(uint32_t value, char *out_text) {
  put(eight_digits(value) | ASCII_ZEROS, out_text);
  return 8;
}

/* Without zeros in front; eight bytes are written all the same. */
static size_t write_first(uint32_t value, char *out_text) {
  uint64_t digits = eight_digits(value);
  unsigned zeros = digits == 0 ? 7 : (unsigned)__builtin_ctzll(digits) / 8;
  put((digits | ASCII_ZEROS) >> (8 * zeros), out_text);
  return 8 - zeros;
}

/* Stored messages have two numbers of up to 20 digits each. */
size_t stoa_number_write(uint64_t value, char *out_text) {
  if (value < DIGITS_8) {
    return write_first((uint32_t)value, out_text);
  }
  uint64_t above = value / DIGITS_8;
  size_t len;
  if (above < DIGITS_8) {
    len = write_first((uint32_t)above, out_text);
  } else {
    len = write_first((uint32_t)(above / DIGITS_8), out_text);
    len += write_eight((uint32_t)(above % DIGITS_8), out_text + len);
  }
  return len + write_eight((uint32_t)(value % DIGITS_8), out_text + len);
}

size_t stoa_number_write_signed(int64_t value, char *out_text) {
  if (value >= 0) {
    return stoa_number_write((uint64_t)value, out_text);
  }
  out_text[0] = '-';
  return 1 + stoa_number_write(0 - (uint64_t)value, out_text + 1);
}

/* Any decimal of DBL_DIG digits is unchanged after conversion to a normal double and back. So %g with that many digits
 * gives a shorter text, if there is one, by dropping zeros. Subnormal doubles have fewer digits. 17 digits are always
 * enough. */
size_t stoa_number_write_double(double value, char *out_text) {
  assert(isfinite(value));
  locale_t before = stoa_number_use_c_locale();
  int len = 0;
  for (int digits = isnormal(value) ? DBL_DIG : 1; digits <= DBL_DECIMAL_DIG; digits++) {
    len = snprintf(out_text, STOA_NUMBER_TEXT_MAX, "%.*g", digits, value);
    if (strtod(out_text, NULL) == value) {
      break;
    }
  }
  (void)uselocale(before);
  assert(len > 0);
  assert(len < STOA_NUMBER_TEXT_MAX);
  return (size_t)len;
}

size_t stoa_number_write_float(float value, char *out_text) {
  assert(isfinite(value));
  locale_t before = stoa_number_use_c_locale();
  int len = 0;
  for (int digits = isnormal(value) ? FLT_DIG : 1; digits <= FLT_DECIMAL_DIG; digits++) {
    len = snprintf(out_text, STOA_NUMBER_TEXT_MAX, "%.*g", digits, (double)value);
    if (strtof(out_text, NULL) == value) {
      break;
    }
  }
  (void)uselocale(before);
  assert(len > 0);
  assert(len < STOA_NUMBER_TEXT_MAX);
  return (size_t)len;
}
