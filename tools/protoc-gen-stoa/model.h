/* model.h: a .proto file as C sees it: names settled, types found, type numbers paired.
 *
 * model_build() makes it from the request, number_files() gives the type numbers, collide_check() and
 * ts_collide_check() find names that C or TypeScript would see twice. Emitters only read it.
 */
#ifndef PLUGIN_MODEL_H
#define PLUGIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stoa/descriptor.h>

#include "problem.h"
#include "request.h"

struct model_file;

struct model_enum_value {
  const char *name;
  const char *c_name;     /* STOA_BYTE_ORDER_BIG */
  const char *short_name; /* without the enum's own name before it: BIG */
  int32_t number;
  int32_t error_code; /* 0: no error */
  struct place place;
};

struct model_enum {
  const char *name;
  const char *full_name;
  const char *c_name;  /* of the C enum; the table's has _enum behind it */
  const char *c_scope; /* what the C names of the enum and of things about it start with; may be empty */
  bool is_errors;      /* some of its values are errors */
  struct model_enum_value *values;
  size_t value_count;
  const struct model_file *file;
  const Google__Protobuf__EnumDescriptorProto *proto;
  struct place place;
};

struct model_field {
  const char *name;
  const char *c_name;
  const char *json_name;
  uint32_t number;
  uint32_t kind; /* FieldDescriptorProto.Type, which enum stoa_field_kind is but for groups */
  enum stoa_field_label label;
  bool is_packed;
  const struct model_message *message;  /* of a message's or a map's field */
  const struct model_enum *enumeration; /* of an enum's field */
  size_t oneof;                         /* index; for STOA_LABEL_ONEOF only */
  struct stoa_field_rules rules;        /* none for most */
  struct place place;
};

struct model_oneof {
  const char *name;
  const char *c_name;
  const char *c_case; /* kind_case */
  struct place place;
};

struct model_message {
  const char *name;
  const char *full_name;
  const char *c_name;         /* of the C struct; the table's has _type behind it */
  struct model_field *fields; /* in the order of the file */
  size_t field_count;
  struct model_oneof *oneofs; /* those that the file declares, without the ones behind `optional` */
  size_t oneof_count;
  bool is_map_entry;
  bool is_nested;
  bool keeps_unknown; /* in a member behind all others */
  bool has_rules;     /* it, or one that it can hold */
  enum stoa_special special;
  bool is_numbered; /* a plain message: either side may push it */
  uint32_t number;
  const char *push_name;   /* "Chat": for the log */
  const char *push_c_name; /* "chat" */
  const struct model_file *file;
  const Google__Protobuf__DescriptorProto *proto;
  struct request_path path;
  struct place place;
};

struct model_method {
  const char *name;
  const char *c_name; /* of the member in the handlers' struct */
  const struct model_message *input;
  const struct model_message *output;
  bool is_numbered;
  uint32_t number;
  struct place place;
};

struct model_service {
  const char *name;
  const char *c_name; /* chatroom_v1_chatroom_service */
  struct model_method *methods;
  size_t method_count;
  struct model_message **pushes; /* of the first service: the file's plain messages */
  size_t push_count;
  struct place place;
};

struct model_file {
  const char *name;     /* "chatroom/v1/chatroom.proto" */
  const char *out_name; /* "chatroom/v1/chatroom.stoa": ".h" and ".c" follow */
  const char *prefix;   /* "chatroom_v1", or empty */
  const char *comment;
  bool is_wanted;                 /* protoc asks for its code */
  bool is_foreign;                /* of Protobuf itself, and without code in C */
  struct model_message *messages; /* nested ones too, each behind the one around it */
  size_t message_count;
  struct model_enum *enums; /* nested ones too */
  size_t enum_count;
  struct model_service *services; /* at least one when a message is numbered, though the file may have none */
  size_t service_count;
  const struct model_file **includes; /* files of the types that fields use, and public imports */
  size_t include_count;
  const Google__Protobuf__FileDescriptorProto *proto;
  struct place place;
};

struct model {
  struct model_file *files; /* imported ones before those that import them */
  size_t file_count;
};

/* Can C ask whether the field is set? Of messages, `optional` fields and members of a oneof. */
bool model_has_presence(const struct model_field *field);

/* A message's fields by ascending number. */
const struct model_field **model_sorted_fields(const struct model_message *message);

struct model model_build(const Google__Protobuf__Compiler__CodeGeneratorRequest *request, struct problems *problems);

/* Is the value an alias whose C name and number an earlier value of the enum has, as `done` behind `DONE`? One
 * enumerator serves both. */
bool model_enum_value_is_again(const struct model_enum *enumeration, size_t index);

/* Has a field or an rpc of the file a type of the other one? A map's values are fields of its entry, which is a message
 * of the file. */
bool model_file_uses(const struct model_file *file, const struct model_file *other);

/* Does the file import the other one publicly? */
bool model_passes_on(const struct model_file *file, const struct model_file *other);

#endif
