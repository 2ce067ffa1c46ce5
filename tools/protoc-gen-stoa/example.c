#include "example.h"

#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "kind.h"
#include "pool.h"
#include "wellknown.h"

/* Levels of nested messages that are shown; deeper ones are left out, because types may contain themselves. */
#define DEPTH_MAX 3
/* Messages that are shown in all. */
#define MESSAGES_MAX 32
/* The most entries of a list that are shown when its rules ask for several. */
#define ENTRIES_MAX 3
#define LEN_MAX 64

/* The progress of one example. */
struct maker {
  unsigned depth;
  unsigned messages;
};

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2, WIRE_FIXED32 = 5 };

static struct example example_message(const struct model_message *message, struct maker *maker);

static void add_byte(struct text *binary, uint64_t byte) {
  const char one = (char)(byte & 0xff);
  text_add_bytes(binary, &one, 1);
}

static void add_varint(struct text *binary, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    add_byte(binary, value | 0x80);
  }
  add_byte(binary, value);
}

static void add_fixed(struct text *binary, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) {
    add_byte(binary, value >> (8 * i));
  }
}

static void add_len(struct text *binary, const char *data, size_t len) {
  add_varint(binary, len);
  text_add_bytes(binary, data, len);
}

static void add_tag(struct text *binary, uint32_t number, enum wire wire) {
  add_varint(binary, ((uint64_t)number << 3) | (uint64_t)wire);
}

static bool has_rule(const struct model_field *field, enum stoa_rule rule) {
  return (field->rules.rules & (uint32_t)rule) != 0;
}

/* A length near `wanted` that the field's rules allow. */
static size_t allowed_len(const struct model_field *field, size_t wanted, size_t most) {
  size_t len = wanted;
  if (has_rule(field, STOA_RULE_MAX_LEN) && len > field->rules.max_len) {
    len = field->rules.max_len;
  }
  if (has_rule(field, STOA_RULE_MIN_LEN) && len < field->rules.min_len) {
    len = field->rules.min_len;
  }
  return len < most ? len : most;
}

/* The field's name, repeated when the text must be longer. */
static const char *text_value(const struct model_field *field) {
  size_t own = strlen(field->name);
  size_t len = allowed_len(field, own, own > LEN_MAX ? own : LEN_MAX);
  char *value = pool_array(len + 1, 1);
  for (size_t i = 0; i < len; i++) {
    value[i] = field->name[i % own];
  }
  return value;
}

static void add_text(struct example *out, const struct model_field *field) {
  const char *value = text_value(field);
  text_add_json(&out->json, value);
  add_len(&out->binary, value, strlen(value));
}

static void add_base64(struct text *json, const uint8_t *data, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text_add(json, "\"");
  for (size_t i = 0; i < len; i += 3) {
    uint32_t group = (uint32_t)data[i] << 16;
    group |= i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0;
    group |= i + 2 < len ? (uint32_t)data[i + 2] : 0;
    text_addf(json, "%c%c%c%c", digits[group >> 18], digits[group >> 12 & 63],
              i + 1 < len ? digits[group >> 6 & 63] : '=', i + 2 < len ? digits[group & 63] : '=');
  }
  text_add(json, "\"");
}

static void add_bytes(struct example *out, const struct model_field *field) {
  uint8_t value[LEN_MAX];
  size_t len = allowed_len(field, 3, sizeof value);
  for (size_t i = 0; i < len; i++) {
    value[i] = (uint8_t)(i + 1);
  }
  add_base64(&out->json, value, len);
  add_len(&out->binary, (const char *)value, len);
}

static void add_number_bytes(struct text *binary, uint32_t kind, uint64_t bits) {
  switch (kind) {
    case 6:
    case 16:
      add_fixed(binary, bits, 8);
      break;
    case 7:
    case 15:
      add_fixed(binary, bits, 4);
      break;
    case 17:
    case 18:
      add_varint(binary, bits << 1 ^ (uint64_t)((int64_t)bits >> 63));
      break;
    default:
      add_varint(binary, bits);
      break;
  }
}

/* 64-bit integers are strings in JSON, for readers whose numbers are doubles. */
static void add_integer_text(struct text *json, uint32_t kind, const char *digits) {
  const char *quote = kind_is_64_bit(kind) ? "\"" : "";
  text_addf(json, "%s%s%s", quote, digits, quote);
}

static void add_whole(struct example *out, const struct model_field *field) {
  int64_t value = 1;
  if (has_rule(field, STOA_RULE_MIN) && value < field->rules.min.whole) {
    value = field->rules.min.whole;
  }
  if (has_rule(field, STOA_RULE_MAX) && value > field->rules.max.whole) {
    value = field->rules.max.whole;
  }
  add_integer_text(&out->json, field->kind, text_format("%lld", (long long)value));
  add_number_bytes(&out->binary, field->kind, (uint64_t)value);
}

static void add_natural(struct example *out, const struct model_field *field) {
  uint64_t value = 1;
  if (has_rule(field, STOA_RULE_MIN) && value < field->rules.min.natural) {
    value = field->rules.min.natural;
  }
  if (has_rule(field, STOA_RULE_MAX) && value > field->rules.max.natural) {
    value = field->rules.max.natural;
  }
  add_integer_text(&out->json, field->kind, text_format("%llu", (unsigned long long)value));
  add_number_bytes(&out->binary, field->kind, value);
}

static void add_real(struct example *out, const struct model_field *field) {
  double value = 1.5;
  if (has_rule(field, STOA_RULE_MIN) && value < field->rules.min.real) {
    value = field->rules.min.real;
  }
  if (has_rule(field, STOA_RULE_MAX) && value > field->rules.max.real) {
    value = field->rules.max.real;
  }
  text_add(&out->json, text_real(value));
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  if (kind_is_64_bit(field->kind)) {
    add_fixed(&out->binary, bits, 8);
    return;
  }
  float narrow = (float)value;
  uint32_t narrow_bits;
  memcpy(&narrow_bits, &narrow, sizeof narrow);
  add_fixed(&out->binary, narrow_bits, 4);
}

/* The first value that is not 0, because 0 means absent. */
static void add_enum(struct example *out, const struct model_enum *enumeration) {
  const struct model_enum_value *value = &enumeration->values[0];
  for (size_t i = 0; i < enumeration->value_count && value->number == 0; i++) {
    value = &enumeration->values[i];
  }
  if (value->number == 0) {
    value = &enumeration->values[0];
  }
  if (wellknown_is_null(enumeration->full_name)) {
    text_add(&out->json, "null");
  } else {
    text_add_json(&out->json, value->name);
  }
  add_varint(&out->binary, (uint64_t)(int64_t)value->number);
}

static void add_value(struct example *out, const struct model_field *field, struct maker *maker) {
  if (field->kind == STOA_KIND_BOOL) {
    text_add(&out->json, "true");
    add_varint(&out->binary, 1);
  } else if (field->kind == STOA_KIND_STRING) {
    add_text(out, field);
  } else if (field->kind == STOA_KIND_BYTES) {
    add_bytes(out, field);
  } else if (field->kind == STOA_KIND_ENUM) {
    add_enum(out, field->enumeration);
  } else if (field->kind == STOA_KIND_MESSAGE) {
    const struct example inner = example_message(field->message, maker);
    text_add(&out->json, inner.json.data);
    add_len(&out->binary, inner.binary.data, inner.binary.len);
  } else if (kind_class(field->kind) == KIND_CLASS_REAL) {
    add_real(out, field);
  } else if (kind_class(field->kind) == KIND_CLASS_WHOLE) {
    add_whole(out, field);
  } else {
    add_natural(out, field);
  }
}

static enum wire wire_of(const struct model_field *field) {
  switch (field->kind) {
    case STOA_KIND_DOUBLE:
    case STOA_KIND_FIXED64:
    case STOA_KIND_SFIXED64:
      return WIRE_FIXED64;
    case STOA_KIND_FLOAT:
    case STOA_KIND_FIXED32:
    case STOA_KIND_SFIXED32:
      return WIRE_FIXED32;
    case STOA_KIND_STRING:
    case STOA_KIND_BYTES:
    case STOA_KIND_MESSAGE:
      return WIRE_LEN;
    default:
      return WIRE_VARINT;
  }
}

/* A number, a bool or an enum without presence is not encoded when it is 0. */
static bool is_zero(const struct model_field *field, const struct text *value) {
  for (size_t i = 0; i < value->len; i++) {
    if (value->data[i] != 0) {
      return false;
    }
  }
  return field->label == STOA_LABEL_SINGULAR && field->message == NULL;
}

static void add_single(struct example *out, const struct model_field *field, struct maker *maker) {
  struct example value = {0};
  add_value(&value, field, maker);
  text_add(&out->json, value.json.data);
  if (!is_zero(field, &value.binary)) {
    add_tag(&out->binary, field->number, wire_of(field));
    text_add_bytes(&out->binary, value.binary.data, value.binary.len);
  }
}

static void add_list(struct example *out, const struct model_field *field, struct maker *maker) {
  size_t count = allowed_len(field, 1, ENTRIES_MAX);
  struct text packed = {0};
  text_add(&out->json, "[");
  for (size_t i = 0; i < count; i++) {
    struct model_field item = *field;
    /* Length rules of a list do not apply to its entries. */
    item.rules.rules &= (uint32_t)(STOA_RULE_MIN | STOA_RULE_MAX);
    struct example value = {0};
    add_value(&value, &item, maker);
    text_addf(&out->json, "%s%s", i == 0 ? "" : ",", value.json.data);
    if (!field->is_packed) {
      add_tag(&out->binary, field->number, wire_of(field));
    }
    text_add_bytes(field->is_packed ? &packed : &out->binary, value.binary.data, value.binary.len);
  }
  text_add(&out->json, "]");
  if (packed.len > 0) {
    add_tag(&out->binary, field->number, WIRE_LEN);
    add_len(&out->binary, packed.data, packed.len);
  }
}

/* Keys are always strings in JSON. */
static void add_map(struct example *out, const struct model_field *field, struct maker *maker) {
  const struct model_field *key_field = &field->message->fields[0];
  const struct model_field *value_field = &field->message->fields[1];
  struct example key = {0};
  struct example value = {0};
  add_value(&key, key_field, maker);
  add_value(&value, value_field, maker);
  const char *quote = key.json.data[0] == '"' ? "" : "\"";
  text_addf(&out->json, "{%s%s%s:%s}", quote, key.json.data, quote, value.json.data);
  struct text entry = {0};
  add_tag(&entry, 1, wire_of(key_field));
  text_add_bytes(&entry, key.binary.data, key.binary.len);
  add_tag(&entry, 2, wire_of(value_field));
  text_add_bytes(&entry, value.binary.data, value.binary.len);
  add_tag(&out->binary, field->number, WIRE_LEN);
  add_len(&out->binary, entry.data, entry.len);
}

static bool is_shown(const struct model_message *message, const struct model_field *field, const struct maker *maker) {
  const struct model_message *below = field->message;
  if (field->label == STOA_LABEL_MAP) {
    below = field->message->fields[1].message;
  }
  if (below != NULL && (maker->depth >= DEPTH_MAX || maker->messages >= MESSAGES_MAX)) {
    return false;
  }
  for (size_t i = 0; field->label == STOA_LABEL_ONEOF && i < message->field_count; i++) {
    const struct model_field *other = &message->fields[i];
    if (other->label == STOA_LABEL_ONEOF && other->oneof == field->oneof) {
      return other == field;
    }
  }
  return true;
}

static void add_field(struct example *out, const struct model_field *field, struct maker *maker) {
  text_add(&out->json, out->json.len > 1 ? "," : "");
  text_add_json(&out->json, field->json_name);
  text_add(&out->json, ":");
  if (field->label == STOA_LABEL_MAP) {
    add_map(out, field, maker);
  } else if (field->label == STOA_LABEL_REPEATED) {
    add_list(out, field, maker);
  } else {
    add_single(out, field, maker);
  }
}

/* Examples written by hand, for types with a special form in JSON. */
struct fixed_example {
  enum stoa_special special;
  const char *json;
  const char *binary;
  size_t len;
};

#define BINARY(bytes) (bytes), sizeof(bytes) - 1
static const struct fixed_example fixed_examples[] = {
    {STOA_SPECIAL_ANY, "{\"@type\":\"type.googleapis.com/google.protobuf.Duration\",\"value\":\"1s\"}",
     BINARY("\x0a\x2ctype.googleapis.com/google.protobuf.Duration\x12\x02\x08\x01")},
    {STOA_SPECIAL_TIMESTAMP, "\"2026-01-02T03:04:05Z\"", BINARY("\x08\xa5\xeb\xdc\xca\x06")},
    {STOA_SPECIAL_DURATION, "\"1.500s\"", BINARY("\x08\x01\x10\x80\xca\xb5\xee\x01")},
    {STOA_SPECIAL_FIELD_MASK, "\"one,two\"", BINARY("\x0a\x03one\x0a\x03two")},
    {STOA_SPECIAL_STRUCT, "{\"key\":\"value\"}", BINARY("\x0a\x0e\x0a\x03key\x12\x07\x1a\x05value")},
    {STOA_SPECIAL_VALUE, "\"value\"", BINARY("\x1a\x05value")},
    {STOA_SPECIAL_LIST_VALUE, "[\"value\"]", BINARY("\x0a\x07\x1a\x05value")},
    {STOA_SPECIAL_EMPTY, "{}", BINARY("")},
};

static bool add_fixed_example(struct example *out, enum stoa_special special) {
  for (size_t i = 0; i < COUNT(fixed_examples); i++) {
    if (fixed_examples[i].special == special) {
      text_add(&out->json, fixed_examples[i].json);
      text_add_bytes(&out->binary, fixed_examples[i].binary, fixed_examples[i].len);
      return true;
    }
  }
  return false;
}

/* A wrapper is only its value in JSON. */
static bool is_wrapper(const struct model_message *message) {
  return message->special == STOA_SPECIAL_WRAPPER && message->field_count == 1 && message->fields[0].message == NULL;
}

static void add_fields(struct example *out, const struct model_message *message, struct maker *maker) {
  const struct model_field **sorted = model_sorted_fields(message);
  text_add(&out->json, "{");
  for (size_t i = 0; i < message->field_count; i++) {
    if (is_shown(message, sorted[i], maker)) {
      add_field(out, sorted[i], maker);
    }
  }
  text_add(&out->json, "}");
}

/* Recursive along the fields, up to DEPTH_MAX. */
static struct example example_message(const struct model_message *message, struct maker *maker) {
  struct example out = {0};
  maker->depth++;
  maker->messages++;
  if (is_wrapper(message)) {
    add_single(&out, &message->fields[0], maker);
  } else if (!add_fixed_example(&out, message->special)) {
    add_fields(&out, message, maker);
  }
  maker->depth--;
  return out;
}

struct example example_of(const struct model_message *message) {
  struct maker maker = {0};
  return example_message(message, &maker);
}
