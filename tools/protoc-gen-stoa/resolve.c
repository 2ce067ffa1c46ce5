#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#include "kind.h"
#include "names.h"
#include "pool.h"
#include "rules.h"

/* Field numbers in descriptor.proto, for paths in SourceCodeInfo. */
enum { FILE_SERVICE = 6, MESSAGE_FIELD = 2, MESSAGE_ONEOF = 8, SERVICE_METHOD = 2 };

#define NAME_LEN_MAX 255

/* `type_name` starts with a dot, as protoc writes resolved names. */
static const struct model_message *find_message(const struct model *model, const char *type_name) {
  for (size_t f = 0; f < model->file_count; f++) {
    for (size_t i = 0; i < model->files[f].message_count; i++) {
      if (strcmp(model->files[f].messages[i].full_name, type_name + 1) == 0) {
        return &model->files[f].messages[i];
      }
    }
  }
  return NULL;
}

static const struct model_enum *find_enum(const struct model *model, const char *type_name) {
  for (size_t f = 0; f < model->file_count; f++) {
    for (size_t i = 0; i < model->files[f].enum_count; i++) {
      if (strcmp(model->files[f].enums[i].full_name, type_name + 1) == 0) {
        return &model->files[f].enums[i];
      }
    }
  }
  return NULL;
}

static bool is_packable(uint32_t kind) {
  return kind != STOA_KIND_STRING && kind != STOA_KIND_BYTES && kind != STOA_KIND_MESSAGE && kind != KIND_GROUP;
}

/* The default is packed in proto3 and not in proto2. */
static bool wants_packed(const Google__Protobuf__FieldOptions *options, bool is_proto3) {
  return options != NULL && options->has_packed ? options->packed : is_proto3;
}

static enum stoa_field_label label_of(const struct model_field *field,
                                      const Google__Protobuf__FieldDescriptorProto *proto, bool is_proto3) {
  if (proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED) {
    return field->message != NULL && field->message->is_map_entry ? STOA_LABEL_MAP : STOA_LABEL_REPEATED;
  }
  /* protoc adds a oneof for each `optional` field, which the file does not have. */
  if (proto->has_proto3_optional && proto->proto3_optional) {
    return field->message != NULL ? STOA_LABEL_SINGULAR : STOA_LABEL_OPTIONAL;
  }
  if (proto->has_oneof_index) {
    return STOA_LABEL_ONEOF;
  }
  /* In proto2 every field has presence. */
  return is_proto3 || field->message != NULL ? STOA_LABEL_SINGULAR : STOA_LABEL_OPTIONAL;
}

/* A file that is refused in the same run has its error already. */
static void check_file(const char *user, const struct place *place, const char *type, const struct model_file *file,
                       struct problems *problems) {
  if (file->is_foreign && !file->is_refused) {
    problem_add(problems, place, "%s: type %s is not supported: %s is %s", user, type, file->name,
                file->is_proto3 ? "a file of Protobuf itself" : "not proto3");
  }
}

static void check_type(const struct model *model, const struct model_field *field,
                       const Google__Protobuf__FieldDescriptorProto *proto, struct problems *problems) {
  uint32_t kind = (uint32_t)proto->type;
  const struct model_message *message = kind == STOA_KIND_MESSAGE ? find_message(model, proto->type_name) : NULL;
  const struct model_enum *enumeration = kind == STOA_KIND_ENUM ? find_enum(model, proto->type_name) : NULL;
  if (kind == KIND_GROUP) {
    problem_add(problems, &field->place, "field \"%s\": groups are not supported", field->name);
  } else if (message != NULL) {
    check_file(text_format("field \"%s\"", field->name), &field->place, message->full_name, message->file, problems);
  } else if (enumeration != NULL) {
    check_file(text_format("field \"%s\"", field->name), &field->place, enumeration->full_name, enumeration->file,
               problems);
  }
}

static void check_field(const struct model *model, const struct model_field *field,
                        const Google__Protobuf__FieldDescriptorProto *proto, struct problems *problems) {
  if (strlen(field->name) > NAME_LEN_MAX || strlen(field->json_name) > NAME_LEN_MAX) {
    problem_add(problems, &field->place, "the name of field %u is longer than %d bytes", field->number, NAME_LEN_MAX);
  }
  /* For a map the type of its values is checked. */
  check_type(model, field, field->label == STOA_LABEL_MAP ? field->message->proto->field[1] : proto, problems);
}

static void resolve_field(const struct model *model, const struct model_message *message, size_t index,
                          struct problems *problems) {
  const Google__Protobuf__FieldDescriptorProto *proto = message->proto->field[index];
  struct model_field *field = &message->fields[index];
  struct request_path path = request_path_to(&message->path, MESSAGE_FIELD, index);
  field->name = proto->name;
  field->c_name = names_safe(proto->name);
  field->json_name = proto->json_name != NULL ? proto->json_name : proto->name;
  field->number = (uint32_t)proto->number;
  field->kind = (uint32_t)proto->type;
  field->place = request_place(message->file->proto, &path);
  field->place.is_deprecated = proto->options != NULL && proto->options->has_deprecated && proto->options->deprecated;
  field->message = field->kind == STOA_KIND_MESSAGE ? find_message(model, proto->type_name) : NULL;
  field->enumeration = field->kind == STOA_KIND_ENUM ? find_enum(model, proto->type_name) : NULL;
  /* protoc resolves names before any plugin sees them. */
  if ((field->kind == STOA_KIND_MESSAGE && field->message == NULL) ||
      (field->kind == STOA_KIND_ENUM && field->enumeration == NULL)) {
    problem_add(problems, &field->place, "field \"%s\": there is no type %s", field->name, proto->type_name + 1);
  }
  field->label = label_of(field, proto, message->file->is_proto3);
  field->oneof = (size_t)proto->oneof_index;
  field->is_packed = field->label == STOA_LABEL_REPEATED && is_packable(field->kind) &&
                     wants_packed(proto->options, message->file->is_proto3);
  /* A map's entry is not in the file, so its problems are reported for the map. Problems of an imported file are
   * reported when its own code is generated. */
  struct problems unreported = {0};
  struct problems *reported = message->file->is_wanted && !message->is_map_entry ? problems : &unreported;
  check_field(model, field, proto, reported);
  rules_read(field, proto, reported);
}

/* The oneofs of `optional` fields are the last ones in a descriptor, so the others keep their indexes. */
static void resolve_oneofs(struct model_message *message) {
  message->oneofs = pool_array(message->proto->n_oneof_decl, sizeof *message->oneofs);
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    if (field->label == STOA_LABEL_ONEOF && field->oneof >= message->oneof_count) {
      message->oneof_count = field->oneof + 1;
    }
  }
  for (size_t i = 0; i < message->oneof_count; i++) {
    const char *name = message->proto->oneof_decl[i]->name;
    struct request_path path = request_path_to(&message->path, MESSAGE_ONEOF, i);
    message->oneofs[i].name = name;
    message->oneofs[i].c_name = names_safe(name);
    message->oneofs[i].c_case = text_format("%s_case", name);
    message->oneofs[i].place = request_place(message->file->proto, &path);
  }
}

static void resolve_message(const struct model *model, struct model_message *message, struct problems *problems) {
  message->field_count = message->proto->n_field;
  message->fields = pool_array(message->field_count, sizeof *message->fields);
  for (size_t i = 0; i < message->field_count; i++) {
    resolve_field(model, message, i, problems);
  }
  resolve_oneofs(message);
}

static const struct model_message *resolve_rpc_type(const struct model *model, const struct model_method *method,
                                                    const char *type_name, struct problems *problems) {
  const struct model_message *message = find_message(model, type_name);
  if (message == NULL) {
    problem_add(problems, &method->place, "rpc \"%s\": there is no message %s", method->name, type_name + 1);
  } else {
    check_file(text_format("rpc \"%s\"", method->name), &method->place, message->full_name, message->file, problems);
  }
  return message;
}

static void resolve_method(const struct model *model, struct model_method *method,
                           const Google__Protobuf__MethodDescriptorProto *proto, struct problems *problems) {
  method->name = proto->name;
  method->c_name = names_snake(proto->name);
  method->input = resolve_rpc_type(model, method, proto->input_type, problems);
  method->output = resolve_rpc_type(model, method, proto->output_type, problems);
  uint32_t plain = 0;
  if (proto->options != NULL) {
    method->is_numbered = request_option_number(&proto->options->base, REQUEST_OPTION_NUMBER, &method->number);
    method->place.is_deprecated = proto->options->has_deprecated && proto->options->deprecated;
    method->is_plain = request_option_number(&proto->options->base, REQUEST_PLAIN_NUMBER, &plain) && plain != 0;
  }
}

static bool has_client_stream(const Google__Protobuf__MethodDescriptorProto *proto) {
  return proto->has_client_streaming && proto->client_streaming;
}

static void refuse_client_stream(const struct model_method *method,
                                 const Google__Protobuf__MethodDescriptorProto *proto, struct problems *problems) {
  bool is_two_way = proto->has_server_streaming && proto->server_streaming;
  const char *instead = is_two_way ? "take one request and return the stream, and let the client send plain messages"
                                   : "take one request with a repeated field, or let the client send plain messages";
  problem_add(problems, &method->place,
              "rpc \"%s\": a stream of requests is not supported: %s; or leave such rpcs out with "
              "--stoa_opt=streams=skip",
              proto->name, instead);
}

/* Of an rpc that is left out nothing but its name and types is used, and it has one error at most. */
static void add_method(const struct model *model, struct model_service *service, const struct model_method *method,
                       const Google__Protobuf__MethodDescriptorProto *proto, struct problems *problems) {
  struct problems unreported = {0};
  if (!has_client_stream(proto)) {
    struct model_method *added = &service->methods[service->method_count++];
    *added = *method;
    added->is_stream = proto->has_server_streaming && proto->server_streaming;
    resolve_method(model, added, proto, problems);
    if (added->is_stream && added->is_plain) {
      problem_add(problems, &method->place,
                  "rpc \"%s\": a plain message has no replies, so that (stoa.plain) does not "
                  "go with a stream",
                  proto->name);
      added->is_plain = false;
    }
    return;
  }
  struct model_method *added = &service->streams[service->stream_count++];
  *added = *method;
  resolve_method(model, added, proto, &unreported);
  if (!model->options->skips_streams) {
    refuse_client_stream(method, proto, problems);
  }
}

static void resolve_service(const struct model *model, const struct model_file *file, size_t index,
                            struct problems *problems) {
  const Google__Protobuf__ServiceDescriptorProto *proto = file->proto->service[index];
  struct model_service *service = &file->services[index];
  const struct request_path top = {.count = 0};
  struct request_path path = request_path_to(&top, FILE_SERVICE, index);
  const char *package = file->proto->package;
  service->name = proto->name;
  service->full_name = *package != '\0' ? text_format("%s.%s", package, proto->name) : proto->name;
  service->c_name = names_join(file->prefix, names_snake(proto->name));
  service->place = request_place(file->proto, &path);
  service->place.is_deprecated = proto->options != NULL && proto->options->has_deprecated && proto->options->deprecated;
  uint32_t admin = 0;
  service->is_admin = proto->options != NULL &&
                      request_option_number(&proto->options->base, REQUEST_OPTION_NUMBER, &admin) && admin != 0;
  service->methods = pool_array(proto->n_method, sizeof *service->methods);
  service->streams = pool_array(proto->n_method, sizeof *service->streams);
  for (size_t i = 0; i < proto->n_method; i++) {
    struct request_path method_path = request_path_to(&path, SERVICE_METHOD, i);
    const struct model_method method = {.index = i, .place = request_place(file->proto, &method_path)};
    add_method(model, service, &method, proto->method[i], problems);
  }
}

static int compare_names(const void *left, const void *right) {
  const struct model_file *const *a = left;
  const struct model_file *const *b = right;
  return strcmp((*a)->name, (*b)->name);
}

/* An import for options only needs no header, and often has none. They are sorted, because protoc's order of files
 * depends on which others are generated in the same run. */
static void resolve_includes(const struct model *model, struct model_file *file) {
  file->includes = pool_array(model->file_count, sizeof(struct model_file *));
  for (size_t i = 0; i < model->file_count; i++) {
    const struct model_file *other = &model->files[i];
    if (other != file && !other->is_foreign && (model_file_uses(file, other) || model_passes_on(file, other))) {
      file->includes[file->include_count++] = other;
    }
  }
  qsort(file->includes, file->include_count, sizeof(struct model_file *), compare_names);
}

static void resolve_services(const struct model *model, struct model_file *file, struct problems *problems) {
  /* Room for the service that number_files() adds when a file has numbered messages and no service. */
  file->services = pool_array(file->proto->n_service + 1, sizeof *file->services);
  file->service_count = model->options->messages_only ? 0 : file->proto->n_service;
  for (size_t i = 0; i < file->service_count; i++) {
    resolve_service(model, file, i, problems);
  }
}

void resolve_files(struct model *model, struct problems *problems) {
  for (size_t f = 0; f < model->file_count; f++) {
    struct model_file *file = &model->files[f];
    for (size_t i = 0; i < file->message_count; i++) {
      resolve_message(model, &file->messages[i], problems);
    }
    if (file->is_wanted) {
      resolve_services(model, file, problems);
      resolve_includes(model, file);
    }
  }
  rules_spread(model);
}
