/* codec/json_skip.c: skips values that no field has. */
#include "codec/json_read.h"

#include <assert.h>
#include "codec/number.h"

/* A value that is neither an array nor an object. */
static const uint8_t *skip_scalar(struct stoa_json_reader *reader, const uint8_t *at) {
  if (stoa_json_is_at(reader, at, '"')) {
    struct stoa_string ignored;
    return stoa_json_read_string(reader, at + 1, &ignored);
  }
  struct stoa_decimal ignored;
  const uint8_t *next = stoa_decimal_read(at, reader->end, &ignored);
  if (next == NULL) {
    size_t len = stoa_json_literal_len(reader, at);
    next = len > 0 ? at + len : stoa_json_fail_syntax(reader, at, "a value");
  }
  return next;
}

/* `"name" :` in an object. */
static const uint8_t *skip_name(struct stoa_json_reader *reader, const uint8_t *at) {
  struct stoa_string ignored;
  at = stoa_json_read_name(reader, stoa_json_skip_space(reader, at), &ignored);
  return at == NULL ? NULL : stoa_json_read_colon(reader, at);
}

/* The containers around the position of stoa_json_skip_value(): bit 0 of `objects` is the innermost one, 1 for an
 * object. */
struct nest {
  uint32_t depth_before;
  uint32_t objects;
};

static bool is_nested(const struct stoa_json_reader *reader, const struct nest *nest) {
  return reader->depth > nest->depth_before;
}

/* `at` is after a value: skip the ends of containers here, and the comma before the next value. */
static const uint8_t *skip_ends(struct stoa_json_reader *reader, struct nest *nest, const uint8_t *at) {
  while (is_nested(reader, nest)) {
    at = stoa_json_skip_space(reader, at);
    bool in_object = (nest->objects & 1) != 0;
    if (stoa_json_is_at(reader, at, ',')) {
      return in_object ? skip_name(reader, at + 1) : at + 1;
    }
    if (!stoa_json_is_at(reader, at, in_object ? '}' : ']')) {
      return stoa_json_fail_syntax(reader, at, in_object ? "',' or '}'" : "',' or ']'");
    }
    at++;
    reader->depth--;
    nest->objects >>= 1;
  }
  return at;
}

/* Enter the container that begins here, up to its first value; skip it when it is empty. */
static const uint8_t *skip_open(struct stoa_json_reader *reader, struct nest *nest, const uint8_t *at) {
  assert(*at == '{' || *at == '[');
  if (!stoa_json_enter(reader)) {
    return NULL;
  }
  bool is_object = *at == '{';
  nest->objects = nest->objects << 1 | is_object;
  at = stoa_json_skip_space(reader, at + 1);
  if (stoa_json_is_at(reader, at, is_object ? '}' : ']')) {
    return skip_ends(reader, nest, at);
  }
  return is_object ? skip_name(reader, at) : at;
}

const uint8_t *stoa_json_skip_value(struct stoa_json_reader *reader, const uint8_t *at) {
  struct nest nest = {.depth_before = reader->depth};
  do {
    at = stoa_json_skip_space(reader, at);
    if (stoa_json_is_at(reader, at, '{') || stoa_json_is_at(reader, at, '[')) {
      at = skip_open(reader, &nest, at);
    } else {
      at = skip_scalar(reader, at);
      at = at == NULL ? NULL : skip_ends(reader, &nest, at);
    }
  } while (at != NULL && is_nested(reader, &nest));
  assert(at == NULL || reader->depth == nest.depth_before);
  return at;
}
