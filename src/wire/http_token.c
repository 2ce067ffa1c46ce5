#include "wire/http_token.h"

#include <assert.h>

#define T STOA_HTTP_TOKEN
#define V STOA_HTTP_VALUE
#define U STOA_HTTP_TARGET
#define H STOA_HTTP_HOST

/* A target may have more bytes than RFC 3986 allows, because browsers send { } | ^ ` and [ ] without escapes. Refused
 * are bytes that no browser sends and that could do harm later: quotes and angle brackets (a page that shows the
 * target), the backslash (a path separator to some), a fragment, and bytes above ASCII. */
const uint8_t stoa_http_classes[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | V | U | H,
    ['"'] = V,
    ['#'] = T | V,
    ['$'] = T | V | U | H,
    ['%'] = T | V | U | H,
    ['&'] = T | V | U | H,
    ['\''] = T | V | U | H,
    ['('] = V | U | H,
    [')'] = V | U | H,
    ['*'] = T | V | U | H,
    ['+'] = T | V | U | H,
    [','] = V | U | H,
    ['-'] = T | V | U | H,
    ['.'] = T | V | U | H,
    ['/'] = V | U,
    ['0' ... '9'] = T | V | U | H,
    [':'] = V | U,
    [';'] = V | U | H,
    ['<'] = V,
    ['='] = V | U | H,
    ['>'] = V,
    ['?'] = V | U,
    ['@'] = V | U,
    ['A' ... 'Z'] = T | V | U | H,
    ['['] = V | U,
    ['\\'] = V,
    [']'] = V | U,
    ['^'] = T | V | U,
    ['_'] = T | V | U | H,
    ['`'] = T | V | U,
    ['a' ... 'z'] = T | V | U | H,
    ['{'] = V | U,
    ['|'] = T | V | U,
    ['}'] = V | U,
    ['~'] = T | V | U | H,
    [0x80 ... 0xff] = V,
};

bool stoa_http_equal_fold(struct stoa_string a, struct stoa_string b) {
  if (a.len != b.len) {
    return false;
  }
  for (size_t i = 0; i < a.len; i++) {
    if (stoa_http_lower((uint8_t)a.data[i]) != stoa_http_lower((uint8_t)b.data[i])) {
      return false;
    }
  }
  return true;
}

struct stoa_string stoa_http_trim(struct stoa_string text) {
  while (text.len > 0 && stoa_http_is_blank((uint8_t)text.data[0])) {
    text.data++;
    text.len--;
  }
  while (text.len > 0 && stoa_http_is_blank((uint8_t)text.data[text.len - 1])) {
    text.len--;
  }
  return text;
}

bool stoa_http_list_next(struct stoa_string list, size_t *at, struct stoa_string *out_element) {
  if (*at >= list.len) {
    return false;
  }
  const char *start = list.data + *at;
  const char *comma = memchr(start, ',', list.len - *at);
  size_t len = comma != NULL ? (size_t)(comma - start) : list.len - *at;
  assert(len <= list.len - *at);
  *at += len + 1;
  *out_element = stoa_http_trim(stoa_string_make(start, len));
  return true;
}
