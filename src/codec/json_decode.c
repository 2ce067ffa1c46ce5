/* codec/json_decode.c: the proto3 JSON mapping, from text into a message's struct. */
#include <assert.h>
#include <math.h>

#include "base/array.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_message.h"
#include "codec/json_read.h"
#include "codec/map_field.h"
#include "codec/number.h"
#include "codec/table.h"
#include "scan.h"

/* The state of reading an object into a message. */
struct members {
  const struct stoa_message_type *type;
  void *message;
  const struct stoa_field *end;      /* after the last of its fields */
  const struct stoa_field *expected; /* the one after the last read; members mostly come in the order of the table */
  uint64_t *seen;                    /* one bit a field */
  bool is_any;                       /* the member "@type" is allowed, it was read before */
};

/* Types with more fields than this have their bits in the arena. */
#define SEEN_INLINE_FIELDS 64

static const struct stoa_json_options defaults = STOA_JSON_DEFAULTS;

static const uint8_t *fail_kind(struct stoa_json_reader *reader, const struct stoa_field *field, const uint8_t *at) {
  return stoa_json_fail_type(reader, at, stoa_fault_kind_name(field->kind));
}

/* The text of a number: the token itself, or the content of a string. */
struct numeral {
  struct stoa_bytes text;
  struct stoa_decimal decimal;
};

/* A number, bare or quoted. *out_is_one is false when the value is something else; that is no error. */
static const uint8_t *read_numeral(struct stoa_json_reader *reader, const uint8_t *at, struct numeral *out_numeral,
                                   bool *out_is_one) {
  const uint8_t *begin = at;
  const uint8_t *end = reader->end;
  const uint8_t *next = NULL;
  bool is_quoted = stoa_json_is_at(reader, at, '"');
  if (is_quoted) {
    struct stoa_string text;
    next = stoa_json_read_string(reader, at + 1, &text);
    if (next == NULL) {
      return NULL;
    }
    begin = (const uint8_t *)text.data;
    end = begin + text.len;
  }
  const uint8_t *stop = stoa_decimal_read(begin, end, &out_numeral->decimal);
  *out_is_one = stop != NULL && (!is_quoted || stop == end);
  out_numeral->text = stoa_bytes_make(begin, stop == NULL ? 0 : (size_t)(stop - begin));
  return is_quoted ? next : stop == NULL ? at : stop;
}

static bool fits_signed(const struct stoa_decimal *decimal, uint64_t magnitude, uint64_t max) {
  return magnitude <= max + decimal->is_negative;
}

static bool store_whole(uint8_t kind, void *slot, const struct stoa_decimal *decimal) {
  uint64_t magnitude;
  if (!stoa_decimal_is_whole(decimal, &magnitude)) {
    return false;
  }
  uint64_t value = decimal->is_negative ? 0 - magnitude : magnitude;
  bool is_natural = !decimal->is_negative || magnitude == 0;
  switch (kind) {
    case STOA_KIND_INT64:
    case STOA_KIND_SINT64:
    case STOA_KIND_SFIXED64:
      *(uint64_t *)slot = value;
      return fits_signed(decimal, magnitude, INT64_MAX);
    case STOA_KIND_UINT64:
    case STOA_KIND_FIXED64:
      *(uint64_t *)slot = value;
      return is_natural;
    case STOA_KIND_UINT32:
    case STOA_KIND_FIXED32:
      *(uint32_t *)slot = (uint32_t)value;
      return is_natural && magnitude <= UINT32_MAX;
    default: /* the signed kinds of 32 bits, and enum */
      *(uint32_t *)slot = (uint32_t)value;
      return fits_signed(decimal, magnitude, INT32_MAX);
  }
}

/* Up to 9 digits that are the whole number: the common case, and the value fits every kind. */
static const uint8_t *read_short_natural(const struct stoa_json_reader *reader, const uint8_t *at,
                                         uint32_t *out_value) {
  const uint8_t *begin = at;
  uint32_t value = 0;
  for (; at < reader->end && at - begin < 9 && *at >= '0' && *at <= '9'; at++) {
    value = value * 10 + (uint32_t)(*at - '0');
  }
  bool has_end = at > begin && at < reader->end && (*at == ',' || *at == '}' || *at == ']');
  bool is_canonical = has_end && (*begin != '0' || at - begin == 1);
  *out_value = value;
  return is_canonical ? at : NULL;
}

static const uint8_t *read_whole(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                 const uint8_t *at) {
  uint32_t natural;
  const uint8_t *next = read_short_natural(reader, at, &natural);
  if (next != NULL) {
    if (stoa_field_item_size(field) == 8) {
      *(uint64_t *)slot = natural;
    } else {
      *(uint32_t *)slot = natural;
    }
    return next;
  }
  struct numeral numeral;
  bool is_one;
  next = read_numeral(reader, at, &numeral, &is_one);
  if (next == NULL) {
    return NULL;
  }
  return is_one && store_whole(field->kind, slot, &numeral.decimal) ? next : fail_kind(reader, field, at);
}

/* "NaN", "Infinity", "-Infinity" */
static bool named_double(const struct stoa_json_reader *reader, const uint8_t *at, size_t *out_len, double *out_value) {
  static const struct {
    const char *text;
    double value;
  } names[] = {{"\"NaN\"", NAN}, {"\"Infinity\"", INFINITY}, {"\"-Infinity\"", -INFINITY}};
  for (size_t i = 0; i < STOA_COUNT_OF(names); i++) {
    if (stoa_json_is_literal(reader, at, names[i].text)) {
      *out_len = strlen(names[i].text);
      *out_value = names[i].value;
      return true;
    }
  }
  return false;
}

static void store_real(const struct stoa_field *field, void *slot, double value) {
  if (field->kind == STOA_KIND_FLOAT) {
    *(float *)slot = (float)value;
  } else {
    *(double *)slot = value;
  }
}

static const uint8_t *read_real(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                const uint8_t *at) {
  size_t len;
  double named;
  if (named_double(reader, at, &len, &named)) {
    store_real(field, slot, named);
    return at + len;
  }
  struct numeral numeral;
  bool is_one;
  const uint8_t *next = read_numeral(reader, at, &numeral, &is_one);
  if (next == NULL) {
    return NULL;
  }
  int status = STOA_E_TYPE;
  if (is_one && field->kind == STOA_KIND_FLOAT) {
    status = stoa_decimal_float(&numeral.decimal, numeral.text, reader->arena, slot);
  } else if (is_one) {
    status = stoa_decimal_double(&numeral.decimal, numeral.text, reader->arena, slot);
  }
  if (status == STOA_OK) {
    return next;
  }
  return status == STOA_E_MEMORY ? stoa_json_fail_arena(reader) : fail_kind(reader, field, at);
}

static const uint8_t *read_bool(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                const uint8_t *at) {
  bool value = stoa_json_is_literal(reader, at, "true");
  if (!value && !stoa_json_is_literal(reader, at, "false")) {
    return fail_kind(reader, field, at);
  }
  *(bool *)slot = value;
  return at + (value ? 4 : 5);
}

static const struct stoa_enum_value *find_enum_value(const struct stoa_enum_type *type, struct stoa_string name) {
  for (uint32_t i = 0; i < type->value_count; i++) {
    if (stoa_string_equal(stoa_string_of(type->values[i].name), name)) {
      return &type->values[i];
    }
  }
  return NULL;
}

/* By name, or by number for values that the enum does not list. */
static const uint8_t *read_enum(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                const uint8_t *at) {
  if (!stoa_json_is_at(reader, at, '"')) {
    return read_whole(reader, field, slot, at);
  }
  struct stoa_string name;
  const uint8_t *next = stoa_json_read_string(reader, at + 1, &name);
  if (next == NULL) {
    return NULL;
  }
  const struct stoa_enum_value *value = find_enum_value(field->enumeration, name);
  if (value == NULL) {
    return read_whole(reader, field, slot, at);
  }
  *(int32_t *)slot = value->number;
  return next;
}

/* The value of a google.protobuf.NullValue: null, "NULL_VALUE" or 0. Another number is refused, because it would be
 * written as null and lost. */
static const uint8_t *read_null(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                const uint8_t *at) {
  if (stoa_json_is_literal(reader, at, "null")) {
    *(int32_t *)slot = 0;
    return at + 4;
  }
  const uint8_t *next = read_enum(reader, field, slot, at);
  return next == NULL || *(int32_t *)slot == 0 ? next : stoa_json_fail_type(reader, at, "null");
}

/* The byte after an enum's value that must be left out, or `at` when it must not. A number never is. */
static const uint8_t *skip_unknown_enum(struct stoa_json_reader *reader, const struct stoa_field *field,
                                        const uint8_t *at) {
  bool is_asked = field->kind == STOA_KIND_ENUM && reader->options->ignore_unknown_enums;
  if (!is_asked || !stoa_json_is_at(reader, at, '"')) {
    return at;
  }
  struct stoa_string name;
  const uint8_t *next = stoa_json_read_string(reader, at + 1, &name);
  if (next == NULL) {
    return NULL;
  }
  const uint8_t *begin = (const uint8_t *)name.data;
  struct stoa_decimal ignored;
  bool is_number = stoa_decimal_read(begin, begin + name.len, &ignored) == begin + name.len;
  return is_number || find_enum_value(field->enumeration, name) != NULL ? at : next;
}

static const uint8_t *read_text(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                const uint8_t *at) {
  if (!stoa_json_is_at(reader, at, '"')) {
    return fail_kind(reader, field, at);
  }
  return stoa_json_read_string(reader, at + 1, slot);
}

static const uint8_t *read_base64(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                  const uint8_t *at) {
  struct stoa_string text;
  const uint8_t *next = read_text(reader, field, &text, at);
  if (next == NULL) {
    return NULL;
  }
  if (text.len == 0) {
    *(struct stoa_bytes *)slot = stoa_bytes_make(text.data, 0);
    return next;
  }
  uint8_t *data = stoa_arena_alloc(reader->arena, text.len / 4 * 3 + 2);
  if (data == NULL) {
    return stoa_json_fail_arena(reader);
  }
  size_t len;
  if (!stoa_base64_read(text, data, &len)) {
    return fail_kind(reader, field, at);
  }
  *(struct stoa_bytes *)slot = stoa_bytes_make(data, len);
  return next;
}

static const uint8_t *read_submessage(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                      const uint8_t *at) {
  void *message = stoa_message_of_slot(field, slot, reader->arena);
  return message == NULL ? stoa_json_fail_arena(reader) : stoa_json_read_message(reader, field->message, message, at);
}

const uint8_t *stoa_json_read_value(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                    const uint8_t *at) {
  switch (field->kind) {
    case STOA_KIND_DOUBLE:
    case STOA_KIND_FLOAT:
      return read_real(reader, field, slot, at);
    case STOA_KIND_BOOL:
      return read_bool(reader, field, slot, at);
    case STOA_KIND_STRING:
      return read_text(reader, field, slot, at);
    case STOA_KIND_BYTES:
      return read_base64(reader, field, slot, at);
    case STOA_KIND_ENUM:
      return field->enumeration->is_null ? read_null(reader, field, slot, at) : read_enum(reader, field, slot, at);
    case STOA_KIND_MESSAGE:
      return read_submessage(reader, field, slot, at);
    default:
      return read_whole(reader, field, slot, at);
  }
}

static const uint8_t *read_item(struct stoa_json_reader *reader, const struct stoa_field *field, struct stoa_list *list,
                                const uint8_t *at) {
  const uint8_t *next = skip_unknown_enum(reader, field, at);
  if (next != at) {
    return next;
  }
  size_t size = stoa_field_item_size(field);
  void *item = stoa_list_push(list, size, reader->arena);
  if (item == NULL) {
    return stoa_json_fail_arena(reader);
  }
  if (field->message == NULL) {
    return stoa_json_read_value(reader, field, item, at);
  }
  memset(item, 0, size);
  return stoa_json_read_message(reader, field->message, item, at);
}

static const uint8_t *read_items(struct stoa_json_reader *reader, const struct stoa_field *field,
                                 struct stoa_list *list, const uint8_t *at) {
  bool is_end = stoa_json_is_at(reader, at, ']');
  at += is_end;
  /* The index in the text. Values that were left out have no index in the list. */
  for (size_t index = 0; !is_end; index++) {
    at = read_item(reader, field, list, at);
    if (at == NULL) {
      stoa_fault_index(&reader->fault, index);
      return NULL;
    }
    at = stoa_json_read_comma(reader, at, ']', &is_end);
    if (at == NULL) {
      return NULL;
    }
  }
  return at;
}

const uint8_t *stoa_json_read_array(struct stoa_json_reader *reader, const struct stoa_field *field,
                                    struct stoa_list *list, const uint8_t *at) {
  if (!stoa_json_is_at(reader, at, '[')) {
    return stoa_json_fail_type(reader, at, "an array");
  }
  if (!stoa_json_enter(reader)) {
    return NULL;
  }
  at = read_items(reader, field, list, stoa_json_skip_space(reader, at + 1));
  reader->depth--;
  return at;
}

/* Keys of every kind are strings in JSON. The text of a number or bool is read as the value without quotes would be. */
static bool store_key(const struct stoa_field *key, void *slot, struct stoa_string text) {
  if (key->kind == STOA_KIND_STRING) {
    *(struct stoa_string *)slot = text;
    return true;
  }
  if (key->kind == STOA_KIND_BOOL) {
    *(bool *)slot = stoa_string_equal(text, stoa_string_of("true"));
    return *(bool *)slot || stoa_string_equal(text, stoa_string_of("false"));
  }
  const uint8_t *begin = (const uint8_t *)text.data;
  struct stoa_decimal decimal;
  return stoa_decimal_read(begin, begin + text.len, &decimal) == begin + text.len &&
         store_whole(key->kind, slot, &decimal);
}

/* A key of any kind. */
union key {
  struct stoa_string text;
  uint64_t number;
};

/* The value after a key, into a new entry. For a value that must be left out no entry is made: removing one later would
 * break what stoa_list_push() relies on. */
static const uint8_t *read_entry_value(struct stoa_json_reader *reader, const struct stoa_field *map,
                                       struct stoa_list *entries, const union key *key, const uint8_t *at) {
  const struct stoa_field *value = stoa_map_field_value(map);
  const uint8_t *next = skip_unknown_enum(reader, value, at);
  if (next != at) {
    return next;
  }
  uint8_t *entry = stoa_list_push(entries, map->message->size, reader->arena);
  if (entry == NULL) {
    return stoa_json_fail_arena(reader);
  }
  memset(entry, 0, map->message->size);
  const struct stoa_field *key_field = stoa_map_field_key(map);
  memcpy(stoa_slot_mut(entry, key_field), key, stoa_field_item_size(key_field));
  return stoa_json_read_value(reader, value, stoa_slot_mut(entry, value), at);
}

static const uint8_t *read_entry(struct stoa_json_reader *reader, const struct stoa_field *map,
                                 struct stoa_list *entries, const uint8_t *at) {
  const struct stoa_field *key_field = stoa_map_field_key(map);
  const uint8_t *key_at = at;
  struct stoa_string key_text;
  union key key;
  at = stoa_json_read_name(reader, at, &key_text);
  if (at == NULL) {
    return NULL;
  }
  if (!store_key(key_field, &key, key_text)) {
    (void)fail_kind(reader, key_field, key_at);
    stoa_fault_key(&reader->fault, key_text);
    return NULL;
  }
  at = stoa_json_read_colon(reader, at);
  if (at == NULL) {
    return NULL;
  }
  at = read_entry_value(reader, map, entries, &key, at);
  if (at == NULL) {
    stoa_fault_key(&reader->fault, key_text);
  }
  return at;
}

static const uint8_t *read_entries(struct stoa_json_reader *reader, const struct stoa_field *map,
                                   struct stoa_list *entries, const uint8_t *at) {
  bool is_end = stoa_json_is_at(reader, at, '}');
  at += is_end;
  while (!is_end && at != NULL) {
    at = read_entry(reader, map, entries, at);
    at = at == NULL ? NULL : stoa_json_read_comma(reader, at, '}', &is_end);
  }
  return at;
}

const uint8_t *stoa_json_read_map(struct stoa_json_reader *reader, const struct stoa_field *map,
                                  struct stoa_list *entries, const uint8_t *at) {
  if (!stoa_json_is_at(reader, at, '{')) {
    return stoa_json_fail_type(reader, at, "an object");
  }
  if (!stoa_json_enter(reader)) {
    return NULL;
  }
  at = read_entries(reader, map, entries, stoa_json_skip_space(reader, at + 1));
  if (at == NULL) {
    return NULL;
  }
  reader->depth--;
  size_t count = entries->count;
  if (!stoa_map_field_deduplicate(map, entries, reader->arena)) {
    return stoa_json_fail_arena(reader);
  }
  return entries->count == count ? at : stoa_json_fail(reader, STOA_E_SYNTAX, "a duplicate key");
}

/* Only one member of a oneof may be given. */
static const uint8_t *read_oneof(struct stoa_json_reader *reader, const struct stoa_field *field, void *message,
                                 const uint8_t *at) {
  if (*(const int32_t *)stoa_slot_presence(message, field) != 0) {
    return stoa_json_fail(reader, STOA_E_SYNTAX, "another member of its oneof is set too");
  }
  stoa_field_mark(field, message);
  return stoa_json_read_value(reader, field, stoa_slot_mut(message, field), at);
}

/* For these fields null is a value. For all others it is the same as a missing member. */
static bool takes_null(const struct stoa_field *field) {
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return false;
  }
  return field->kind == STOA_KIND_MESSAGE ? field->message->special == STOA_SPECIAL_VALUE
                                          : field->kind == STOA_KIND_ENUM && field->enumeration->is_null;
}

/* Kept out of the loop over members for the reason given at read_other() in proto_decode.c. */
__attribute__((noinline)) const uint8_t *stoa_json_read_field(struct stoa_json_reader *reader,
                                                              const struct stoa_field *field, void *message,
                                                              const uint8_t *at) {
  void *slot = stoa_slot_mut(message, field);
  if (stoa_json_is_literal(reader, at, "null") && !takes_null(field)) {
    return at + 4;
  }
  const uint8_t *next = skip_unknown_enum(reader, field, at);
  if (next != at && field->label != STOA_LABEL_REPEATED) {
    return next;
  }
  switch ((enum stoa_field_label)field->label) {
    case STOA_LABEL_REPEATED:
      return stoa_json_read_array(reader, field, slot, at);
    case STOA_LABEL_MAP:
      return stoa_json_read_map(reader, field, slot, at);
    case STOA_LABEL_ONEOF:
      return read_oneof(reader, field, message, at);
    case STOA_LABEL_OPTIONAL:
      stoa_field_mark(field, message);
      return stoa_json_read_value(reader, field, slot, at);
    case STOA_LABEL_SINGULAR:
      break;
  }
  return stoa_json_read_value(reader, field, slot, at);
}

/* Does the text here have the name of the field that is expected next, and the closing quote? */
static inline bool is_expected(const struct stoa_json_reader *reader, const struct members *members,
                               const uint8_t *at) {
  const struct stoa_field *field = members->expected;
  if (field == members->end) {
    return false;
  }
  size_t len = field->json_name_len;
  return (size_t)(reader->end - at) > len + 1 && at[0] == '"' && at[len + 1] == '"' &&
         stoa_scan_same(at + 1, field->json_name, len) && !field->json_name_escapes;
}

/* False when the field was given before. */
static inline bool see(struct members *members, const struct stoa_field *field) {
  size_t index = (size_t)(field - members->type->fields);
  uint64_t *bits = &members->seen[index / 64];
  uint64_t bit = (uint64_t)1 << (index % 64);
  bool is_new = (*bits & bit) == 0;
  *bits |= bit;
  return is_new;
}

static inline const uint8_t *read_member_value(struct stoa_json_reader *reader, struct members *members,
                                               const struct stoa_field *field, const uint8_t *at) {
  if (!see(members, field)) {
    return stoa_json_fail(reader, STOA_E_SYNTAX, "a duplicate member");
  }
  members->expected = field + 1;
  bool is_plain_text = field->kind == STOA_KIND_STRING && field->label == STOA_LABEL_SINGULAR;
  if (is_plain_text && stoa_json_is_at(reader, at, '"')) {
    return stoa_json_read_string(reader, at + 1, stoa_slot_mut(members->message, field));
  }
  return stoa_json_read_field(reader, field, members->message, at);
}

static const uint8_t *read_unknown(struct stoa_json_reader *reader, const struct members *members,
                                   struct stoa_string name, const uint8_t *at) {
  bool is_expected_one = members->is_any && stoa_string_equal(name, stoa_string_of("@type"));
  if (reader->options->reject_unknown && !is_expected_one) {
    return stoa_json_fail_unknown(reader, name);
  }
  return stoa_json_skip_value(reader, at);
}

static inline const uint8_t *read_known(struct stoa_json_reader *reader, struct members *members,
                                        const struct stoa_field *field, const uint8_t *at) {
  at = read_member_value(reader, members, field, at);
  if (at == NULL) {
    stoa_fault_name(&reader->fault, field->name);
  }
  return at;
}

/* A member that is not in the order of the table. */
__attribute__((noinline)) static const uint8_t *read_searched(struct stoa_json_reader *reader, struct members *members,
                                                              const uint8_t *at) {
  struct stoa_string name;
  at = stoa_json_read_name(reader, at, &name);
  at = at == NULL ? NULL : stoa_json_read_colon(reader, at);
  if (at == NULL) {
    return NULL;
  }
  const struct stoa_field *field = stoa_field_by_name(members->type, name);
  return field == NULL ? read_unknown(reader, members, name, at) : read_known(reader, members, field, at);
}

static inline const uint8_t *read_member(struct stoa_json_reader *reader, struct members *members, const uint8_t *at) {
  if (!is_expected(reader, members, at)) {
    return read_searched(reader, members, at);
  }
  const struct stoa_field *field = members->expected;
  at = stoa_json_read_colon(reader, at + field->json_name_len + 2);
  return at == NULL ? NULL : read_known(reader, members, field, at);
}

static const uint8_t *read_members(struct stoa_json_reader *reader, struct members *members, const uint8_t *at) {
  bool is_end = stoa_json_is_at(reader, at, '}');
  at += is_end;
  while (!is_end && at != NULL) {
    at = read_member(reader, members, at);
    at = at == NULL ? NULL : stoa_json_read_comma(reader, at, '}', &is_end);
  }
  return at;
}

const uint8_t *stoa_json_read_object(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                     void *message, bool is_any, const uint8_t *at) {
  if (!stoa_json_is_at(reader, at, '{')) {
    return stoa_json_fail_type(reader, at, "an object");
  }
  if (!stoa_json_enter(reader)) {
    return NULL;
  }
  uint64_t seen = 0;
  struct members members = {.type = type,
                            .message = message,
                            .end = stoa_fields_end(type),
                            .expected = type->fields,
                            .seen = &seen,
                            .is_any = is_any};
  if (type->field_count > SEEN_INLINE_FIELDS) {
    members.seen = stoa_arena_calloc(reader->arena, (type->field_count + 63) / 64 * sizeof seen);
  }
  if (members.seen == NULL) {
    return stoa_json_fail_arena(reader);
  }
  at = read_members(reader, &members, stoa_json_skip_space(reader, at + 1));
  reader->depth--;
  return at;
}

const uint8_t *stoa_json_read_message(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                      void *message, const uint8_t *at) {
  return type->special == STOA_SPECIAL_NONE ? stoa_json_read_object(reader, type, message, false, at)
                                            : stoa_json_read_special(reader, type, message, at);
}

int stoa_json_decode_with(const struct stoa_json_options *options, const struct stoa_message_type *type,
                          struct stoa_bytes input, struct stoa_arena *arena, void *out_message,
                          struct stoa_codec_error *out_error) {
  const uint8_t *begin = input.len == 0 ? (const uint8_t *)"" : input.data;
  struct stoa_json_reader reader = {.begin = begin, .end = begin + input.len, .arena = arena, .options = options};
  stoa_fault_init(&reader.fault, out_error);
  const uint8_t *at = stoa_json_read_message(&reader, type, out_message, stoa_json_skip_space(&reader, begin));
  if (at == NULL) {
    return reader.status;
  }
  assert(reader.depth == 0);
  at = stoa_json_skip_space(&reader, at);
  if (at != reader.end) {
    (void)stoa_json_fail_syntax(&reader, at, "the end of the input");
    return reader.status;
  }
  return STOA_OK;
}

int stoa_json_decode(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                     void *out_message, struct stoa_codec_error *out_error) {
  return stoa_json_decode_with(&defaults, type, input, arena, out_message, out_error);
}
