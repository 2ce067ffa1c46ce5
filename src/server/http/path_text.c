#include "server/http/path_text.h"

#include <assert.h>

#define SEGMENT_LEN_MAX 12u
#define DIGITS_MAX 2u

static const char hidden[] = "***";
static const char cut[] = "/...";

static bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || byte == '.';
}

static bool is_shown(struct stoa_string segment) {
  size_t digits = 0;
  for (size_t i = 0; i < segment.len; i++) {
    bool is_digit = segment.data[i] >= '0' && segment.data[i] <= '9';
    digits += is_digit;
    if (!is_digit && !is_letter(segment.data[i])) {
      return false;
    }
  }
  return segment.len <= SEGMENT_LEN_MAX && digits <= DIGITS_MAX;
}

/* Up to the next slash, which stays. */
static struct stoa_string take_segment(struct stoa_string *path) {
  const char *slash = path->len == 0 ? NULL : memchr(path->data, '/', path->len);
  struct stoa_string segment = {path->data, slash == NULL ? path->len : (size_t)(slash - path->data)};
  *path = stoa_string_make(path->data + segment.len, path->len - segment.len);
  return segment;
}

static size_t add(char *out, size_t len, struct stoa_string text) {
  memcpy(out + len, text.data, text.len);
  return len + text.len;
}

void stoa_path_text_write(struct stoa_string path, char out_text[STOA_PATH_TEXT_SIZE]) {
  const size_t len_max = STOA_PATH_TEXT_SIZE - sizeof cut; /* room for the mark of the end, and the NUL */
  size_t len = 0;
  bool is_first = true;
  while (path.len > 0) {
    if (!is_first || path.data[0] == '/') {
      path = stoa_string_make(path.data + 1, path.len - 1);
      out_text[len++] = '/';
    }
    is_first = false;
    struct stoa_string segment = take_segment(&path);
    struct stoa_string shown = is_shown(segment) ? segment : stoa_string_of(hidden);
    if (len + shown.len + (path.len > 0) > len_max) {
      len = add(out_text, len - 1, stoa_string_of(cut));
      break;
    }
    len = shown.len > 0 ? add(out_text, len, shown) : len;
  }
  assert(len < STOA_PATH_TEXT_SIZE);
  out_text[len] = '\0';
}
