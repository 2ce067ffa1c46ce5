/* server/config/number.c: reading and writing numbers. */
#include "server/config/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/number.h"

/* A longer text of a real number has more digits than a double can distinguish. */
#define REAL_BYTES_MAX 64u

struct range {
  int64_t min;
  uint64_t max;
  size_t size;
};

struct unit {
  const char *name;
  uint64_t factor;
};

enum unit_family { UNITS_NONE, UNITS_BYTES, UNITS_MS };

static const struct unit units_bytes[] = {{"KiB", 1024},
                                          {"MiB", 1024u * 1024},
                                          {"GiB", 1024u * 1024 * 1024},
                                          {"KB", 1000},
                                          {"MB", 1000u * 1000},
                                          {"GB", 1000u * 1000 * 1000},
                                          {0}};
static const struct unit units_ms[] = {{"ms", 1},           {"s", 1000},         {"m", 60u * 1000},
                                       {"min", 60u * 1000}, {"h", 3600u * 1000}, {0}};

static struct range range_of_kind(uint8_t kind) {
  switch (kind) {
    case STOA_KIND_INT64:
    case STOA_KIND_SINT64:
    case STOA_KIND_SFIXED64:
      return (struct range){INT64_MIN, INT64_MAX, sizeof(int64_t)};
    case STOA_KIND_UINT64:
    case STOA_KIND_FIXED64:
      return (struct range){0, UINT64_MAX, sizeof(uint64_t)};
    case STOA_KIND_UINT32:
    case STOA_KIND_FIXED32:
      return (struct range){0, UINT32_MAX, sizeof(uint32_t)};
    default:
      return (struct range){INT32_MIN, INT32_MAX, sizeof(int32_t)};
  }
}

/* The name of a size has the word `bytes` (message_bytes_max), that of a time ends in its unit (drain_ms). */
static enum unit_family units_of(const struct stoa_field *field) {
  const char *bytes = strstr(field->name, "bytes");
  size_t len = strlen(field->name);
  if (bytes != NULL && (bytes == field->name || bytes[-1] == '_') && (bytes[5] == '\0' || bytes[5] == '_')) {
    return UNITS_BYTES;
  }
  return len > 3 && strcmp(field->name + len - 3, "_ms") == 0 ? UNITS_MS : UNITS_NONE;
}

/* Deadlines are compared by the sign of a 32-bit difference, so a 32-bit time must be less than 2^31. */
static struct range range_of(const struct stoa_field *field) {
  struct range range = range_of_kind(field->kind);
  if (range.max == UINT32_MAX && units_of(field) == UNITS_MS) {
    range.max = INT32_MAX;
  }
  return range;
}

/* The factor of the unit after the digits; 0 when it is not one of the field's units. */
static uint64_t factor_of(const struct stoa_field *field, struct stoa_string text) {
  enum unit_family family = units_of(field);
  if (text.len == 0 || family == UNITS_NONE) {
    return text.len == 0 ? 1 : 0;
  }
  if (text.data[0] == ' ') {
    text = stoa_string_make(text.data + 1, text.len - 1);
  }
  const struct unit *unit = family == UNITS_BYTES ? units_bytes : units_ms;
  for (; unit->name != NULL; unit++) {
    if (stoa_string_equal(text, stoa_string_of(unit->name))) {
      return unit->factor;
    }
  }
  return 0;
}

/* The number of digits at the start of the text; 0 for none, for a leading zero, or for more than 64 bits. */
static size_t read_digits(struct stoa_string text, uint64_t *out_number) {
  uint64_t number = 0;
  size_t len = 0;
  for (; len < text.len && text.data[len] >= '0' && text.data[len] <= '9'; len++) {
    if (__builtin_mul_overflow(number, 10u, &number) ||
        __builtin_add_overflow(number, (uint64_t)(text.data[len] - '0'), &number)) {
      return 0;
    }
  }
  *out_number = number;
  return len > 1 && text.data[0] == '0' ? 0 : len;
}

/* In two's complement the low bytes of a 64-bit number are the same number in a narrower type, if it fits. */
static void store(uint64_t number, size_t size, void *out_value) {
  if (size == sizeof(uint32_t)) {
    uint32_t narrow = (uint32_t)number;
    memcpy(out_value, &narrow, sizeof narrow);
  } else {
    memcpy(out_value, &number, sizeof number);
  }
}

bool stoa_config_integer_read(const struct stoa_field *field, struct stoa_string text, void *out_value) {
  struct range range = range_of(field);
  bool is_negative = text.len > 0 && text.data[0] == '-';
  if (is_negative) {
    text = stoa_string_make(text.data + 1, text.len - 1);
  }
  uint64_t number = 0;
  size_t len = read_digits(text, &number);
  uint64_t factor = factor_of(field, stoa_string_make(text.data + len, text.len - len));
  if (len == 0 || factor == 0 || __builtin_mul_overflow(number, factor, &number)) {
    return false;
  }
  uint64_t limit = is_negative ? 0 - (uint64_t)range.min : range.max;
  if (number > limit) {
    return false;
  }
  store(is_negative ? 0 - number : number, range.size, out_value);
  return true;
}

static uint64_t load(const void *value, struct range range) {
  uint64_t wide;
  uint32_t narrow;
  if (range.size == sizeof wide) {
    memcpy(&wide, value, sizeof wide);
    return wide;
  }
  memcpy(&narrow, value, sizeof narrow);
  return range.min < 0 ? (uint64_t)(int64_t)(int32_t)narrow : narrow;
}

void stoa_config_integer_write(const struct stoa_field *field, const void *value,
                               char out[STOA_CONFIG_NUMBER_TEXT_MAX]) {
  struct range range = range_of(field);
  uint64_t number = load(value, range);
  if (range.min < 0) {
    snprintf(out, STOA_CONFIG_NUMBER_TEXT_MAX, "%" PRId64, (int64_t)number);
  } else {
    snprintf(out, STOA_CONFIG_NUMBER_TEXT_MAX, "%" PRIu64, number);
  }
}

void stoa_config_integer_expect(const struct stoa_field *field, char *out, size_t size) {
  static const char *const hints[] = {
      [UNITS_NONE] = "",
      [UNITS_BYTES] = " (bytes, or with a unit: 64KiB, 1MiB, 1GiB, 10KB, 10MB, 1GB)",
      [UNITS_MS] = " (milliseconds, or with a unit: 500ms, 30s, 2m, 1h)",
  };
  struct range range = range_of(field);
  snprintf(out, size, "a number from %" PRId64 " to %" PRIu64 "%s", range.min, range.max, hints[units_of(field)]);
}

static bool is_real_syntax(const char *text) {
  text += *text == '-';
  size_t whole = strspn(text, "0123456789");
  text += whole;
  size_t fraction = *text == '.' ? strspn(text + 1, "0123456789") : 0;
  text += *text == '.' ? fraction + 1 : 0;
  if (whole + fraction == 0) {
    return false;
  }
  if (*text == 'e' || *text == 'E') {
    text++;
    text += *text == '+' || *text == '-';
    size_t exponent = strspn(text, "0123456789");
    return exponent > 0 && text[exponent] == '\0';
  }
  return *text == '\0';
}

static bool parse_real(const char *text, double *out_number) {
  if (strcmp(text, ".nan") == 0) {
    *out_number = NAN;
    return true;
  }
  if (strcmp(text, ".inf") == 0 || strcmp(text, "-.inf") == 0) {
    *out_number = text[0] == '-' ? -INFINITY : INFINITY;
    return true;
  }
  if (!is_real_syntax(text)) {
    return false;
  }
  *out_number = strtod(text, NULL);
  return isfinite(*out_number) != 0;
}

static bool read_real(const struct stoa_field *field, struct stoa_string text, void *out_value) {
  char copy[REAL_BYTES_MAX];
  double number;
  if (text.len == 0 || text.len >= sizeof copy) {
    return false;
  }
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  if (!parse_real(copy, &number)) {
    return false;
  }
  if (field->kind == STOA_KIND_DOUBLE) {
    memcpy(out_value, &number, sizeof number);
    return true;
  }
  float narrow = strtof(copy, NULL);
  if (!isfinite(number)) {
    narrow = (float)number;
  } else if (!isfinite(narrow)) {
    return false;
  }
  memcpy(out_value, &narrow, sizeof narrow);
  return true;
}

bool stoa_config_real_read(const struct stoa_field *field, struct stoa_string text, void *out_value) {
  locale_t before = stoa_number_use_c_locale();
  bool is_read = read_real(field, text, out_value);
  (void)uselocale(before);
  return is_read;
}

void stoa_config_real_write(const struct stoa_field *field, const void *value, char out[STOA_CONFIG_NUMBER_TEXT_MAX]) {
  bool is_float = field->kind == STOA_KIND_FLOAT;
  double number;
  float narrow;
  if (is_float) {
    memcpy(&narrow, value, sizeof narrow);
    number = (double)narrow;
  } else {
    memcpy(&number, value, sizeof number);
  }
  if (!isfinite(number)) {
    const char *name = isnan(number) ? ".nan" : number < 0 ? "-.inf" : ".inf";
    snprintf(out, STOA_CONFIG_NUMBER_TEXT_MAX, "%s", name);
    return;
  }
  _Static_assert(STOA_CONFIG_NUMBER_TEXT_MAX > STOA_NUMBER_TEXT_MAX, "no room for the NUL");
  size_t len = is_float ? stoa_number_write_float(narrow, out) : stoa_number_write_double(number, out);
  out[len] = '\0';
}
