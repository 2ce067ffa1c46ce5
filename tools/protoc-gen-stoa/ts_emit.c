#include "ts_emit.h"

#include <string.h>

#include "emit.h"
#include "kind.h"
#include "names.h"
#include "rules.h"
#include "ts_names.h"
#include "ts_own.h"
#include "wellknown.h"

/* By FieldDescriptorProto.Type; messages and enums have their own names. A bigint is used for values that do not fit a
 * number. */
static const char *const kind_types[] = {
    [STOA_KIND_DOUBLE] = "number",  [STOA_KIND_FLOAT] = "number",     [STOA_KIND_INT64] = "bigint",
    [STOA_KIND_UINT64] = "bigint",  [STOA_KIND_INT32] = "number",     [STOA_KIND_FIXED64] = "bigint",
    [STOA_KIND_FIXED32] = "number", [STOA_KIND_BOOL] = "boolean",     [STOA_KIND_STRING] = "string",
    [STOA_KIND_MESSAGE] = NULL,     [STOA_KIND_BYTES] = "Uint8Array", [STOA_KIND_UINT32] = "number",
    [STOA_KIND_ENUM] = NULL,        [STOA_KIND_SFIXED32] = "number",  [STOA_KIND_SFIXED64] = "bigint",
    [STOA_KIND_SINT32] = "number",  [STOA_KIND_SINT64] = "bigint",
};

/* The letters of the forms in web/client/src/type.ts. */
static const char kind_letters[] = {
    [STOA_KIND_DOUBLE] = 'd',   [STOA_KIND_FLOAT] = 'r',   [STOA_KIND_INT64] = 'I',   [STOA_KIND_UINT64] = 'U',
    [STOA_KIND_INT32] = 'i',    [STOA_KIND_FIXED64] = 'F', [STOA_KIND_FIXED32] = 'f', [STOA_KIND_BOOL] = 'b',
    [STOA_KIND_STRING] = 's',   [STOA_KIND_BYTES] = 'y',   [STOA_KIND_UINT32] = 'u',  [STOA_KIND_SFIXED32] = 'g',
    [STOA_KIND_SFIXED64] = 'G', [STOA_KIND_SINT32] = 'z',  [STOA_KIND_SINT64] = 'Z',
};

/* For a map this is the field of its values, which is the second one of its entry. */
static const struct model_field *element(const struct model_field *field) {
  return field->label == STOA_LABEL_MAP ? &field->message->fields[1] : field;
}

/* The name of an element's interface and table in TypeScript; NULL for scalars. */
static const char *named_type(const struct model_field *field, const struct model_file *file) {
  const struct model_field *one = element(field);
  if (one->message != NULL) {
    return ts_names_reference(one->message->full_name, one->message->file, file);
  }
  if (one->enumeration != NULL) {
    return ts_names_reference(one->enumeration->full_name, one->enumeration->file, file);
  }
  return NULL;
}

static const char *field_type(const struct model_field *field, const struct model_file *file) {
  const char *named = named_type(field, file);
  const char *one = named != NULL ? named : kind_types[element(field)->kind];
  switch (field->label) {
    case STOA_LABEL_REPEATED:
      return text_format("%s[]", one);
    case STOA_LABEL_MAP:
      return text_format("Map<%s, %s>", kind_types[field->message->fields[0].kind], one);
    case STOA_LABEL_SINGULAR:
    case STOA_LABEL_OPTIONAL:
    case STOA_LABEL_ONEOF:
      break;
  }
  return one;
}

static bool may_be_absent(const struct model_field *field) {
  return field->label == STOA_LABEL_OPTIONAL || field->label == STOA_LABEL_ONEOF ||
         (field->label == STOA_LABEL_SINGULAR && field->message != NULL);
}

static const char *joined(const char *first, const char *second) {
  return first == NULL || second == NULL ? (first == NULL ? second : first) : text_format("%s\n%s", first, second);
}

/* Only the server enforces rules, because they may change later; here they are comments for the developer. */
static const char *field_comment(const struct model_message *message, const struct model_field *field) {
  const char *rules = rules_text(field);
  const char *head =
      field->label == STOA_LABEL_ONEOF ? text_format(" One of `%s`.", message->oneofs[field->oneof].name) : NULL;
  const char *tail = *rules != '\0' ? text_format(" Rules: %s.", rules) : NULL;
  return joined(joined(head, field->place.comment),
                joined(tail, field->place.is_deprecated ? TS_NAMES_DEPRECATED : NULL));
}

static void emit_interface(struct text *text, const struct model_message *message) {
  text_add(text, "\n");
  ts_names_comment(text, "", problem_comment(&message->place, TS_NAMES_DEPRECATED));
  text_addf(text, "export interface %s {", ts_names_type(message->full_name, message->file));
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    text_add(text, i == 0 ? "\n" : "");
    ts_names_comment(text, "  ", field_comment(message, field));
    text_addf(text, "  %s%s: %s;\n", ts_names_property(ts_names_camel(field->name)), may_be_absent(field) ? "?" : "",
              field_type(field, message->file));
  }
  text_add(text, "}\n");
}

/* What follows a field's name in a table: its label, where a member of a oneof has the number of the oneof. */
static const char *label_text(const struct model_field *field) {
  switch (field->label) {
    case STOA_LABEL_OPTIONAL:
      return "?";
    case STOA_LABEL_REPEATED:
      return field->is_packed ? "+" : "*";
    case STOA_LABEL_ONEOF:
      return text_format("|%zu", field->oneof);
    case STOA_LABEL_SINGULAR:
    case STOA_LABEL_MAP:
      break;
  }
  return "";
}

/* The kind of an element that a letter does not describe, as an expression. */
static const char *element_kind(const struct model_field *one, const char *named) {
  if (one->enumeration != NULL && wellknown_is_null(one->enumeration->full_name)) {
    return text_format("%s.nullValue", ts_names_alias(one->enumeration->file));
  }
  return text_format("/* @__PURE__ */ stoa.%s(() => %s)", one->message != NULL ? "nested" : "enumeration", named);
}

static const char *kind_text(struct ts_own *own, const struct model_field *field, const struct model_file *file) {
  const struct model_field *one = element(field);
  const char *named = named_type(field, file);
  const char *kind = text_format("%c", kind_letters[one->kind]);
  if (one->message != NULL) {
    kind = ts_own_message(own, one->message, file);
  } else if (named != NULL) {
    kind = text_format("x%zu", ts_own_add(own, element_kind(one, named)));
  } else if (one->kind == STOA_KIND_BYTES) {
    kind = text_format("x%zu", ts_own_add(own, "stoa.bytes"));
  }
  return field->label == STOA_LABEL_MAP ? text_format("p%c%s", kind_letters[field->message->fields[0].kind], kind)
                                        : kind;
}

/* The runtime's way back from a property's name: "clientMsgId" gives "client_msg_id". */
static const char *snake(const char *camel) {
  struct text text = {0};
  text_add(&text, "");
  for (const char *c = camel; *c != '\0'; c++) {
    bool is_upper = *c >= 'A' && *c <= 'Z';
    text_addf(&text, is_upper ? "_%c" : "%c", is_upper ? *c - 'A' + 'a' : *c);
  }
  return text.data;
}

/* A field as the runtime's types() reads it; `number` is that of the field before. */
static void emit_field(struct text *text, struct ts_own *own, const struct model_field *field,
                       const struct model_file *file, uint32_t number) {
  const char *kind = kind_text(own, field, file);
  const char *name = ts_names_camel(field->name);
  text_add(text, name);
  if (strcmp(kind, "s") != 0) {
    text_addf(text, ":%s", kind);
  }
  text_add(text, label_text(field));
  if (field->number != number + 1 || name[0] == '\0') {
    text_addf(text, "=%u", field->number);
  }
  if (strcmp(field->json_name, name) != 0) {
    text_addf(text, "/%zu", ts_own_add(own, ts_names_literal(field->json_name)));
  }
  if (strcmp(field->name, snake(name)) != 0) {
    text_addf(text, "@%zu", ts_own_add(own, ts_names_literal(field->name)));
  }
}

static void emit_line(struct text *text, struct ts_own *own, const struct model_message *message) {
  uint32_t number = 0;
  for (size_t i = 0; i < message->field_count; i++) {
    text_add(text, i == 0 ? "" : " ");
    emit_field(text, own, &message->fields[i], message->file, number);
    number = message->fields[i].number;
  }
}

/* One text for all, because it is short: a program that uses one message of a file has all of them. Without a comment
 * that the call has no side effects, bundlers would keep it also when none is used. */
static void emit_types(struct text *text, struct ts_own *own, const struct model_file *file) {
  struct text lines = {0};
  text_add(&lines, "");
  size_t count = 0;
  for (size_t i = 0; i < file->message_count; i++) {
    if (!file->messages[i].is_map_entry) {
      text_add(&lines, count++ == 0 ? "" : "\n");
      emit_line(&lines, own, &file->messages[i]);
    }
  }
  if (count > 0 || own->count > 0) {
    text_addf(text, "\nconst $types: stoa.Types = /* @__PURE__ */ stoa.types(`%s`%s);\n", lines.data,
              own->count == 0 ? "" : own->code.data);
  }
}

static void emit_type(struct text *text, const struct model_message *message) {
  struct ts_own none = {0};
  const char *name = ts_names_type(message->full_name, message->file);
  text_addf(text, "\nexport const %s: stoa.Type<%s> = /* @__PURE__ */ $types('%s');\n", name, name,
            ts_own_message(&none, message, message->file));
}

static void emit_enum(struct text *text, const struct model_enum *enumeration) {
  const char *name = ts_names_type(enumeration->full_name, enumeration->file);
  text_add(text, "\n");
  ts_names_comment(text, "", problem_comment(&enumeration->place, TS_NAMES_DEPRECATED));
  text_addf(text, "export const %s = {\n", name);
  for (size_t i = 0; i < enumeration->value_count; i++) {
    const struct model_enum_value *value = &enumeration->values[i];
    ts_names_comment(text, "  ", problem_comment(&value->place, TS_NAMES_DEPRECATED));
    /* Without brackets this name would set the object's prototype. */
    const char *key = strcmp(value->name, "__proto__") == 0 ? "['__proto__']" : value->name;
    text_addf(text, "  %s: %d,\n", key, value->number);
  }
  text_addf(text, "} as const;\nexport type %s = (typeof %s)[keyof typeof %s];\n", name, name, name);
}

/* Several of Protobuf's own files are in one module. */
static void emit_line_once(struct text *text, const char *line) {
  if (text->data == NULL || strstr(text->data, line) == NULL) {
    text_add(text, line);
  }
}

/* From the runtime's module, only the names of the imported file: names of its other files may be used by the importing
 * file. */
static void emit_passed_on(struct text *text, const struct model_file *other, const char *module) {
  if (!ts_names_is_own(other)) {
    text_addf(text, "export * from '%s';\n", module);
    return;
  }
  for (size_t i = 0; i < other->enum_count; i++) {
    text_addf(text, "export { %s } from '%s';\n", other->enums[i].name, module);
  }
  for (size_t i = 0; i < other->message_count; i++) {
    if (!other->messages[i].is_map_entry) {
      text_addf(text, "export { %s } from '%s';\n", other->messages[i].name, module);
    }
  }
}

/* Is there a service with anything to call or send? */
static bool has_client(const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    if (ts_emit_has_client(&file->services[i])) {
      return true;
    }
  }
  return false;
}

static void emit_imports(struct text *text, const struct model_file *file) {
  struct text lines = {0};
  for (size_t i = 0; i < file->include_count; i++) {
    const struct model_file *other = file->includes[i];
    const char *module = ts_names_module(other, file);
    if (model_file_uses(file, other)) {
      emit_line_once(&lines, text_format("import * as %s from '%s';\n", ts_names_alias(other), module));
    }
    if (model_passes_on(file, other)) {
      emit_passed_on(&lines, other, module);
    }
  }
  bool needs_runtime = has_client(file) || file->message_count > 0 || emit_has_errors(file);
  text_addf(text, "\n%s%s", needs_runtime ? "import * as stoa from '@stoa/client';\n" : "",
            lines.data == NULL ? "" : lines.data);
  if (!needs_runtime && lines.data == NULL && file->enum_count == 0) {
    /* Without this it would be a script, which cannot be imported. */
    text_add(text, "export {};\n");
  }
}

static bool uses_any(const struct model_file *file) {
  for (size_t i = 0; i < file->message_count; i++) {
    for (size_t f = 0; f < file->messages[i].field_count; f++) {
      const struct model_message *message = element(&file->messages[i].fields[f])->message;
      if (message != NULL && strcmp(message->full_name, "google.protobuf.Any") == 0) {
        return true;
      }
    }
  }
  return false;
}

/* Only for files that use Any, because bundlers keep all tables that are named here. */
static void emit_any_types(struct text *text, const struct model_file *file) {
  if (!uses_any(file)) {
    return;
  }
  text_add(text, "\n/* The types of this file that an Any may contain. Add types of other files with addTypes(). */\n");
  text_add(text, "wkt$.addTypes({\n");
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    if (!message->is_map_entry) {
      text_addf(text, "  '%s': %s,\n", message->full_name, ts_names_type(message->full_name, file));
    }
  }
  text_add(text, "});\n");
}

void ts_emit_file(struct text *text, const struct model_file *file) {
  text_addf(text, "// Generated by protoc-gen-stoa from %s. Changes here are lost.\n", file->name);
  ts_names_comment(text, "", file->comment);
  emit_imports(text, file);
  for (size_t i = 0; i < file->enum_count; i++) {
    emit_enum(text, &file->enums[i]);
  }
  struct text services = {0};
  struct ts_own own = {0};
  text_add(&services, "");
  ts_emit_services(&services, &own, file);
  emit_types(text, &own, file);
  for (size_t i = 0; i < file->message_count; i++) {
    if (!file->messages[i].is_map_entry) {
      emit_interface(text, &file->messages[i]);
      emit_type(text, &file->messages[i]);
    }
  }
  emit_any_types(text, file);
  ts_emit_errors(text, file);
  text_add(text, services.data);
}
