#include "sanity.h"

#include <string.h>

#include "names.h"

#define NESTING_MAX 32 /* protoc stops at 31 */
#define FIELD_NUMBER_MAX 536870911

typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__DescriptorProto message_proto;

static bool is_name(const char *name) {
  return name != NULL && names_is_identifier(name);
}

/* protoc writes full names of types, with a dot in front. */
static bool is_type_name(const char *name) {
  return name != NULL && name[0] == '.' && name[1] != '\0';
}

/* Names separated by dots, or an empty text. */
static bool is_package(const char *package) {
  return *package == '\0' || (package[0] != '.' && package[strlen(package) - 1] != '.' &&
                              strstr(package, "..") == NULL && names_is_identifier(names_undotted(package)));
}

static bool is_composed(const field_proto *field) {
  return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE ||
         field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP ||
         field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM;
}

static bool check_field(const message_proto *message, const field_proto *field) {
  bool has_number = field->has_number && field->number > 0 && field->number <= FIELD_NUMBER_MAX;
  bool has_kind =
      field->has_type && field->type > 0 && field->type <= GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64;
  bool has_label = field->label >= GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL &&
                   field->label <= GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
  if (!is_name(field->name) || !has_number || !has_kind || !has_label) {
    return false;
  }
  if (field->has_oneof_index && (field->oneof_index < 0 || (size_t)field->oneof_index >= message->n_oneof_decl)) {
    return false;
  }
  return is_composed(field) ? is_type_name(field->type_name) : field->type_name == NULL;
}

static bool check_enum(const Google__Protobuf__EnumDescriptorProto *enumeration) {
  for (size_t i = 0; i < enumeration->n_value; i++) {
    if (!is_name(enumeration->value[i]->name)) {
      return false;
    }
  }
  return is_name(enumeration->name) && enumeration->n_value > 0;
}

static bool check_enums(Google__Protobuf__EnumDescriptorProto *const *enums, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!check_enum(enums[i])) {
      return false;
    }
  }
  return true;
}

static bool is_entry(const message_proto *message) {
  return message->options != NULL && message->options->has_map_entry && message->options->map_entry;
}

/* A key that is not a message, and one value. */
static bool check_entry(const message_proto *message) {
  return message->n_field == 2 && message->n_oneof_decl == 0 && message->field[0]->number == 1 &&
         message->field[1]->number == 2 && !is_composed(message->field[0]) &&
         message->field[0]->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL &&
         message->field[1]->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL;
}

/* Checks the message without the nested ones. */
static bool check_own(const message_proto *message) {
  for (size_t i = 0; i < message->n_oneof_decl; i++) {
    if (!is_name(message->oneof_decl[i]->name)) {
      return false;
    }
  }
  for (size_t i = 0; i < message->n_field; i++) {
    if (!check_field(message, message->field[i])) {
      return false;
    }
  }
  return is_name(message->name) && check_enums(message->enum_type, message->n_enum_type) &&
         (!is_entry(message) || check_entry(message));
}

/* Recursive along the nesting, which `depth` limits. */
static bool check_messages(message_proto *const *messages, size_t count, unsigned depth) {
  for (size_t i = 0; i < count; i++) {
    const message_proto *message = messages[i];
    if (depth == NESTING_MAX || !check_own(message) ||
        !check_messages(message->nested_type, message->n_nested_type, depth + 1)) {
      return false;
    }
  }
  return true;
}

static bool check_service(const Google__Protobuf__ServiceDescriptorProto *service) {
  for (size_t i = 0; i < service->n_method; i++) {
    const Google__Protobuf__MethodDescriptorProto *method = service->method[i];
    if (!is_name(method->name) || !is_type_name(method->input_type) || !is_type_name(method->output_type)) {
      return false;
    }
  }
  return is_name(service->name);
}

static bool check_file(const Google__Protobuf__FileDescriptorProto *file) {
  for (size_t i = 0; i < file->n_public_dependency; i++) {
    if (file->public_dependency[i] < 0 || (size_t)file->public_dependency[i] >= file->n_dependency) {
      return false;
    }
  }
  for (size_t i = 0; i < file->n_service; i++) {
    if (!check_service(file->service[i])) {
      return false;
    }
  }
  return file->name != NULL && *file->name != '\0' && (file->package == NULL || is_package(file->package)) &&
         check_enums(file->enum_type, file->n_enum_type) && check_messages(file->message_type, file->n_message_type, 0);
}

bool sanity_check(const Google__Protobuf__Compiler__CodeGeneratorRequest *request) {
  for (size_t i = 0; i < request->n_proto_file; i++) {
    if (!check_file(request->proto_file[i])) {
      return false;
    }
  }
  return true;
}
