#include "wire/http_route_path.h"

#include "base/utf8.h"

#include <assert.h>

#include "wire/http_percent.h"

/* An encoded slash is data of its segment. A program that takes it for a separator must not be led upwards. */
static bool has_dots(struct stoa_string text) {
  size_t start = 0;
  for (size_t at = 0; at <= text.len; at++) {
    if (at == text.len || text.data[at] == '/') {
      size_t len = at - start;
      if ((len == 1 || len == 2) && memcmp(text.data + start, "..", len) == 0) {
        return true;
      }
      start = at + 1;
    }
  }
  return false;
}

static int segment_decode(struct stoa_string raw, char **text, struct stoa_http_path_segment *out_segment) {
  char *start = *text;
  size_t len = 0;
  for (size_t at = 0; at < raw.len;) {
    uint8_t byte;
    if (!stoa_http_percent_next(raw, &at, &byte) || byte < 0x20 || byte == 0x7f || byte == '\\') {
      return STOA_E_SYNTAX;
    }
    start[len++] = (char)byte;
  }
  assert(len <= raw.len);
  struct stoa_string decoded = stoa_string_make(start, len);
  if (!stoa_utf8_valid(start, len) || has_dots(decoded)) {
    return STOA_E_SYNTAX;
  }
  *text += len;
  *out_segment = (struct stoa_http_path_segment){raw, decoded};
  return STOA_OK;
}

/* The last segment, of which a colon may make two parts, decoded side by side: then the whole lies there as well. */
static int last_decode(struct stoa_string raw, char **text, struct stoa_http_path *path) {
  struct stoa_http_path_segment *last = &path->segments[path->count - 1];
  const char *colon = memrchr(raw.data, ':', raw.len);
  if (colon == NULL || colon == raw.data || colon == raw.data + raw.len - 1) {
    return segment_decode(raw, text, last);
  }
  size_t stem_len = (size_t)(colon - raw.data);
  struct stoa_http_path_segment verb;
  char *start = *text;
  int status = segment_decode(stoa_string_make(raw.data, stem_len), text, &path->stem);
  if (status != STOA_OK) {
    return status;
  }
  *(*text)++ = ':';
  status = segment_decode(stoa_string_make(colon + 1, raw.len - stem_len - 1), text, &verb);
  if (status != STOA_OK) {
    return status;
  }
  path->verb = verb.text;
  *last = (struct stoa_http_path_segment){raw, stoa_string_make(start, (size_t)(*text - start))};
  return STOA_OK;
}

/* Cut first: whether a path can match does not depend on what its escapes say. */
static int segments_cut(struct stoa_string path, struct stoa_http_path *out_path) {
  if (path.len == 0 || path.data[0] != '/') {
    return STOA_E_NOT_FOUND;
  }
  for (size_t at = 1; path.len > 1 && at <= path.len;) {
    const char *start = path.data + at;
    const char *slash = memchr(start, '/', path.len - at);
    size_t len = slash != NULL ? (size_t)(slash - start) : path.len - at;
    if (len == 0 || out_path->count == STOA_HTTP_ROUTE_SEGMENTS_MAX) {
      return STOA_E_NOT_FOUND;
    }
    out_path->segments[out_path->count++].raw = stoa_string_make(start, len);
    at += len + 1;
  }
  return STOA_OK;
}

int stoa_http_path_cut(struct stoa_string path, char **text, struct stoa_http_path *out_path) {
  char *at = *text;
  out_path->count = 0;
  out_path->stem.raw.len = 0;
  out_path->verb = stoa_string_make(NULL, 0);
  int status = segments_cut(path, out_path);
  for (size_t i = 0; i < out_path->count && status == STOA_OK; i++) {
    struct stoa_http_path_segment *segment = &out_path->segments[i];
    status = i + 1 == out_path->count ? last_decode(segment->raw, &at, out_path)
                                      : segment_decode(segment->raw, &at, segment);
  }
  assert((size_t)(at - *text) <= path.len);
  if (status == STOA_OK) {
    *text = at;
  }
  return status;
}

struct stoa_string stoa_http_path_join(const struct stoa_http_path *path, size_t first, size_t last, char **text) {
  assert(first <= last && last < path->count);
  const char *start = path->segments[first].raw.data;
  const char *end = path->segments[last].raw.data + path->segments[last].raw.len;
  struct stoa_string raw = stoa_string_make(start, (size_t)(end - start));
  char *decoded = *text;
  size_t len = 0;
  for (size_t at = 0; at < raw.len;) {
    size_t before = at;
    uint8_t byte = 0;
    bool is_good = stoa_http_percent_next(raw, &at, &byte);
    assert(is_good);
    if (byte == '/' && at - before == 3) {
      memcpy(decoded + len, raw.data + before, 3);
      len += 3;
    } else {
      decoded[len++] = (char)byte;
    }
  }
  assert(len <= raw.len);
  *text += len;
  return stoa_string_make(decoded, len);
}
