#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "pool.h"
#include "resolve.h"
#include "wellknown.h"

/* Field numbers in descriptor.proto, for paths in SourceCodeInfo. */
enum {
  FILE_MESSAGE = 4,
  FILE_ENUM = 5,
  FILE_OPTIONS = 8,
  FILE_SYNTAX = 12,
  MESSAGE_NESTED = 3,
  MESSAGE_ENUM = 4,
  ENUM_VALUE = 2
};

static const struct request_path top = {.count = 0};

/* Add an item at the end of an array, which may move: there must be no pointers into it yet. */
static void *grow(void *items, size_t count, size_t size) {
  bool is_full = (count & (count - 1)) == 0;
  if (!is_full) {
    return items;
  }
  void *grown = pool_array(count == 0 ? 1 : count * 2, size);
  if (count > 0) {
    memcpy(grown, items, count * size);
  }
  return grown;
}

void model_name_values(struct model_enum *enumeration) {
  for (size_t i = 0; i < enumeration->value_count; i++) {
    struct model_enum_value *value = &enumeration->values[i];
    value->c_name =
        names_safe_constant(names_join(names_upper(enumeration->c_name), value->c_part), enumeration->file->prefix);
  }
}

static void declare_enum_values(struct model_enum *enumeration, const Google__Protobuf__EnumDescriptorProto *proto,
                                const struct request_path *path) {
  const char *own_prefix = text_format("%s_", names_upper(names_snake(proto->name)));
  enumeration->values = pool_array(proto->n_value, sizeof *enumeration->values);
  enumeration->value_count = proto->n_value;
  for (size_t i = 0; i < proto->n_value; i++) {
    struct model_enum_value *value = &enumeration->values[i];
    struct request_path value_path = request_path_to(path, ENUM_VALUE, i);
    value->name = proto->value[i]->name;
    value->number = proto->value[i]->number;
    value->place = request_place(enumeration->file->proto, &value_path);
    const Google__Protobuf__EnumValueOptions *options = proto->value[i]->options;
    value->place.is_deprecated = options != NULL && options->has_deprecated && options->deprecated;
    value->short_name = names_without_prefix(names_upper(names_snake(value->name)), own_prefix);
    value->c_part = value->short_name;
    value->error_part = names_snake(value->short_name);
  }
  model_name_values(enumeration);
}

static void declare_enum(struct model_file *file, const Google__Protobuf__EnumDescriptorProto *proto,
                         const struct request_path *path, const struct model_message *outer) {
  file->enums = grow(file->enums, file->enum_count, sizeof *file->enums);
  struct model_enum *enumeration = &file->enums[file->enum_count++];
  const char *scope = outer != NULL ? outer->full_name : file->proto->package;
  enumeration->c_scope = outer != NULL ? outer->c_name : file->prefix;
  enumeration->name = proto->name;
  enumeration->full_name = *scope != '\0' ? text_format("%s.%s", scope, proto->name) : proto->name;
  enumeration->c_name = names_safe_tag(names_join(enumeration->c_scope, names_snake(proto->name)), file->prefix);
  enumeration->file = file;
  enumeration->proto = proto;
  enumeration->place = request_place(file->proto, path);
  enumeration->place.is_deprecated =
      proto->options != NULL && proto->options->has_deprecated && proto->options->deprecated;
  declare_enum_values(enumeration, proto, path);
}

/* An extension, which only proto2 has, is an unknown field. */
static bool keeps_unknown(const Google__Protobuf__DescriptorProto *proto) {
  uint32_t keep = 0;
  if (proto->n_extension_range > 0) {
    return true;
  }
  return proto->options != NULL && request_option_number(&proto->options->base, REQUEST_KEEP_UNKNOWN_NUMBER, &keep) &&
         keep != 0;
}

/* Recursive along the nesting of messages, which request_path_to() limits. */
static void declare_message(struct model_file *file, const Google__Protobuf__DescriptorProto *proto,
                            const struct request_path *path, const struct model_message *outer) {
  const char *scope = outer != NULL ? outer->full_name : file->proto->package;
  const char *c_scope = outer != NULL ? outer->c_name : file->prefix;
  const struct model_message message = {
      .name = proto->name,
      .full_name = *scope != '\0' ? text_format("%s.%s", scope, proto->name) : proto->name,
      .c_name = names_safe_tag(names_join(c_scope, names_snake(proto->name)), file->prefix),
      .is_map_entry = proto->options != NULL && proto->options->has_map_entry && proto->options->map_entry,
      .is_nested = outer != NULL,
      .file = file,
      .proto = proto,
      .path = *path,
      .place = request_place(file->proto, path),
  };
  file->messages = grow(file->messages, file->message_count, sizeof *file->messages);
  file->messages[file->message_count] = message;
  file->messages[file->message_count].special = wellknown_special(message.full_name);
  file->messages[file->message_count].keeps_unknown = keeps_unknown(proto);
  file->messages[file->message_count].place.is_deprecated =
      proto->options != NULL && proto->options->has_deprecated && proto->options->deprecated;
  file->message_count++;
  for (size_t i = 0; i < proto->n_enum_type; i++) {
    struct request_path nested = request_path_to(path, MESSAGE_ENUM, i);
    declare_enum(file, proto->enum_type[i], &nested, &message);
  }
  for (size_t i = 0; i < proto->n_nested_type; i++) {
    struct request_path nested = request_path_to(path, MESSAGE_NESTED, i);
    declare_message(file, proto->nested_type[i], &nested, &message);
  }
}

/* The file's comment is before `syntax`, directly or with a blank line between. */
static void describe_file(struct model_file *file) {
  const struct request_path path = {.steps = {FILE_SYNTAX}, .count = 1};
  file->place = request_place(file->proto, &path);
  const Google__Protobuf__FileOptions *options = file->proto->options;
  file->comment = file->place.comment;
  file->place.is_deprecated = options != NULL && options->has_deprecated && options->deprecated;
  const Google__Protobuf__SourceCodeInfo *info = file->proto->source_code_info;
  for (size_t i = 0; file->comment == NULL && info != NULL && i < info->n_location; i++) {
    const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
    bool is_syntax = location->n_path == 1 && location->path[0] == FILE_SYNTAX;
    if (is_syntax && location->n_leading_detached_comments > 0) {
      file->comment = location->leading_detached_comments[0];
    }
  }
  file->place.comment = file->comment;
}

static void name_prefix(struct model_file *file, struct problems *problems) {
  file->prefix = names_identifier(file->proto->package);
  const Google__Protobuf__FileOptions *options = file->proto->options;
  if (options == NULL || !request_option_text(&options->base, REQUEST_OPTION_NUMBER, &file->prefix) ||
      names_is_identifier(file->prefix)) {
    return;
  }
  const struct request_path path = {.steps = {FILE_OPTIONS, REQUEST_OPTION_NUMBER}, .count = 2};
  struct place place = request_place(file->proto, &path);
  problem_add(problems, &place, "option (stoa.c_prefix): \"%s\" is not a C identifier", file->prefix);
  file->prefix = names_identifier(file->prefix);
}

/* A file that is refused has one error, whatever else is in it. */
static void check_syntax(struct model_file *file, struct problems *problems) {
  const char *syntax = file->proto->syntax == NULL ? "proto2" : file->proto->syntax;
  file->is_proto3 = strcmp(syntax, "proto3") == 0;
  bool is_known = file->is_proto3 || wellknown_is_proto2(file->name);
  if (file->is_wanted && !is_known) {
    bool is_edition = strcmp(syntax, "editions") == 0;
    problem_add(problems, &file->place, "this file is %s, and only proto3 is supported: write syntax = \"proto3\";",
                is_edition ? "of an edition" : syntax);
    file->is_wanted = false;
    file->is_refused = true;
  }
  file->is_foreign = !is_known || wellknown_is_foreign(file->name);
}

static void declare_file(struct model_file *file, Google__Protobuf__FileDescriptorProto *proto,
                         struct problems *problems) {
  if (proto->package == NULL) {
    proto->package = pool_copy("", 0);
  }
  file->proto = proto;
  file->name = proto->name;
  file->out_name = text_format("%s.stoa", names_without_suffix(proto->name, ".proto"));
  describe_file(file);
  name_prefix(file, problems);
  for (size_t i = 0; i < proto->n_enum_type; i++) {
    struct request_path path = request_path_to(&top, FILE_ENUM, i);
    declare_enum(file, proto->enum_type[i], &path, NULL);
  }
  for (size_t i = 0; i < proto->n_message_type; i++) {
    struct request_path path = request_path_to(&top, FILE_MESSAGE, i);
    declare_message(file, proto->message_type[i], &path, NULL);
  }
  check_syntax(file, problems);
}

static bool is_wanted(const Google__Protobuf__Compiler__CodeGeneratorRequest *request, const char *name) {
  for (size_t i = 0; i < request->n_file_to_generate; i++) {
    if (strcmp(request->file_to_generate[i], name) == 0) {
      return true;
    }
  }
  return false;
}

struct model model_build(const Google__Protobuf__Compiler__CodeGeneratorRequest *request, const struct options *options,
                         struct problems *problems) {
  struct model model = {.file_count = request->n_proto_file, .options = options};
  model.files = pool_array(model.file_count, sizeof *model.files);
  for (size_t i = 0; i < model.file_count; i++) {
    model.files[i].is_wanted = is_wanted(request, request->proto_file[i]->name);
    declare_file(&model.files[i], request->proto_file[i], problems);
  }
  resolve_files(&model, problems);
  return model;
}

bool model_has_presence(const struct model_field *field) {
  bool is_message = field->label == STOA_LABEL_SINGULAR && field->message != NULL;
  return is_message || field->label == STOA_LABEL_OPTIONAL || field->label == STOA_LABEL_ONEOF;
}

static int compare_numbers(const void *left, const void *right) {
  const struct model_field *const *a = left;
  const struct model_field *const *b = right;
  return (*a)->number < (*b)->number ? -1 : 1;
}

const struct model_field **model_sorted_fields(const struct model_message *message) {
  const struct model_field **sorted = pool_array(message->field_count, sizeof(struct model_field *));
  for (size_t i = 0; i < message->field_count; i++) {
    sorted[i] = &message->fields[i];
  }
  qsort(sorted, message->field_count, sizeof(struct model_field *), compare_numbers);
  return sorted;
}

bool model_enum_value_is_again(const struct model_enum *enumeration, size_t index) {
  const struct model_enum_value *value = &enumeration->values[index];
  for (size_t i = 0; i < index; i++) {
    const struct model_enum_value *earlier = &enumeration->values[i];
    if (earlier->number == value->number && strcmp(earlier->c_name, value->c_name) == 0) {
      return true;
    }
  }
  return false;
}

static bool has_deprecated(const struct model_file *file) {
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    for (size_t f = 0; f < message->field_count; f++) {
      if (message->fields[f].place.is_deprecated) {
        return true;
      }
    }
    if (message->place.is_deprecated) {
      return true;
    }
  }
  for (size_t i = 0; i < file->enum_count; i++) {
    const struct model_enum *enumeration = &file->enums[i];
    for (size_t v = 0; v < enumeration->value_count; v++) {
      if (enumeration->values[v].place.is_deprecated) {
        return true;
      }
    }
    if (enumeration->place.is_deprecated) {
      return true;
    }
  }
  return false;
}

bool model_meets_deprecated(const struct model_file *file) {
  bool meets = has_deprecated(file);
  for (size_t i = 0; i < file->include_count && !meets; i++) {
    meets = has_deprecated(file->includes[i]);
  }
  return meets;
}

static bool message_uses(const struct model_message *message, const struct model_file *other) {
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    bool uses_message = field->message != NULL && field->message->file == other;
    bool uses_enum = field->enumeration != NULL && field->enumeration->file == other;
    if (uses_message || uses_enum) {
      return true;
    }
  }
  return false;
}

static bool service_uses(const struct model_service *service, const struct model_file *other) {
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if ((method->input != NULL && method->input->file == other) ||
        (method->output != NULL && method->output->file == other)) {
      return true;
    }
  }
  return false;
}

bool model_file_uses(const struct model_file *file, const struct model_file *other) {
  for (size_t i = 0; i < file->message_count; i++) {
    if (message_uses(&file->messages[i], other)) {
      return true;
    }
  }
  for (size_t i = 0; i < file->service_count; i++) {
    if (service_uses(&file->services[i], other)) {
      return true;
    }
  }
  return false;
}

bool model_passes_on(const struct model_file *file, const struct model_file *other) {
  for (size_t i = 0; i < file->proto->n_public_dependency; i++) {
    if (strcmp(file->proto->dependency[file->proto->public_dependency[i]], other->name) == 0) {
      return true;
    }
  }
  return false;
}
