/* server/config/enum_name.c: short names of enum values. */
#include "server/config/enum_name.h"

#include <ctype.h>
#include <stdio.h>

static bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

/* Does a word of a CamelCase name start at `at`? After a small letter (ByteOrder), or before one (HTTPMode). */
static bool starts_word(const char *name, size_t at) {
  return at > 0 && is_upper(name[at]) && (!is_upper(name[at - 1]) || islower((unsigned char)name[at + 1]));
}

/* The length of the prefix that repeats the enum's name: in stoa.ByteOrder, "BYTE_ORDER_" of BYTE_ORDER_LITTLE. */
static size_t prefix_len(const struct stoa_enum_type *type, const char *value) {
  const char *dot = strrchr(type->full_name, '.');
  const char *name = dot == NULL ? type->full_name : dot + 1;
  size_t len = 0;
  for (size_t i = 0; name[i] != '\0'; i++) {
    if (starts_word(name, i) && value[len++] != '_') {
      return 0;
    }
    if (value[len++] != (char)toupper((unsigned char)name[i])) {
      return 0;
    }
  }
  return value[len] == '_' && value[len + 1] != '\0' ? len + 1 : 0;
}

static void shorten(const struct stoa_enum_type *type, const char *value, char *out, size_t size) {
  snprintf(out, size, "%s", value + prefix_len(type, value));
  for (; *out != '\0'; out++) {
    *out = (char)tolower((unsigned char)*out);
  }
}

static bool is_named(const struct stoa_enum_type *type, const char *value, struct stoa_string text) {
  char name[STOA_CONFIG_SHORT_MAX];
  shorten(type, value, name, sizeof name);
  return stoa_string_equal(text, stoa_string_of(name)) || stoa_string_equal(text, stoa_string_of(value));
}

bool stoa_config_enum_read(const struct stoa_enum_type *type, struct stoa_string text, int32_t *out_number) {
  for (uint32_t i = 0; i < type->value_count; i++) {
    if (is_named(type, type->values[i].name, text)) {
      *out_number = type->values[i].number;
      return true;
    }
  }
  return false;
}

const char *stoa_config_enum_name(const struct stoa_enum_type *type, int32_t number, char room[STOA_CONFIG_SHORT_MAX]) {
  for (uint32_t i = 0; i < type->value_count; i++) {
    int32_t read_back;
    if (type->values[i].number != number) {
      continue;
    }
    shorten(type, type->values[i].name, room, STOA_CONFIG_SHORT_MAX);
    bool is_same = stoa_config_enum_read(type, stoa_string_of(room), &read_back) && read_back == number;
    return is_same ? room : type->values[i].name;
  }
  return NULL;
}

void stoa_config_enum_expect(const struct stoa_enum_type *type, char *out, size_t size) {
  size_t len = 0;
  for (uint32_t i = 0; i < type->value_count && len < size; i++) {
    const char *before = i == 0 ? "" : i + 1 == type->value_count ? " or " : ", ";
    char name[STOA_CONFIG_SHORT_MAX];
    shorten(type, type->values[i].name, name, sizeof name);
    len += (size_t)snprintf(out + len, size - len, "%s%s", before, name);
  }
}
