#include "names.h"

#include <stddef.h>
#include <string.h>

#include "names_kept.h"
#include "pool.h"
#include "text.h"

static bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
static bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static char to_lower(char c) {
  return (char)(is_upper(c) ? c - 'A' + 'a' : c);
}

static char to_upper(char c) {
  return (char)(is_lower(c) ? c - 'a' + 'A' : c);
}

static bool has_lower(const char *name) {
  while (*name != '\0' && !is_lower(*name)) {
    name++;
  }
  return *name != '\0';
}

/* A word starts at a capital after a small letter or a digit, and at the last capital of a run when a small letter
 * follows it. */
static bool starts_word(const char *name, size_t i) {
  if (i == 0 || !is_upper(name[i]) || name[i - 1] == '_') {
    return false;
  }
  return is_lower(name[i - 1]) || is_digit(name[i - 1]) || is_lower(name[i + 1]);
}

const char *names_snake(const char *name) {
  /* In a name without small letters, as enum values have, only underscores separate words. */
  bool is_mixed = has_lower(name);
  size_t len = strlen(name);
  char *snake = pool_array(2 * len + 1, 1);
  size_t at = 0;
  for (size_t i = 0; i < len; i++) {
    if (is_mixed && starts_word(name, i)) {
      snake[at++] = '_';
    }
    snake[at++] = to_lower(name[i]);
  }
  return snake;
}

const char *names_upper(const char *name) {
  char *upper = pool_copy(name, strlen(name));
  for (char *at = upper; *at != '\0'; at++) {
    *at = to_upper(*at);
  }
  return upper;
}

const char *names_identifier(const char *text) {
  const char *start = is_digit(*text) ? text_format("_%s", text) : text;
  char *identifier = pool_copy(start, strlen(start));
  for (char *at = identifier; *at != '\0'; at++) {
    if (!is_lower(*at) && !is_upper(*at) && !is_digit(*at)) {
      *at = '_';
    }
  }
  return identifier;
}

const char *names_undotted(const char *name) {
  char *undotted = pool_copy(name, strlen(name));
  for (char *at = undotted; *at != '\0'; at++) {
    *at = (char)(*at == '.' ? '_' : *at);
  }
  return undotted;
}

/* Macros are in capitals, and names like _Bool and __int128 are the compiler's. */
static bool is_reserved(const char *name) {
  bool has_upper = false;
  for (const char *at = name; *at != '\0'; at++) {
    has_upper = has_upper || is_upper(*at);
  }
  return (has_upper && !has_lower(name)) || (name[0] == '_' && (name[1] == '_' || is_upper(name[1])));
}

const char *names_safe(const char *name) {
  return is_reserved(name) || names_kept_word(name) ? text_format("%s_", name) : name;
}

const char *names_safe_tag(const char *name, const char *prefix) {
  bool is_taken = *prefix == '\0' && (names_kept_tag(name) || strncmp(name, "stoa_", 5) == 0);
  return is_taken ? text_format("%s_", name) : names_safe(name);
}

const char *names_safe_constant(const char *name, const char *prefix) {
  bool is_taken = *prefix == '\0' && (names_kept_constant(name) || strncmp(name, "STOA_", 5) == 0 ||
                                      strncmp(name, "__", 2) == 0 || (name[0] == '_' && is_upper(name[1])));
  return is_taken ? text_format("%s_", name) : name;
}

const char *names_join(const char *first, const char *second) {
  if (*first == '\0' || *second == '\0') {
    return *first == '\0' ? second : first;
  }
  return text_format("%s_%s", first, second);
}

const char *names_without_suffix(const char *name, const char *suffix) {
  size_t len = strlen(name);
  size_t suffix_len = strlen(suffix);
  if (len <= suffix_len || strcmp(name + len - suffix_len, suffix) != 0) {
    return name;
  }
  return pool_copy(name, len - suffix_len);
}

const char *names_without_prefix(const char *name, const char *prefix) {
  size_t prefix_len = strlen(prefix);
  bool is_prefixed = strncmp(name, prefix, prefix_len) == 0 && name[prefix_len] != '\0';
  return is_prefixed ? name + prefix_len : name;
}

bool names_is_identifier(const char *text) {
  return *text != '\0' && !is_digit(*text) && strcmp(names_identifier(text), text) == 0;
}
