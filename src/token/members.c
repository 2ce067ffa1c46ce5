#include "token/members.h"

#include <stoa/token.h>

/* The names so far. Each new name is compared with all of them, without a hash table, because their number is limited.
 */
struct names {
  struct stoa_string items[STOA_TOKEN_MEMBERS_MAX];
  size_t count;
};

static bool add_name(struct stoa_json_reader *reader, struct names *names, struct stoa_string name) {
  for (size_t i = 0; i < names->count; i++) {
    if (stoa_string_equal(names->items[i], name)) {
      return stoa_json_fail(reader, STOA_E_SYNTAX, "a member comes twice") != NULL;
    }
  }
  if (names->count == STOA_TOKEN_MEMBERS_MAX) {
    return stoa_json_fail(reader, STOA_E_LIMIT, "too many members") != NULL;
  }
  names->items[names->count++] = name;
  return true;
}

static const uint8_t *read_member(struct stoa_json_reader *reader, struct names *names,
                                  stoa_token_member_reader *read_value, void *context, const uint8_t *at) {
  struct stoa_string name;
  at = stoa_json_read_name(reader, at, &name);
  at = at == NULL ? NULL : stoa_json_read_colon(reader, at);
  if (at == NULL || !add_name(reader, names, name)) {
    return NULL;
  }
  return read_value(reader, context, name, at);
}

static const uint8_t *read_object(struct stoa_json_reader *reader, stoa_token_member_reader *read_value,
                                  void *context) {
  const uint8_t *at = stoa_json_skip_space(reader, reader->begin);
  if (!stoa_json_is_at(reader, at, '{')) {
    return stoa_json_fail_syntax(reader, at, "an object");
  }
  if (!stoa_json_enter(reader)) {
    return NULL;
  }
  struct names names = {.count = 0};
  at = stoa_json_skip_space(reader, at + 1);
  bool is_end = stoa_json_is_at(reader, at, '}');
  at += is_end;
  while (!is_end && at != NULL) {
    at = read_member(reader, &names, read_value, context, at);
    at = at == NULL ? NULL : stoa_json_read_comma(reader, at, '}', &is_end);
  }
  return at;
}

int stoa_token_members_read(struct stoa_string json, struct stoa_arena *arena, stoa_token_member_reader *read_value,
                            void *context) {
  static const struct stoa_json_options defaults = STOA_JSON_DEFAULTS;
  const uint8_t *begin = (const uint8_t *)(json.len == 0 ? "" : json.data);
  struct stoa_json_reader reader = {.begin = begin, .end = begin + json.len, .arena = arena, .options = &defaults};
  stoa_fault_init(&reader.fault, NULL);
  const uint8_t *at = read_object(&reader, read_value, context);
  if (at != NULL && stoa_json_skip_space(&reader, at) != reader.end) {
    at = stoa_json_fail_syntax(&reader, at, "the end of the input");
  }
  return at == NULL ? reader.status : STOA_OK;
}
