#include "base/utf8.h"

#include <assert.h>
#include "wire/http.h"
#include "wire/http_percent.h"

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
    if (!stoa_http_percent_next(path, &at, &byte) || byte < 0x20 || byte == 0x7f || byte == '\\') {
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
