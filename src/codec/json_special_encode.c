/* codec/json_special_encode.c: messages of the package google.protobuf in their special JSON. */
#include <math.h>

#include "codec/json_write.h"
#include "codec/table.h"
#include "codec/time_text.h"

/* Their fields are numbered without gaps, so the index in the table is the number minus one. */
static const void *slot_of(const struct stoa_message_type *type, const void *message, uint32_t number) {
  return stoa_slot(message, &type->fields[number - 1]);
}

static struct stoa_time load_time(const struct stoa_message_type *type, const void *message) {
  return (struct stoa_time){*(const int64_t *)slot_of(type, message, 1), *(const int32_t *)slot_of(type, message, 2)};
}

static int write_time(struct stoa_json_writer *writer, const char *text, size_t len) {
  if (len == 0) {
    return STOA_E_TYPE;
  }
  struct stoa_string view = stoa_string_make(text, len);
  return stoa_json_write_string(writer, &view);
}

static int write_timestamp(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  char text[STOA_TIME_TEXT_MAX];
  return write_time(writer, text, stoa_time_write_point(load_time(type, message), text));
}

static int write_duration(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  char text[STOA_TIME_TEXT_MAX];
  return write_time(writer, text, stoa_time_write_span(load_time(type, message), text));
}

static bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

/* Does the path survive the conversion to camelCase and back? Not with capitals, or with anything but a lower-case
 * letter after "_". */
static bool has_camel_form(struct stoa_string path) {
  for (size_t i = 0; i < path.len; i++) {
    char c = path.data[i];
    bool is_lost = c == '_' && (i + 1 == path.len || !is_lower(path.data[i + 1]));
    if (is_lost || c == ',' || (c >= 'A' && c <= 'Z')) {
      return false;
    }
  }
  return path.len > 0;
}

/* foo_bar becomes fooBar, in room of the path's length. */
static size_t write_camel(struct stoa_string path, char *out_text) {
  size_t len = 0;
  for (size_t i = 0; i < path.len; i++) {
    bool is_capital = path.data[i] == '_';
    i += is_capital;
    out_text[len++] = (char)(is_capital ? path.data[i] - 'a' + 'A' : path.data[i]);
  }
  return len;
}

/* The path is written unchanged, like a string, and then converted in place: so its escapes and its UTF-8 are handled.
 */
static int write_path(struct stoa_json_writer *writer, struct stoa_string path) {
  if (!has_camel_form(path)) {
    return STOA_E_TYPE;
  }
  size_t start = writer->out->len;
  int status = stoa_json_write_string(writer, &path);
  if (status == STOA_OK) {
    char *text = (char *)writer->out->data + start;
    size_t len = writer->out->len - start - 2;
    writer->out->len = start + write_camel(stoa_string_make(text + 1, len), text);
  }
  return status;
}

static int write_field_mask(struct stoa_json_writer *writer, const struct stoa_message_type *type,
                            const void *message) {
  const struct stoa_list *paths = slot_of(type, message, 1);
  const struct stoa_string *items = paths->items;
  int status = stoa_json_write_char(writer, '"');
  for (size_t i = 0; i < paths->count && status == STOA_OK; i++) {
    status = i == 0 ? STOA_OK : stoa_json_write_char(writer, ',');
    if (status == STOA_OK) {
      status = write_path(writer, items[i]);
    }
  }
  return status == STOA_OK ? stoa_json_write_char(writer, '"') : status;
}

/* JSON has no NaN, and "NaN" in a Value would be a string. */
static bool is_in_json(const struct stoa_field *field, const void *slot) {
  return field->kind != STOA_KIND_DOUBLE || isfinite(*(const double *)slot);
}

static int write_dynamic(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    const void *slot = stoa_slot(message, field);
    bool is_set;
    if (stoa_field_has_presence(field, message, &is_set) && is_set) {
      return is_in_json(field, slot) ? stoa_json_write_value(writer, field, slot, false) : STOA_E_TYPE;
    }
  }
  return STOA_E_TYPE;
}

static int write_object(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message) {
  int status = stoa_json_write_open(writer, '{');
  if (status == STOA_OK) {
    status = stoa_json_write_members(writer, type, message, true);
  }
  return status == STOA_OK ? stoa_json_write_close(writer, '}') : status;
}

int stoa_json_write_special(struct stoa_json_writer *writer, const struct stoa_message_type *type,
                            const void *message) {
  switch ((enum stoa_special)type->special) {
    case STOA_SPECIAL_ANY:
      return stoa_json_write_any(writer, type, message);
    case STOA_SPECIAL_TIMESTAMP:
      return write_timestamp(writer, type, message);
    case STOA_SPECIAL_DURATION:
      return write_duration(writer, type, message);
    case STOA_SPECIAL_FIELD_MASK:
      return write_field_mask(writer, type, message);
    case STOA_SPECIAL_STRUCT:
    case STOA_SPECIAL_LIST_VALUE:
      return stoa_json_write_list(writer, &type->fields[0], slot_of(type, message, 1));
    case STOA_SPECIAL_VALUE:
      return write_dynamic(writer, type, message);
    case STOA_SPECIAL_WRAPPER:
      return stoa_json_write_value(writer, &type->fields[0], slot_of(type, message, 1), false);
    case STOA_SPECIAL_NONE:
    case STOA_SPECIAL_EMPTY:
      break;
  }
  return write_object(writer, type, message);
}
