#include "names.h"

#include <stddef.h>
#include <string.h>

#include "pool.h"
#include "text.h"

/* Keywords of C11, C23 and C++20, and macros of system headers and the compiler; each with a blank on both sides. */
static const char kept_names[] =
    " alignas alignof and and_eq asm assert atomic_cancel atomic_commit auto bitand bitor bool break case catch"
    " char char16_t char32_t char8_t class co_await co_return co_yield compl complex concept const const_cast"
    " consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum errno"
    " explicit export extern false float for friend goto i386 if imaginary inline int linux long mutable namespace"
    " new noexcept noreturn not not_eq nullptr offsetof operator or or_eq private protected public register"
    " reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast stderr stdin"
    " stdout struct switch synchronized template this thread_local throw true try typedef typeid typename typeof"
    " typeof_unqual union unix unsigned using virtual void volatile wchar_t while xor xor_eq EOF NULL"
    " ";

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

const char *names_safe(const char *name) {
  bool is_kept = strstr(kept_names, text_format(" %s ", name)) != NULL;
  return is_kept ? text_format("%s_", name) : name;
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
