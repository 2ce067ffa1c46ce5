/* codec/json_encode.c: a message's struct as proto3 JSON.
 *
 * Exactly the needed bytes are reserved, so a message that fits the buffer's cap is never refused.
 */
#include <assert.h>
#include <math.h>

#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "codec/map_field.h"
#include "codec/number.h"
#include "codec/table.h"
#include "scan.h"

static const struct stoa_json_options defaults = STOA_JSON_DEFAULTS;

static inline uint8_t *tail(const struct stoa_json_writer *writer) {
  return writer->out->data + writer->out->len;
}

int stoa_json_write_text(struct stoa_json_writer *writer, const char *text, size_t len) {
  return stoa_buffer_append(writer->out, text, len);
}

static inline int write_char(struct stoa_json_writer *writer, char c) {
  int status = stoa_buffer_reserve(writer->out, 1);
  if (status == STOA_OK) {
    *tail(writer) = (uint8_t)c;
    writer->out->len++;
  }
  return status;
}

static inline int enter(struct stoa_json_writer *writer, char open) {
  if (writer->depth == STOA_CODEC_DEPTH_MAX) {
    return STOA_E_LIMIT;
  }
  writer->depth++;
  return write_char(writer, open);
}

static inline int leave(struct stoa_json_writer *writer, char close) {
  assert(writer->depth > 0);
  writer->depth--;
  return write_char(writer, close);
}

int stoa_json_write_char(struct stoa_json_writer *writer, char c) {
  return write_char(writer, c);
}

int stoa_json_write_open(struct stoa_json_writer *writer, char open) {
  return enter(writer, open);
}

int stoa_json_write_close(struct stoa_json_writer *writer, char close) {
  return leave(writer, close);
}

/* RFC 8259 7: the quote, the backslash and control bytes must be escaped; nothing else is. */
static int write_escape(struct stoa_json_writer *writer, uint8_t byte) {
  static const char letters[256] = {
      ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
  static const char hex[] = "0123456789abcdef";
  if (letters[byte] != 0) {
    char text[2] = {'\\', letters[byte]};
    return stoa_json_write_text(writer, text, sizeof text);
  }
  char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
  return stoa_json_write_text(writer, text, sizeof text);
}

/* The rest of a string that needs escapes: runs without escapes, each followed by the escape that ends it. */
static int write_escaped(struct stoa_json_writer *writer, const uint8_t *at, const uint8_t *end) {
  while (at < end) {
    bool ignored;
    const uint8_t *stop = stoa_scan_text(at, end, &ignored);
    int status = stoa_buffer_append(writer->out, at, (size_t)(stop - at));
    if (status == STOA_OK && stop < end) {
      status = write_escape(writer, *stop++);
    }
    if (status != STOA_OK) {
      return status;
    }
    at = stop;
  }
  return STOA_OK;
}

static bool is_utf8(const struct stoa_string *text) {
  return stoa_utf8_valid(text->data, text->len);
}

static int write_long_way(struct stoa_json_writer *writer, const struct stoa_string *text) {
  const uint8_t *data = (const uint8_t *)text->data;
  if (!is_utf8(text)) {
    return STOA_E_UTF8;
  }
  int status = write_char(writer, '"');
  if (status == STOA_OK) {
    status = write_escaped(writer, data, data + text->len);
  }
  return status == STOA_OK ? write_char(writer, '"') : status;
}

/* Always inlined into the loop over members: a call would cost a fifth of the time for a short message. */
__attribute__((always_inline)) static inline int write_string(struct stoa_json_writer *writer,
                                                              const struct stoa_string *text) {
  int status = stoa_buffer_reserve(writer->out, text->len + 2);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = tail(writer);
  bool has_high;
  size_t plain = stoa_scan_copy_text(at + 1, (const uint8_t *)text->data, text->len, &has_high);
  if (plain < text->len || (has_high && !is_utf8(text))) {
    return write_long_way(writer, text);
  }
  at[0] = '"';
  at[text->len + 1] = '"';
  writer->out->len += text->len + 2;
  return STOA_OK;
}

int stoa_json_write_string(struct stoa_json_writer *writer, const struct stoa_string *text) {
  return write_string(writer, text);
}

static int write_base64(struct stoa_json_writer *writer, const struct stoa_bytes *bytes) {
  if (bytes->len > SIZE_MAX / 4) {
    return STOA_E_LIMIT;
  }
  size_t len = stoa_base64_len(bytes->len);
  int status = stoa_buffer_reserve(writer->out, len + 2);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = tail(writer);
  at[0] = '"';
  stoa_base64_write(*bytes, at + 1);
  at[len + 1] = '"';
  writer->out->len += len + 2;
  return STOA_OK;
}

/* A number's text; quoted for 64-bit integers, which JavaScript's numbers cannot hold, and for map keys. */
static int write_number_text(struct stoa_json_writer *writer, const char *text, size_t len, bool is_quoted) {
  int status = stoa_buffer_reserve(writer->out, len + 2 * (size_t)is_quoted);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = tail(writer);
  at[0] = '"';
  stoa_scan_copy(at + is_quoted, text, len);
  if (is_quoted) {
    at[len + 1] = '"';
  }
  writer->out->len += len + 2 * (size_t)is_quoted;
  return STOA_OK;
}

static int write_signed(struct stoa_json_writer *writer, int64_t value, bool is_quoted) {
  char text[STOA_NUMBER_TEXT_MAX];
  return write_number_text(writer, text, stoa_number_write_signed(value, text), is_quoted);
}

static int write_unsigned(struct stoa_json_writer *writer, uint64_t value, bool is_quoted) {
  char text[STOA_NUMBER_TEXT_MAX];
  return write_number_text(writer, text, stoa_number_write(value, text), is_quoted);
}

static int write_not_finite(struct stoa_json_writer *writer, double value) {
  if (isnan(value)) {
    return stoa_json_write_text(writer, "\"NaN\"", 5);
  }
  return value > 0 ? stoa_json_write_text(writer, "\"Infinity\"", 10)
                   : stoa_json_write_text(writer, "\"-Infinity\"", 11);
}

/* Not "-0": readers that have an integer type, such as Python's, read that as 0. */
static int write_negative_zero(struct stoa_json_writer *writer) {
  return stoa_json_write_text(writer, "-0.0", 4);
}

static int write_double(struct stoa_json_writer *writer, double value) {
  if (!isfinite(value)) {
    return write_not_finite(writer, value);
  }
  if (value == 0 && signbit(value)) {
    return write_negative_zero(writer);
  }
  char text[STOA_NUMBER_TEXT_MAX];
  return stoa_json_write_text(writer, text, stoa_number_write_double(value, text));
}

static int write_float(struct stoa_json_writer *writer, float value) {
  if (!isfinite(value)) {
    return write_not_finite(writer, (double)value);
  }
  if (value == 0 && signbit(value)) {
    return write_negative_zero(writer);
  }
  char text[STOA_NUMBER_TEXT_MAX];
  return stoa_json_write_text(writer, text, stoa_number_write_float(value, text));
}

static int write_bool(struct stoa_json_writer *writer, bool value, bool is_quoted) {
  return value ? write_number_text(writer, "true", 4, is_quoted) : write_number_text(writer, "false", 5, is_quoted);
}

/* The first name with that number, or the number. */
static int write_enum(struct stoa_json_writer *writer, const struct stoa_enum_type *type, int32_t number) {
  if (type->is_null) {
    return stoa_json_write_text(writer, "null", 4);
  }
  if (writer->options->enums_as_numbers) {
    return write_signed(writer, number, false);
  }
  for (uint32_t i = 0; i < type->value_count; i++) {
    if (type->values[i].number == number) {
      struct stoa_string name = stoa_string_of(type->values[i].name);
      return write_number_text(writer, name.data, name.len, true);
    }
  }
  return write_signed(writer, number, false);
}

/* NULL is possible only in map entries that a program made; it means the empty message. */
static int write_message_slot(struct stoa_json_writer *writer, const struct stoa_field *field, const void *slot) {
  const void *message = *(const void *const *)slot;
  return message == NULL ? stoa_json_write_text(writer, "{}", 2)
                         : stoa_json_write_message(writer, field->message, message);
}

/* One value in its slot. With is_key everything is quoted. */
int stoa_json_write_value(struct stoa_json_writer *writer, const struct stoa_field *field, const void *slot,
                          bool is_key) {
  switch ((enum stoa_field_kind)field->kind) {
    case STOA_KIND_DOUBLE:
      return write_double(writer, *(const double *)slot);
    case STOA_KIND_FLOAT:
      return write_float(writer, *(const float *)slot);
    case STOA_KIND_INT64:
    case STOA_KIND_SINT64:
    case STOA_KIND_SFIXED64:
      return write_signed(writer, *(const int64_t *)slot, true);
    case STOA_KIND_UINT64:
    case STOA_KIND_FIXED64:
      return write_unsigned(writer, *(const uint64_t *)slot, true);
    case STOA_KIND_INT32:
    case STOA_KIND_SINT32:
    case STOA_KIND_SFIXED32:
      return write_signed(writer, *(const int32_t *)slot, is_key);
    case STOA_KIND_UINT32:
    case STOA_KIND_FIXED32:
      return write_unsigned(writer, *(const uint32_t *)slot, is_key);
    case STOA_KIND_BOOL:
      return write_bool(writer, *(const bool *)slot, is_key);
    case STOA_KIND_STRING:
      return stoa_json_write_string(writer, slot);
    case STOA_KIND_BYTES:
      return write_base64(writer, slot);
    case STOA_KIND_ENUM:
      return write_enum(writer, field->enumeration, *(const int32_t *)slot);
    case STOA_KIND_MESSAGE:
      return write_message_slot(writer, field, slot);
  }
  return STOA_OK;
}

static int write_entry(struct stoa_json_writer *writer, const struct stoa_field *map, const void *entry) {
  const struct stoa_field *key = stoa_map_field_key(map);
  const struct stoa_field *value = stoa_map_field_value(map);
  int status = stoa_json_write_value(writer, key, stoa_slot(entry, key), true);
  if (status == STOA_OK) {
    status = write_char(writer, ':');
  }
  return status == STOA_OK ? stoa_json_write_value(writer, value, stoa_slot(entry, value), false) : status;
}

static int write_item(struct stoa_json_writer *writer, const struct stoa_field *field, const void *item) {
  if (field->label == STOA_LABEL_MAP) {
    return write_entry(writer, field, item);
  }
  if (field->kind == STOA_KIND_MESSAGE) {
    return stoa_json_write_message(writer, field->message, item);
  }
  return stoa_json_write_value(writer, field, item, false);
}

int stoa_json_write_list(struct stoa_json_writer *writer, const struct stoa_field *field,
                         const struct stoa_list *list) {
  bool is_map = field->label == STOA_LABEL_MAP;
  size_t size = stoa_field_item_size(field);
  int status = enter(writer, is_map ? '{' : '[');
  for (size_t i = 0; i < list->count && status == STOA_OK; i++) {
    status = i == 0 ? STOA_OK : write_char(writer, ',');
    if (status == STOA_OK) {
      status = write_item(writer, field, stoa_list_item(list, i, size));
    }
  }
  return status == STOA_OK ? leave(writer, is_map ? '}' : ']') : status;
}

/* `,"name":`, the comma before all but the first. */
static inline int write_name(struct stoa_json_writer *writer, const char *name, size_t len, bool is_first) {
  size_t comma = !is_first;
  int status = stoa_buffer_reserve(writer->out, comma + len + 3);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = tail(writer);
  *at = ',';
  at += comma;
  *at++ = '"';
  stoa_scan_copy(at, name, len);
  at[len] = '"';
  at[len + 1] = ':';
  writer->out->len += comma + len + 3;
  return STOA_OK;
}

int stoa_json_write_field(struct stoa_json_writer *writer, const struct stoa_field *field, const void *message) {
  const void *slot = stoa_slot(message, field);
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return stoa_json_write_list(writer, field, slot);
  }
  return stoa_json_write_value(writer, field, slot, false);
}

/* Fields without presence are always written, so that a reader in JavaScript never finds `undefined`. */
static bool is_written(const struct stoa_field *field, const void *message) {
  bool is_set;
  return !stoa_field_has_presence(field, message, &is_set) || is_set;
}

static bool is_empty(const struct stoa_field *field, const void *message) {
  bool is_set;
  const void *slot = stoa_slot(message, field);
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return ((const struct stoa_list *)slot)->count == 0;
  }
  return !stoa_field_has_presence(field, message, &is_set) && stoa_field_is_default(field, slot);
}

/* A name from `json_name` that must be escaped in JSON. */
static int write_escaped_name(struct stoa_json_writer *writer, const struct stoa_field *field, bool is_first) {
  struct stoa_string name = stoa_string_make(field->json_name, field->json_name_len);
  int status = is_first ? STOA_OK : stoa_json_write_char(writer, ',');
  status = status == STOA_OK ? stoa_json_write_string(writer, &name) : status;
  return status == STOA_OK ? stoa_json_write_char(writer, ':') : status;
}

static inline int write_json_name(struct stoa_json_writer *writer, const struct stoa_field *field, bool is_first) {
  return __builtin_expect(field->json_name_escapes, 0)
             ? write_escaped_name(writer, field, is_first)
             : write_name(writer, field->json_name, field->json_name_len, is_first);
}

/* With any options. A function of its own, so that write_members() stays fast. */
__attribute__((noinline)) static int write_members_with(struct stoa_json_writer *writer,
                                                        const struct stoa_message_type *type, const void *message,
                                                        bool is_first) {
  const struct stoa_json_options *options = writer->options;
  int status = STOA_OK;
  for (uint32_t i = 0; i < type->field_count && status == STOA_OK; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (!is_written(field, message) || (!options->emit_unpopulated && is_empty(field, message))) {
      continue;
    }
    status = options->proto_names ? write_name(writer, field->name, field->name_len, is_first)
                                  : write_json_name(writer, field, is_first);
    is_first = false;
    if (status == STOA_OK) {
      status = stoa_json_write_field(writer, field, message);
    }
  }
  return status;
}

/* The same with the default options: nothing needs to be decided for each member. */
static inline int write_members(struct stoa_json_writer *writer, const struct stoa_message_type *type,
                                const void *message) {
  bool is_first = true;
  int status = STOA_OK;
  const struct stoa_field *end = stoa_fields_end(type);
  for (const struct stoa_field *field = type->fields; field < end && status == STOA_OK; field++) {
    bool is_plain_text = field->kind == STOA_KIND_STRING && field->label == STOA_LABEL_SINGULAR;
    if (!is_plain_text && !is_written(field, message)) {
      continue;
    }
    status = write_json_name(writer, field, is_first);
    is_first = false;
    if (status == STOA_OK) {
      status = is_plain_text ? write_string(writer, stoa_slot(message, field))
                             : stoa_json_write_field(writer, field, message);
    }
  }
  return status;
}

int stoa_json_write_members(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message,
                            bool is_first) {
  return write_members_with(writer, type, message, is_first);
}

int stoa_json_write_message(struct stoa_json_writer *writer, const struct stoa_message_type *type,
                            const void *message) {
  if (type->special != STOA_SPECIAL_NONE) {
    return stoa_json_write_special(writer, type, message);
  }
  int status = enter(writer, '{');
  if (status == STOA_OK) {
    status = writer->options == &defaults ? write_members(writer, type, message)
                                          : write_members_with(writer, type, message, true);
  }
  return status == STOA_OK ? leave(writer, '}') : status;
}

int stoa_json_encode_with(const struct stoa_json_options *options, const struct stoa_message_type *type,
                          const void *message, struct stoa_buffer *out) {
  struct stoa_json_writer writer = {.out = out, .options = options};
  size_t len_before = out->len;
  int status = stoa_json_write_message(&writer, type, message);
  assert(status != STOA_OK || writer.depth == 0);
  assert(out->len >= len_before);
  if (status != STOA_OK) {
    out->len = len_before;
  }
  return status;
}

int stoa_json_encode(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  return stoa_json_encode_with(&defaults, type, message, out);
}
