#include <assert.h>
#include <string.h>

#include "count.h"
#include "emit.h"
#include "kind.h"
#include "pool.h"
#include "rules.h"
#include "wellknown.h"

/* A constant of stoa/descriptor.h and its name. */
#define NAMED(constant) [constant] = #constant

static const char *const kind_names[] = {
    NAMED(STOA_KIND_DOUBLE), NAMED(STOA_KIND_FLOAT),    NAMED(STOA_KIND_INT64),    NAMED(STOA_KIND_UINT64),
    NAMED(STOA_KIND_INT32),  NAMED(STOA_KIND_FIXED64),  NAMED(STOA_KIND_FIXED32),  NAMED(STOA_KIND_BOOL),
    NAMED(STOA_KIND_STRING), NAMED(STOA_KIND_MESSAGE),  NAMED(STOA_KIND_BYTES),    NAMED(STOA_KIND_UINT32),
    NAMED(STOA_KIND_ENUM),   NAMED(STOA_KIND_SFIXED32), NAMED(STOA_KIND_SFIXED64), NAMED(STOA_KIND_SINT32),
    NAMED(STOA_KIND_SINT64),
};

static const char *const label_names[] = {
    NAMED(STOA_LABEL_SINGULAR), NAMED(STOA_LABEL_OPTIONAL), NAMED(STOA_LABEL_REPEATED),
    NAMED(STOA_LABEL_MAP),      NAMED(STOA_LABEL_ONEOF),
};

static const char *const special_names[] = {
    NAMED(STOA_SPECIAL_NONE),     NAMED(STOA_SPECIAL_ANY),        NAMED(STOA_SPECIAL_TIMESTAMP),
    NAMED(STOA_SPECIAL_DURATION), NAMED(STOA_SPECIAL_FIELD_MASK), NAMED(STOA_SPECIAL_STRUCT),
    NAMED(STOA_SPECIAL_VALUE),    NAMED(STOA_SPECIAL_LIST_VALUE), NAMED(STOA_SPECIAL_WRAPPER),
    NAMED(STOA_SPECIAL_EMPTY),
};

static void emit_enum_table(struct text *text, const struct model_enum *enumeration) {
  text_addf(text, "\nstatic const struct stoa_enum_value %s_values[] = {\n", enumeration->c_name);
  for (size_t i = 0; i < enumeration->value_count; i++) {
    const struct model_enum_value *value = &enumeration->values[i];
    text_addf(text, "  {\"%s\", %s},\n", value->name, value->c_name);
  }
  text_addf(text, "};\n\nconst struct stoa_enum_type %s_enum = {\n", enumeration->c_name);
  text_addf(text, "  .full_name = \"%s\",\n", enumeration->full_name);
  text_addf(text, "  .values = %s_values,\n  .value_count = %zu,\n", enumeration->c_name, enumeration->value_count);
  text_add(text, wellknown_is_null(enumeration->full_name) ? "  .is_null = 1,\n};\n" : "};\n");
}

static void emit_presence(struct text *text, const struct model_message *message, const struct model_field *field) {
  if (field->label == STOA_LABEL_OPTIONAL) {
    text_addf(text, "    .presence = offsetof(struct %s, has_%s),\n", message->c_name, field->name);
  }
  if (field->label == STOA_LABEL_ONEOF) {
    text_addf(text, "    .presence = offsetof(struct %s, %s),\n", message->c_name,
              message->oneofs[field->oneof].c_case);
  }
}

/* C has no literal for INT64_MIN. */
static const char *bound_literal(const struct model_field *field, const union stoa_rule_bound *bound) {
  switch (kind_class(field->kind)) {
    case KIND_CLASS_WHOLE:
      return bound->whole == INT64_MIN ? ".whole = INT64_MIN"
                                       : text_format(".whole = %s", rules_bound_text(field, bound));
    case KIND_CLASS_NATURAL:
      return text_format(".natural = %sU", rules_bound_text(field, bound));
    case KIND_CLASS_REAL:
    case KIND_CLASS_TEXT:
    case KIND_CLASS_OTHER:
      break;
  }
  return text_format(".real = %s", rules_bound_text(field, bound));
}

static const char *rule_names(uint32_t set) {
  static const char *const names[] = {"REQUIRED", "MIN_LEN", "MAX_LEN", "MIN", "MAX"};
  const char *joined = "";
  for (unsigned i = 0; i < COUNT(names); i++) {
    if ((set & (1U << i)) != 0) {
      joined = text_format("%s%sSTOA_RULE_%s", joined, *joined == '\0' ? "" : " | ", names[i]);
    }
  }
  return joined;
}

static void emit_field_rules(struct text *text, const struct model_field *field) {
  const struct stoa_field_rules *rules = &field->rules;
  text_addf(text, "  {\n    .rules = %s,\n", rule_names(rules->rules));
  if ((rules->rules & STOA_RULE_MIN_LEN) != 0) {
    text_addf(text, "    .min_len = %u,\n", rules->min_len);
  }
  if ((rules->rules & STOA_RULE_MAX_LEN) != 0) {
    text_addf(text, "    .max_len = %u,\n", rules->max_len);
  }
  if ((rules->rules & STOA_RULE_MIN) != 0) {
    text_addf(text, "    .min = {%s},\n", bound_literal(field, &rules->min));
  }
  if ((rules->rules & STOA_RULE_MAX) != 0) {
    text_addf(text, "    .max = {%s},\n", bound_literal(field, &rules->max));
  }
  text_add(text, "  },\n");
}

static void emit_rules(struct text *text, const struct model_message *message,
                       const struct model_field *const *sorted) {
  if (!rules_own(message)) {
    return;
  }
  text_addf(text, "\nstatic const struct stoa_field_rules %s_rules[] = {\n", message->c_name);
  for (size_t i = 0; i < message->field_count; i++) {
    if (sorted[i]->rules.rules != 0) {
      emit_field_rules(text, sorted[i]);
    }
  }
  text_add(text, "};\n");
}

/* Must a character in it be escaped in JSON (RFC 8259 7)? */
static bool has_escapes(const char *name) {
  while (*name != '\0' && (unsigned char)*name >= 0x20 && *name != '"' && *name != '\\') {
    name++;
  }
  return *name != '\0';
}

/* `rules_index` is the field's index in the message's table of rules, if it has rules. */
static void emit_field(struct text *text, const struct model_message *message, const struct model_field *field,
                       size_t rules_index) {
  assert(kind_names[field->kind] != NULL);
  assert(label_names[field->label] != NULL);
  text_addf(text, "  {\n    .name = \"%s\",\n    .json_name = ", field->name);
  text_add_literal(text, field->json_name);
  text_addf(text, ",\n    .number = %u,\n", field->number);
  text_addf(text, "    .kind = %s,\n    .label = %s,\n", kind_names[field->kind], label_names[field->label]);
  if (field->is_packed) {
    text_add(text, "    .packed = 1,\n");
  }
  text_addf(text, "    .name_len = %zu,\n    .json_name_len = %zu,\n", strlen(field->name), strlen(field->json_name));
  if (has_escapes(field->json_name)) {
    text_add(text, "    .json_name_escapes = 1,\n");
  }
  const char *scope = field->label == STOA_LABEL_ONEOF ? text_format("%s.", message->oneofs[field->oneof].c_name) : "";
  text_addf(text, "    .offset = offsetof(struct %s, %s%s),\n", message->c_name, scope, field->c_name);
  emit_presence(text, message, field);
  if (field->message != NULL) {
    text_addf(text, "    .message = &%s_type,\n", field->message->c_name);
  }
  if (field->enumeration != NULL) {
    text_addf(text, "    .enumeration = &%s_enum,\n", field->enumeration->c_name);
  }
  if (field->rules.rules != 0) {
    text_addf(text, "    .rules = &%s_rules[%zu],\n", message->c_name, rules_index);
  }
  text_add(text, "  },\n");
}

static void emit_fields_table(struct text *text, const struct model_message *message) {
  const struct model_field **sorted = model_sorted_fields(message);
  emit_rules(text, message, sorted);
  text_addf(text, "\nstatic const struct stoa_field %s_fields[] = {\n", message->c_name);
  size_t rules_index = 0;
  for (size_t i = 0; i < message->field_count; i++) {
    emit_field(text, message, sorted[i], rules_index);
    rules_index += sorted[i]->rules.rules != 0;
  }
  text_add(text, "};\n");
}

static void emit_message_table(struct text *text, const struct model_message *message) {
  if (message->field_count > 0) {
    emit_fields_table(text, message);
  }
  text_addf(text, "\nconst struct stoa_message_type %s_type = {\n", message->c_name);
  text_addf(text, "  .full_name = \"%s\",\n  .abi = %d,\n", message->full_name, STOA_DESCRIPTOR_ABI);
  text_addf(text, "  .size = sizeof(struct %s),\n", message->c_name);
  if (message->field_count > 0) {
    text_addf(text, "  .fields = %s_fields,\n  .field_count = %zu,\n", message->c_name, message->field_count);
  }
  if (message->keeps_unknown) {
    text_addf(text, "  .unknown_offset = offsetof(struct %s, unknown_fields),\n", message->c_name);
  } else {
    text_add(text, "  .unknown_offset = UINT32_MAX,\n");
  }
  if (message->special != STOA_SPECIAL_NONE) {
    text_addf(text, "  .special = %s,\n", special_names[message->special]);
  }
  text_add(text, message->has_rules ? "  .has_rules = 1,\n};\n" : "};\n");
}

void emit_source(struct text *text, const struct model_file *file) {
  emit_banner(text, file, NULL);
  text_addf(text, "#include <%s.h>\n", file->out_name);
  if (emit_has_errors(file)) {
    text_add(text, "#include <stdarg.h>\n#include <stoa/error.stoa.h>\n#include <stoa/errors.h>\n");
  }
  if (emit_has_service(file)) {
    text_add(text, "#include <stoa/call.h>\n");
    text_add(text, emit_has_streams(file) ? "#include <stoa/call_stream.h>\n" : "");
    text_add(text, "#include <stoa/server.h>\n");
  }
  emit_quiet_source(text, file);
  text_addf(text, "\n_Static_assert(STOA_DESCRIPTOR_ABI == %d, \"generate this file again: Stoa's tables changed\");\n",
            STOA_DESCRIPTOR_ABI);
  for (size_t i = 0; i < file->enum_count; i++) {
    emit_enum_table(text, &file->enums[i]);
  }
  for (size_t i = 0; i < file->message_count; i++) {
    emit_message_table(text, &file->messages[i]);
  }
  emit_errors_source(text, file);
  emit_service_source(text, file);
}
