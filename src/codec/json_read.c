#include "codec/json_read.h"

#include "base/array.h"
#include "codec/number.h"

#include <assert.h>

const uint8_t *stoa_json_fail(struct stoa_json_reader *reader, int status, const char *reason) {
  assert(status != STOA_OK);
  reader->status = status;
  stoa_fault_set(&reader->fault, "%s", reason);
  return NULL;
}

const uint8_t *stoa_json_fail_syntax(struct stoa_json_reader *reader, const uint8_t *at, const char *expected) {
  assert(at >= reader->begin);
  assert(at <= reader->end);
  reader->status = STOA_E_SYNTAX;
  bool is_cut = at == reader->end;
  stoa_fault_set(&reader->fault, "at byte %zu%s: expected %s", (size_t)(at - reader->begin),
                 is_cut ? " (the end of the input)" : "", expected);
  return NULL;
}

const uint8_t *stoa_json_fail_arena(struct stoa_json_reader *reader) {
  reader->status = stoa_fault_arena(&reader->fault, reader->arena);
  return NULL;
}

const uint8_t *stoa_json_fail_unknown(struct stoa_json_reader *reader, struct stoa_string name) {
  (void)stoa_json_fail(reader, STOA_E_TYPE, "no field has this name");
  stoa_fault_key(&reader->fault, name);
  return NULL;
}

/* The end of a string's raw text, or of the input; escapes are skipped. */
static const uint8_t *raw_string_end(const struct stoa_json_reader *reader, const uint8_t *at) {
  while (at < reader->end && *at != '"') {
    at += *at == '\\' && reader->end - at > 1 ? 2 : 1;
  }
  return at;
}

/* The end of a number or word. */
static const uint8_t *raw_word_end(const struct stoa_json_reader *reader, const uint8_t *at) {
  while (at < reader->end && !stoa_json_is_space(*at) && *at != ',' && *at != '}' && *at != ']') {
    at++;
  }
  return at;
}

bool stoa_json_is_literal(const struct stoa_json_reader *reader, const uint8_t *at, const char *literal) {
  size_t len = strlen(literal);
  return (size_t)(reader->end - at) >= len && memcmp(at, literal, len) == 0;
}

size_t stoa_json_literal_len(const struct stoa_json_reader *reader, const uint8_t *at) {
  static const char *const literals[] = {"null", "true", "false"};
  for (size_t i = 0; i < STOA_COUNT_OF(literals); i++) {
    if (stoa_json_is_literal(reader, at, literals[i])) {
      return strlen(literals[i]);
    }
  }
  return 0;
}

/* Can a value of any kind begin here? */
static bool is_value(const struct stoa_json_reader *reader, const uint8_t *at) {
  if (at == reader->end) {
    return false;
  }
  struct stoa_decimal ignored;
  return *at == '{' || *at == '[' || *at == '"' || stoa_json_literal_len(reader, at) > 0 ||
         stoa_decimal_read(at, reader->end, &ignored) != NULL;
}

const uint8_t *stoa_json_fail_type(struct stoa_json_reader *reader, const uint8_t *at, const char *expected) {
  if (!is_value(reader, at)) {
    return stoa_json_fail_syntax(reader, at, "a value");
  }
  reader->status = STOA_E_TYPE;
  if (*at == '{' || *at == '[') {
    stoa_fault_set(&reader->fault, "expected %s, got %s", expected, *at == '{' ? "an object" : "an array");
    return NULL;
  }
  bool is_string = *at == '"';
  at += is_string;
  const uint8_t *end = is_string ? raw_string_end(reader, at) : raw_word_end(reader, at);
  char quote[STOA_FAULT_QUOTE_SIZE];
  stoa_fault_quote(stoa_string_make((const char *)at, (size_t)(end - at)), quote);
  stoa_fault_set(&reader->fault, is_string ? "expected %s, got \"%s\"" : "expected %s, got %s", expected, quote);
  return NULL;
}

bool stoa_json_enter(struct stoa_json_reader *reader) {
  assert(reader->depth <= STOA_CODEC_DEPTH_MAX);
  if (reader->depth == STOA_CODEC_DEPTH_MAX) {
    (void)stoa_json_fail(reader, STOA_E_LIMIT, "nested too deeply");
    return false;
  }
  reader->depth++;
  return true;
}
