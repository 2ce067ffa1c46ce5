#include "wire/http_query.h"

#include "base/utf8.h"

#include <assert.h>

#include "wire/http_percent.h"

/* The next part between two '&' that is not empty. Start with *at = 0. False at the end. */
static bool part_next(struct stoa_string text, size_t *at, struct stoa_string *out_part) {
  while (*at < text.len) {
    const char *start = text.data + *at;
    const char *mark = memchr(start, '&', text.len - *at);
    size_t len = mark != NULL ? (size_t)(mark - start) : text.len - *at;
    *at += len + (mark != NULL ? 1 : 0);
    if (len > 0) {
      *out_part = stoa_string_make(start, len);
      return true;
    }
  }
  return false;
}

static size_t parts_count(struct stoa_string text, size_t count_max) {
  size_t at = 0;
  size_t count = 0;
  struct stoa_string part;
  while (count <= count_max && part_next(text, &at, &part)) {
    count++;
  }
  return count;
}

/* Decode at `out`, which has room for the text, and move it past the decoded bytes. */
static int decode(struct stoa_string text, char **out, struct stoa_string *out_decoded) {
  char *start = *out;
  size_t len = 0;
  for (size_t at = 0; at < text.len;) {
    bool is_blank = text.data[at] == '+';
    uint8_t byte;
    if (!stoa_http_percent_next(text, &at, &byte) || byte == 0) {
      return STOA_E_SYNTAX;
    }
    start[len++] = (char)(is_blank ? ' ' : byte);
  }
  assert(len <= text.len);
  if (!stoa_utf8_valid(start, len)) {
    return STOA_E_UTF8;
  }
  *out_decoded = stoa_string_make(start, len);
  *out += len;
  return STOA_OK;
}

static int pair_decode(struct stoa_string part, char **out, struct stoa_http_query_pair *out_pair) {
  const char *equals = memchr(part.data, '=', part.len);
  size_t name_len = equals != NULL ? (size_t)(equals - part.data) : part.len;
  size_t value_start = equals != NULL ? name_len + 1 : part.len;
  int status = decode(stoa_string_make(part.data, name_len), out, &out_pair->name);
  if (status != STOA_OK) {
    return status;
  }
  return decode(stoa_string_make(part.data + value_start, part.len - value_start), out, &out_pair->value);
}

int stoa_http_query_parse(struct stoa_string text, size_t pairs_max, struct stoa_arena *arena,
                          struct stoa_http_query *out_query) {
  size_t count = parts_count(text, pairs_max);
  if (count > pairs_max) {
    return STOA_E_LIMIT;
  }
  struct stoa_http_query_pair *pairs = stoa_arena_alloc(arena, count * sizeof *pairs);
  char *decoded = stoa_arena_alloc(arena, text.len);
  if (pairs == NULL || decoded == NULL) {
    return stoa_arena_status(arena);
  }
  size_t at = 0;
  size_t taken = 0;
  struct stoa_string part;
  while (part_next(text, &at, &part)) {
    assert(taken < count);
    int status = pair_decode(part, &decoded, &pairs[taken]);
    if (status != STOA_OK) {
      return status;
    }
    taken++;
  }
  assert(taken == count);
  *out_query = (struct stoa_http_query){pairs, count};
  return STOA_OK;
}

struct stoa_string stoa_http_query_find(const struct stoa_http_query *query, struct stoa_string name, size_t *index) {
  for (size_t i = index != NULL ? *index : 0; i < query->count; i++) {
    if (stoa_string_equal(query->pairs[i].name, name)) {
      if (index != NULL) {
        *index = i + 1;
      }
      return query->pairs[i].value;
    }
  }
  if (index != NULL) {
    *index = query->count;
  }
  return stoa_string_make(NULL, 0);
}
