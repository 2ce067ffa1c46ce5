#include "base/utf8.h"

#include <assert.h>
#include "wire/http.h"
#include "wire/http_token.h"

/* Take the byte at *at, or the byte of the escape there. */
static bool byte_decode(struct stoa_string path, size_t *at, uint8_t *out_byte) {
  uint8_t byte = (uint8_t)path.data[*at];
  if (byte != '%') {
    *at += 1;
    *out_byte = byte;
    return true;
  }
  if (path.len - *at < 3 || !stoa_http_is_hex((uint8_t)path.data[*at + 1]) ||
      !stoa_http_is_hex((uint8_t)path.data[*at + 2])) {
    return false;
  }
  *out_byte = (uint8_t)(stoa_http_hex((uint8_t)path.data[*at + 1]) << 4 | stoa_http_hex((uint8_t)path.data[*at + 2]));
  *at += 3;
  return true;
}

static bool has_parent_segment(const char *path, size_t len) {
  size_t start = 0;
  for (size_t at = 0; at <= len; at++) {
    if (at == len || path[at] == '/') {
      if (at - start == 2 && path[start] == '.' && path[start + 1] == '.') {
        return true;
      }
      start = at + 1;
    }
  }
  return false;
}

int stoa_http_path_decode(struct stoa_string path, char *out, size_t *out_len) {
  size_t at = 0;
  size_t len = 0;
  while (at < path.len) {
    uint8_t byte;
    if (!byte_decode(path, &at, &byte) || byte < 0x20 || byte == 0x7f || byte == '\\') {
      return STOA_E_SYNTAX;
    }
    out[len++] = (char)byte;
  }
  if (!stoa_utf8_valid(out, len) || has_parent_segment(out, len)) {
    return STOA_E_SYNTAX;
  }
  assert(at == path.len);
  assert(len <= path.len);
  *out_len = len;
  return STOA_OK;
}
