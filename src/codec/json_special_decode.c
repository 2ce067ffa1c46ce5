/* codec/json_special_decode.c: messages of the package google.protobuf from their special JSON. */
#include "codec/json_message.h"
#include "codec/table.h"
#include "codec/time_text.h"

/* Their fields are numbered without gaps, so the index in the table is the number minus one. */
static void *slot_of(const struct stoa_message_type *type, void *message, uint32_t number) {
  return stoa_slot_mut(message, &type->fields[number - 1]);
}

static const uint8_t *read_text(struct stoa_json_reader *reader, const uint8_t *at, const char *what,
                                struct stoa_string *out_text) {
  if (!stoa_json_is_at(reader, at, '"')) {
    return stoa_json_fail_type(reader, at, what);
  }
  return stoa_json_read_string(reader, at + 1, out_text);
}

static const uint8_t *read_time(struct stoa_json_reader *reader, const struct stoa_message_type *type, void *message,
                                const uint8_t *at) {
  bool is_point = type->special == STOA_SPECIAL_TIMESTAMP;
  const char *what = is_point ? "a time like \"2026-01-31T12:00:00Z\"" : "a duration like \"1.5s\"";
  struct stoa_string text;
  const uint8_t *next = read_text(reader, at, what, &text);
  if (next == NULL) {
    return NULL;
  }
  struct stoa_time time;
  if (!(is_point ? stoa_time_read_point(text, &time) : stoa_time_read_span(text, &time))) {
    return stoa_json_fail_type(reader, at, what);
  }
  *(int64_t *)slot_of(type, message, 1) = time.seconds;
  *(int32_t *)slot_of(type, message, 2) = time.nanos;
  return next;
}

/* The path up to a comma. False when no path of a .proto file has this form. */
static bool take_path(struct stoa_string *text, struct stoa_string *out_path) {
  size_t len = 0;
  while (len < text->len && text->data[len] != ',') {
    if (text->data[len] == '_') {
      return false;
    }
    len++;
  }
  *out_path = stoa_string_make(text->data, len);
  *text = stoa_string_make(text->data + len, text->len - len);
  return len > 0;
}

/* fooBar becomes foo_bar, in the arena when there are capitals. False when memory is out. */
static bool to_snake(struct stoa_json_reader *reader, struct stoa_string *path) {
  size_t capitals = 0;
  for (size_t i = 0; i < path->len; i++) {
    capitals += path->data[i] >= 'A' && path->data[i] <= 'Z';
  }
  if (capitals == 0) {
    return true;
  }
  char *snake = stoa_arena_alloc(reader->arena, path->len + capitals);
  if (snake == NULL) {
    return false;
  }
  size_t len = 0;
  for (size_t i = 0; i < path->len; i++) {
    bool is_capital = path->data[i] >= 'A' && path->data[i] <= 'Z';
    if (is_capital) {
      snake[len++] = '_';
    }
    snake[len++] = (char)(is_capital ? path->data[i] - 'A' + 'a' : path->data[i]);
  }
  *path = stoa_string_make(snake, len);
  return true;
}

static bool push_path(struct stoa_json_reader *reader, struct stoa_list *paths, struct stoa_string path) {
  struct stoa_string *item = to_snake(reader, &path) ? stoa_list_push(paths, sizeof path, reader->arena) : NULL;
  if (item != NULL) {
    *item = path;
  }
  return item != NULL;
}

static const uint8_t *read_field_mask(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                      void *message, const uint8_t *at) {
  static const char what[] = "paths like \"user.displayName,photo\"";
  struct stoa_list *paths = slot_of(type, message, 1);
  struct stoa_string text;
  const uint8_t *next = read_text(reader, at, what, &text);
  bool is_more = next != NULL && text.len > 0;
  while (is_more) {
    struct stoa_string path;
    if (!take_path(&text, &path)) {
      return stoa_json_fail_type(reader, at, what);
    }
    if (!push_path(reader, paths, path)) {
      return stoa_json_fail_arena(reader);
    }
    is_more = text.len > 0;
    text = stoa_string_make(text.data + is_more, text.len - is_more);
    if (is_more && text.len == 0) {
      return stoa_json_fail_type(reader, at, what);
    }
  }
  return next;
}

/* The number of the member of Value for the value here; 2 (number) when there is no valid value. */
static uint32_t dynamic_kind(const struct stoa_json_reader *reader, const uint8_t *at) {
  enum { NULL_VALUE = 1, NUMBER, STRING, BOOL, STRUCT, LIST };
  uint8_t first = at < reader->end ? *at : 0;
  switch (first) {
    case 'n':
      return NULL_VALUE;
    case '"':
      return STRING;
    case 't':
    case 'f':
      return BOOL;
    case '{':
      return STRUCT;
    case '[':
      return LIST;
    default:
      return NUMBER;
  }
}

static const uint8_t *read_dynamic(struct stoa_json_reader *reader, const struct stoa_message_type *type, void *message,
                                   const uint8_t *at) {
  const struct stoa_field *field = &type->fields[dynamic_kind(reader, at) - 1];
  stoa_field_mark(field, message);
  return stoa_json_read_value(reader, field, stoa_slot_mut(message, field), at);
}

const uint8_t *stoa_json_read_special(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                      void *message, const uint8_t *at) {
  switch ((enum stoa_special)type->special) {
    case STOA_SPECIAL_ANY:
      return stoa_json_read_any(reader, type, message, at);
    case STOA_SPECIAL_TIMESTAMP:
    case STOA_SPECIAL_DURATION:
      return read_time(reader, type, message, at);
    case STOA_SPECIAL_FIELD_MASK:
      return read_field_mask(reader, type, message, at);
    case STOA_SPECIAL_STRUCT:
      return stoa_json_read_map(reader, &type->fields[0], slot_of(type, message, 1), at);
    case STOA_SPECIAL_LIST_VALUE:
      return stoa_json_read_array(reader, &type->fields[0], slot_of(type, message, 1), at);
    case STOA_SPECIAL_VALUE:
      return read_dynamic(reader, type, message, at);
    case STOA_SPECIAL_WRAPPER:
      return stoa_json_read_value(reader, &type->fields[0], slot_of(type, message, 1), at);
    case STOA_SPECIAL_NONE:
    case STOA_SPECIAL_EMPTY:
      break;
  }
  return stoa_json_read_object(reader, type, message, false, at);
}
