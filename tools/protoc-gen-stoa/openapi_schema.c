/* Schemas of messages in proto3 JSON. */
#include <string.h>

#include "kind.h"
#include "openapi.h"
#include "pool.h"
#include "rules.h"
#include "wellknown.h"

static bool has_rule(const struct model_field *field, enum stoa_rule rule) {
  return (field->rules.rules & (uint32_t)rule) != 0;
}

const char *openapi_comment(const char *comment) {
  struct text text = {0};
  while (comment != NULL && *comment != '\0') {
    size_t len = strcspn(comment, "\n");
    size_t start = strspn(comment, " \t\r");
    size_t end = len;
    while (end > start && strchr(" \t\r", comment[end - 1]) != NULL) {
      end--;
    }
    if (start < end || text.len > 0) {
      text_add(&text, text.len > 0 ? "\n" : "");
      text_add_bytes(&text, comment + start, end > start ? end - start : 0);
    }
    comment += len + (comment[len] == '\n');
  }
  while (text.len > 0 && text.data[text.len - 1] == '\n') {
    text.data[--text.len] = '\0';
  }
  return text.len > 0 ? text.data : NULL;
}

void openapi_deprecated(struct json *json, const struct place *place) {
  if (place->is_deprecated) {
    json_raw(json, "deprecated", "true");
  }
}

/* One more than there is room for at each power of two. */
static void *add_pointer(void *items, size_t count) {
  if ((count & (count - 1)) != 0) {
    return items;
  }
  void *grown = pool_array(count == 0 ? 1 : count * 2, sizeof(void *));
  if (count > 0) {
    memcpy(grown, items, count * sizeof(void *));
  }
  return grown;
}

static void add_message(struct openapi_types *types, const struct model_message *message) {
  for (size_t i = 0; i < types->message_count; i++) {
    if (types->messages[i] == message) {
      return;
    }
  }
  types->messages = add_pointer(types->messages, types->message_count);
  types->messages[types->message_count++] = message;
}

static void add_enum(struct openapi_types *types, const struct model_enum *enumeration) {
  for (size_t i = 0; i < types->enum_count; i++) {
    if (types->enums[i] == enumeration) {
      return;
    }
  }
  types->enums = add_pointer(types->enums, types->enum_count);
  types->enums[types->enum_count++] = enumeration;
}

static void refer(struct json *json, const char *full_name) {
  json_string(json, "$ref", text_format("#/components/schemas/%s", full_name));
}

static void add_type(struct json *json, const char *type, const char *format) {
  json_string(json, "type", type);
  if (format != NULL) {
    json_string(json, "format", format);
  }
}

static void add_bounds(struct json *json, const struct model_field *field) {
  if (has_rule(field, STOA_RULE_MIN)) {
    json_raw(json, "minimum", rules_bound_text(field, &field->rules.min));
  }
  if (has_rule(field, STOA_RULE_MAX)) {
    json_raw(json, "maximum", rules_bound_text(field, &field->rules.max));
  }
}

/* Lengths of a list apply to the list, not to its items. */
static bool is_list(const struct model_field *field) {
  return field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP;
}

static void add_lengths(struct json *json, const struct model_field *field, const char *min, const char *max,
                        uint64_t min_len, uint64_t max_len) {
  if (has_rule(field, STOA_RULE_MIN_LEN)) {
    json_raw(json, min, text_format("%llu", (unsigned long long)min_len));
  }
  if (has_rule(field, STOA_RULE_MAX_LEN)) {
    json_raw(json, max, text_format("%llu", (unsigned long long)max_len));
  }
}

static void add_text_lengths(struct json *json, const struct model_field *field) {
  uint64_t min = field->rules.min_len;
  uint64_t max = field->rules.max_len;
  if (is_list(field)) {
    return;
  }
  if (field->kind == STOA_KIND_BYTES) {
    /* In characters of base64, which may be without padding. */
    min = (min * 4 + 2) / 3;
    max = (max + 2) / 3 * 4;
  }
  add_lengths(json, field, "minLength", "maxLength", min, max);
}

static void number_members(struct json *json, const struct model_field *field) {
  if (kind_class(field->kind) == KIND_CLASS_REAL) {
    add_type(json, "number", field->kind == STOA_KIND_FLOAT ? "float" : "double");
    add_bounds(json, field);
  } else if (kind_is_64_bit(field->kind)) {
    /* JSON has them as strings, to which minimum and maximum do not apply. */
    add_type(json, "string", kind_class(field->kind) == KIND_CLASS_NATURAL ? "uint64" : "int64");
  } else if (kind_class(field->kind) == KIND_CLASS_NATURAL) {
    add_type(json, "integer", "uint32");
    if (!has_rule(field, STOA_RULE_MIN)) {
      json_raw(json, "minimum", "0");
    }
    add_bounds(json, field);
  } else {
    add_type(json, "integer", "int32");
    add_bounds(json, field);
  }
}

static void special_members(struct json *json, struct openapi_types *types, const struct model_message *message) {
  switch (message->special) {
    case STOA_SPECIAL_TIMESTAMP:
      add_type(json, "string", "date-time");
      return;
    case STOA_SPECIAL_DURATION:
      add_type(json, "string", NULL);
      json_string(json, "pattern", "^-?[0-9]+(\\.[0-9]{1,9})?s$");
      return;
    case STOA_SPECIAL_FIELD_MASK:
      add_type(json, "string", NULL);
      return;
    case STOA_SPECIAL_LIST_VALUE:
      add_type(json, "array", NULL);
      json_raw(json, "items", "{}");
      return;
    case STOA_SPECIAL_WRAPPER:
      openapi_field_members(json, types, &message->fields[0], NULL);
      return;
    case STOA_SPECIAL_ANY:
      add_type(json, "object", NULL);
      json_raw(json, "required", "[\"@type\"]");
      json_raw(json, "properties", "{\"@type\": {\"type\": \"string\"}}");
      return;
    case STOA_SPECIAL_STRUCT:
    case STOA_SPECIAL_EMPTY:
      add_type(json, "object", NULL);
      return;
    case STOA_SPECIAL_VALUE: /* anything */
    case STOA_SPECIAL_NONE:
      break;
  }
}

void openapi_message_members(struct json *json, struct openapi_types *types, const struct model_message *message) {
  if (message->special != STOA_SPECIAL_NONE) {
    special_members(json, types, message);
    return;
  }
  add_message(types, message);
  refer(json, message->full_name);
}

static void value_members(struct json *json, struct openapi_types *types, const struct model_field *field) {
  if (field->message != NULL) {
    openapi_message_members(json, types, field->message);
  } else if (field->enumeration != NULL && wellknown_is_null(field->enumeration->full_name)) {
    add_type(json, "null", NULL);
  } else if (field->enumeration != NULL) {
    add_enum(types, field->enumeration);
    refer(json, field->enumeration->full_name);
  } else if (field->kind == STOA_KIND_BOOL) {
    add_type(json, "boolean", NULL);
  } else if (field->kind == STOA_KIND_STRING) {
    add_type(json, "string", NULL);
    add_text_lengths(json, field);
  } else if (field->kind == STOA_KIND_BYTES) {
    add_type(json, "string", NULL);
    json_string(json, "contentEncoding", "base64");
    add_text_lengths(json, field);
  } else {
    number_members(json, field);
  }
}

void openapi_field_members(struct json *json, struct openapi_types *types, const struct model_field *field,
                           const char *description) {
  if (description != NULL) {
    json_string(json, "description", description);
  }
  if (field->label == STOA_LABEL_MAP) {
    add_type(json, "object", NULL);
    json_open(json, "additionalProperties", '{');
    value_members(json, types, &field->message->fields[1]);
    json_close(json, '}');
    add_lengths(json, field, "minProperties", "maxProperties", field->rules.min_len, field->rules.max_len);
  } else if (field->label == STOA_LABEL_REPEATED) {
    add_type(json, "array", NULL);
    json_open(json, "items", '{');
    value_members(json, types, field);
    json_close(json, '}');
    add_lengths(json, field, "minItems", "maxItems", field->rules.min_len, field->rules.max_len);
  } else {
    value_members(json, types, field);
  }
}

/* The comment, and rules that no keyword says. */
static const char *describe(const struct model_message *message, const struct model_field *field) {
  struct text text = {0};
  const char *comment = openapi_comment(field->place.comment);
  text_add(&text, comment != NULL ? comment : "");
  bool is_silent = kind_is_64_bit(field->kind) && kind_class(field->kind) != KIND_CLASS_REAL;
  const char *rules = is_silent ? rules_text(field) : "";
  if (*rules != '\0') {
    text_addf(&text, "%s(%s)", text.len > 0 ? " " : "", rules);
  }
  if (field->label == STOA_LABEL_ONEOF) {
    text_addf(&text, "%sOne of `%s`.", text.len > 0 ? " " : "", message->oneofs[field->oneof].name);
  }
  return text.len > 0 ? text.data : NULL;
}

static void add_required(struct json *json, const struct model_message *message) {
  bool is_open = false;
  for (size_t i = 0; i < message->field_count; i++) {
    if (has_rule(&message->fields[i], STOA_RULE_REQUIRED)) {
      if (!is_open) {
        json_open(json, "required", '[');
      }
      is_open = true;
      json_string(json, NULL, message->fields[i].json_name);
    }
  }
  if (is_open) {
    json_close(json, ']');
  }
}

/* One item {"required": ["x"]} for each member of the oneof. */
static void add_alternatives(struct json *json, const struct model_message *message, size_t oneof) {
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    if (field->label == STOA_LABEL_ONEOF && field->oneof == oneof) {
      json_open(json, NULL, '{');
      json_open(json, "required", '[');
      json_string(json, NULL, field->json_name);
      json_close(json, ']');
      json_close(json, '}');
    }
  }
}

/* At most one member of each oneof is present. */
static void add_oneofs(struct json *json, const struct model_message *message) {
  if (message->oneof_count == 0) {
    return;
  }
  json_open(json, "allOf", '[');
  for (size_t i = 0; i < message->oneof_count; i++) {
    json_open(json, NULL, '{');
    json_open(json, "oneOf", '[');
    add_alternatives(json, message, i);
    json_open(json, NULL, '{');
    json_open(json, "not", '{');
    json_open(json, "anyOf", '[');
    add_alternatives(json, message, i);
    json_close(json, ']');
    json_close(json, '}');
    json_close(json, '}');
    json_close(json, ']');
    json_close(json, '}');
  }
  json_close(json, ']');
}

static void message_schema(struct json *json, struct openapi_types *types, const struct model_message *message) {
  const char *comment = openapi_comment(message->place.comment);
  json_open(json, message->full_name, '{');
  if (comment != NULL) {
    json_string(json, "description", comment);
  }
  openapi_deprecated(json, &message->place);
  add_type(json, "object", NULL);
  json_open(json, "properties", '{');
  const struct model_field **sorted = model_sorted_fields(message);
  for (size_t i = 0; i < message->field_count; i++) {
    json_open(json, sorted[i]->json_name, '{');
    openapi_deprecated(json, &sorted[i]->place);
    openapi_field_members(json, types, sorted[i], describe(message, sorted[i]));
    json_close(json, '}');
  }
  json_close(json, '}');
  add_required(json, message);
  add_oneofs(json, message);
  json_close(json, '}');
}

static void enum_schema(struct json *json, const struct model_enum *enumeration) {
  struct text about = {0};
  const char *comment = openapi_comment(enumeration->place.comment);
  text_add(&about, comment != NULL ? comment : "");
  json_open(json, enumeration->full_name, '{');
  for (size_t i = 0; i < enumeration->value_count; i++) {
    const char *value = openapi_comment(enumeration->values[i].place.comment);
    if (value != NULL) {
      text_addf(&about, "%s`%s`: %s", about.len > 0 ? "\n" : "", enumeration->values[i].name, value);
    }
  }
  if (about.len > 0) {
    json_string(json, "description", about.data);
  }
  openapi_deprecated(json, &enumeration->place);
  add_type(json, "string", NULL);
  json_open(json, "enum", '[');
  for (size_t i = 0; i < enumeration->value_count; i++) {
    json_string(json, NULL, enumeration->values[i].name);
  }
  json_close(json, ']');
  json_close(json, '}');
}

void openapi_schemas(struct json *json, struct openapi_types *types) {
  /* A message adds those that it refers to, so the list grows while it is written. */
  for (size_t i = 0; i < types->message_count; i++) {
    message_schema(json, types, types->messages[i]);
  }
  for (size_t i = 0; i < types->enum_count; i++) {
    enum_schema(json, types->enums[i]);
  }
}
