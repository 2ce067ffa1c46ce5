/* stoa/bytes.h: views of bytes and of text that have another owner.
 *
 * A view is a pointer and a length. It owns nothing, may contain NUL bytes and is not terminated. `data` may be NULL
 * only when `len` is 0. Each function that takes or returns a view says who owns the bytes, and until when.
 */
#ifndef STOA_BYTES_H
#define STOA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_bytes {
  const uint8_t *data;
  size_t len;
};

/* Text in UTF-8. Code that makes one from external input must check that it is UTF-8. */
struct stoa_string {
  const char *data;
  size_t len;
};

/* A string literal as an initializer: struct stoa_string nick = STOA_STR("guest"); */
#define STOA_STR(literal) \
  { (literal), sizeof(literal) - 1 }

static inline struct stoa_string stoa_string_make(const char *data, size_t len) {
  struct stoa_string view;
  view.data = data;
  view.len = len;
  return view;
}

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct stoa_string stoa_string_of(const char *text) {
  return stoa_string_make(text, text == NULL ? 0 : strlen(text));
}

static inline struct stoa_bytes stoa_bytes_make(const void *data, size_t len) {
  struct stoa_bytes view;
  view.data = (const uint8_t *)data;
  view.len = len;
  return view;
}

static inline bool stoa_string_equal(struct stoa_string a, struct stoa_string b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool stoa_bytes_equal(struct stoa_bytes a, struct stoa_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#ifdef __cplusplus
}
#endif

#endif
