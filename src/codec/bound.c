#include "codec/bound.h"

#include "codec/map_field.h"
#include "codec/number.h"
#include "codec/table.h"

#include <assert.h>
#include <stoa/codec.h>

/* RFC 8259 7: a control character of one byte is written with six. */
#define JSON_BYTES_PER_TEXT_BYTE 6
/* Base64 writes 4 bytes for 3, and pads the last group. */
#define JSON_BYTES_PER_BYTE 2
#define JSON_BASE64_PAD 4
#define JSON_QUOTES 2
#define JSON_BRACKETS 2
/* In Protobuf a tag takes up to 5 bytes, a length below 4 GiB too; any number takes up to 10. */
#define PROTO_HEAD 10
#define PROTO_NUMBER 15

/* Sums cannot overflow: they count data in memory, with at most six bytes for each byte of it. */
struct walk {
  size_t json, proto;
  uint32_t depth;
  bool has_any, is_too_deep;
};

static void add_message(struct walk *walk, const struct stoa_message_type *type, const void *message);

static inline void add(struct walk *walk, size_t json, size_t proto) {
  walk->json += json;
  walk->proto += proto;
}

static size_t enum_json_len(const struct stoa_enum_type *type, int32_t number) {
  for (uint32_t i = 0; i < type->value_count; i++) {
    if (type->values[i].number == number) {
      return strlen(type->values[i].name);
    }
  }
  return STOA_NUMBER_TEXT_MAX;
}

static void add_pointed_message(struct walk *walk, const struct stoa_field *field, const void *slot) {
  const void *message = *(const void *const *)slot;
  add(walk, JSON_BRACKETS, PROTO_HEAD);
  if (message != NULL) {
    add_message(walk, field->message, message);
  }
}

static inline void add_text(struct walk *walk, const struct stoa_string *text) {
  add(walk, text->len * JSON_BYTES_PER_TEXT_BYTE + JSON_QUOTES, text->len + PROTO_HEAD);
}

static void add_value(struct walk *walk, const struct stoa_field *field, const void *slot) {
  switch (field->kind) {
    case STOA_KIND_STRING:
      add_text(walk, slot);
      return;
    case STOA_KIND_BYTES: {
      size_t len = ((const struct stoa_bytes *)slot)->len;
      add(walk, len * JSON_BYTES_PER_BYTE + JSON_BASE64_PAD + JSON_QUOTES, len + PROTO_HEAD);
      return;
    }
    case STOA_KIND_ENUM:
      add(walk, enum_json_len(field->enumeration, *(const int32_t *)slot) + JSON_QUOTES, PROTO_NUMBER);
      return;
    case STOA_KIND_MESSAGE:
      add_pointed_message(walk, field, slot);
      return;
    default:
      add(walk, STOA_NUMBER_TEXT_MAX + JSON_QUOTES, PROTO_NUMBER);
  }
}

static void add_entry(struct walk *walk, const struct stoa_field *map, const void *entry) {
  assert(map->label == STOA_LABEL_MAP);
  const struct stoa_field *key = stoa_map_field_key(map);
  const struct stoa_field *value = stoa_map_field_value(map);
  add(walk, sizeof ":" - 1, PROTO_HEAD);
  add_value(walk, key, stoa_slot(entry, key));
  add_value(walk, value, stoa_slot(entry, value));
}

static void add_list(struct walk *walk, const struct stoa_field *field, const struct stoa_list *list) {
  size_t size = stoa_field_item_size(field);
  add(walk, JSON_BRACKETS, PROTO_HEAD);
  for (size_t i = 0; i < list->count; i++) {
    const void *item = stoa_list_item(list, i, size);
    add(walk, sizeof "," - 1, 0);
    if (field->label == STOA_LABEL_MAP) {
      add_entry(walk, field, item);
    } else if (field->kind == STOA_KIND_MESSAGE) {
      add(walk, 0, PROTO_HEAD);
      add_message(walk, field->message, item);
    } else {
      add_value(walk, field, item);
    }
  }
}

static inline void add_name(struct walk *walk, const struct stoa_field *field) {
  size_t name_len = field->json_name_len;
  walk->json += (field->json_name_escapes ? name_len * JSON_BYTES_PER_TEXT_BYTE : name_len) + sizeof ",\"\":" - 1;
}

/* Kept out of the loop over fields, as in the codecs: most fields of short messages are plain strings. */
__attribute__((noinline)) static void add_field(struct walk *walk, const struct stoa_field *field,
                                                const void *message) {
  bool is_set;
  if (stoa_field_has_presence(field, message, &is_set) && !is_set) {
    return;
  }
  add_name(walk, field);
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    add_list(walk, field, stoa_slot(message, field));
  } else {
    add_value(walk, field, stoa_slot(message, field));
  }
}

/* The JSON forms of google.protobuf's own messages, except Any, are shorter than their members would be. */
static void add_message(struct walk *walk, const struct stoa_message_type *type, const void *message) {
  if (walk->depth == STOA_CODEC_DEPTH_MAX) {
    walk->is_too_deep = true;
    return;
  }
  walk->depth++;
  walk->has_any = walk->has_any || type->special == STOA_SPECIAL_ANY;
  add(walk, JSON_BRACKETS, 0);
  const struct stoa_field *end = stoa_fields_end(type);
  for (const struct stoa_field *field = type->fields; field < end; field++) {
    if (field->kind == STOA_KIND_STRING && field->label == STOA_LABEL_SINGULAR) {
      add_name(walk, field);
      add_text(walk, stoa_slot(message, field));
    } else {
      add_field(walk, field, message);
    }
  }
  if (type->unknown_offset != UINT32_MAX) {
    add(walk, 0, ((const struct stoa_bytes *)(const void *)((const uint8_t *)message + type->unknown_offset))->len);
  }
  walk->depth--;
}

struct stoa_codec_bound stoa_codec_bound_of(const struct stoa_message_type *type, const void *message) {
  struct walk walk = {.depth = 0};
  add_message(&walk, type, message);
  assert(walk.depth == 0);
  return (struct stoa_codec_bound){.json = walk.has_any || walk.is_too_deep ? SIZE_MAX : walk.json,
                                   .proto = walk.is_too_deep ? SIZE_MAX : walk.proto};
}
