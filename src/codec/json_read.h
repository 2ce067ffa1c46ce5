/* codec/json_read.h: reading JSON text (RFC 8259), without messages and fields.
 *
 * Functions that read take the position where they start and return the byte after what they read, or NULL after
 * setting reader->status and the fault. Nothing is read at reader->end or after it; no NUL is needed there.
 */
#ifndef STOA_CODEC_JSON_READ_H
#define STOA_CODEC_JSON_READ_H

#include <stoa/arena.h>
#include <stoa/json.h>

#include "codec/fault.h"

struct stoa_json_reader {
  const uint8_t *begin;
  const uint8_t *end;
  struct stoa_arena *arena;
  const struct stoa_json_options *options;
  struct stoa_fault fault;
  int status;
  uint32_t depth; /* arrays and objects entered */
};

/* Set the status and the reason, and return NULL. */
const uint8_t *stoa_json_fail(struct stoa_json_reader *reader, int status, const char *reason);
/* STOA_E_SYNTAX, with the position: `at byte 17: expected ...`. */
const uint8_t *stoa_json_fail_syntax(struct stoa_json_reader *reader, const uint8_t *at, const char *expected);
/* STOA_E_TYPE: `expected uint32, got "x"`, where `at` is the start of the value that was found instead; STOA_E_SYNTAX
 * when no value starts there. */
const uint8_t *stoa_json_fail_type(struct stoa_json_reader *reader, const uint8_t *at, const char *expected);
/* STOA_E_TYPE: no field has the name of this member. */
const uint8_t *stoa_json_fail_unknown(struct stoa_json_reader *reader, struct stoa_string name);
/* STOA_E_MEMORY or STOA_E_LIMIT: the arena has just returned NULL. */
const uint8_t *stoa_json_fail_arena(struct stoa_json_reader *reader);

/* Enter an array or object: add a level. False after failing with STOA_E_LIMIT. */
bool stoa_json_enter(struct stoa_json_reader *reader);

static inline bool stoa_json_is_space(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const uint8_t *stoa_json_skip_space(const struct stoa_json_reader *reader, const uint8_t *at) {
  while (at < reader->end && stoa_json_is_space(*at)) {
    at++;
  }
  return at;
}

static inline bool stoa_json_is_at(const struct stoa_json_reader *reader, const uint8_t *at, char c) {
  return at < reader->end && *at == (uint8_t)c;
}

/* Is the value here this literal (true, false, null)? */
bool stoa_json_is_literal(const struct stoa_json_reader *reader, const uint8_t *at, const char *literal);

/* The length of the literal here, or 0. */
size_t stoa_json_literal_len(const struct stoa_json_reader *reader, const uint8_t *at);

/* The rest of a string after its opening quote. Without escapes the result points into the input, else into the arena.
 * It is UTF-8. Errors: STOA_E_SYNTAX, STOA_E_UTF8 (lone surrogates too), STOA_E_MEMORY,
 *         STOA_E_LIMIT  the arena's cap */
const uint8_t *stoa_json_read_string(struct stoa_json_reader *reader, const uint8_t *at, struct stoa_string *out_text);

/* A member's name, beginning at its opening quote. */
static inline const uint8_t *stoa_json_read_name(struct stoa_json_reader *reader, const uint8_t *at,
                                                 struct stoa_string *out_name) {
  if (!stoa_json_is_at(reader, at, '"')) {
    return stoa_json_fail_syntax(reader, at, "a member's name");
  }
  return stoa_json_read_string(reader, at + 1, out_name);
}

/* From the end of a member's name to its value. */
static inline const uint8_t *stoa_json_read_colon(struct stoa_json_reader *reader, const uint8_t *at) {
  at = stoa_json_skip_space(reader, at);
  if (!stoa_json_is_at(reader, at, ':')) {
    return stoa_json_fail_syntax(reader, at, "':'");
  }
  return stoa_json_skip_space(reader, at + 1);
}

/* `at` is after a value in an array or object. Returns the next value or name, or the byte after the end (*out_is_end).
 */
static inline const uint8_t *stoa_json_read_comma(struct stoa_json_reader *reader, const uint8_t *at, char end,
                                                  bool *out_is_end) {
  at = stoa_json_skip_space(reader, at);
  *out_is_end = stoa_json_is_at(reader, at, end);
  if (*out_is_end) {
    return at + 1;
  }
  if (!stoa_json_is_at(reader, at, ',')) {
    return stoa_json_fail_syntax(reader, at, end == ']' ? "',' or ']'" : "',' or '}'");
  }
  return stoa_json_skip_space(reader, at + 1);
}

/* Check and skip any value. No recursion: one bit for each level says which container is open. */
const uint8_t *stoa_json_skip_value(struct stoa_json_reader *reader, const uint8_t *at);

#endif
