/* model.h: a .proto file, prepared for C: with names, resolved types and type numbers.
 *
 * model_build() builds it from the request, number_files() assigns the type numbers, http_read() reads the
 * HTTP routes, collide_check() and ts_collide_check() find names that would be equal in C or TypeScript. Emitters only
 * read it.
 */
#ifndef PLUGIN_MODEL_H
#define PLUGIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stoa/descriptor.h>

#include "options.h"
#include "problem.h"
#include "request.h"

struct model_file;
struct model_method;
struct stoa_http_template;

struct model_enum_value {
  const char *name;
  const char *c_name;     /* STOA_BYTE_ORDER_BIG */
  const char *short_name; /* without the enum's name in front: BIG */
  const char *c_part;     /* the same in its C name */
  const char *error_part; /* the same in the names of an error's functions: big */
  int32_t number;
  int32_t error_code;   /* 0: not an error */
  uint32_t http_status; /* of an error whose code is none; 0: not given */
  struct place place;
};

struct model_enum {
  const char *name;
  const char *full_name;
  const char *c_name;  /* of the C enum; the name of the table ends in _enum */
  const char *c_scope; /* the prefix of the C names of the enum and of what belongs to it; may be empty */
  bool is_errors;      /* some of its values are errors */
  struct model_enum_value *values;
  size_t value_count;
  const struct model_file *file;
  const Google__Protobuf__EnumDescriptorProto *proto;
  struct place place;
};

struct model_field {
  const char *name;
  const char *c_name; /* of the member */
  const char *json_name;
  uint32_t number;
  uint32_t kind; /* FieldDescriptorProto.Type; the numbers are those of enum stoa_field_kind, plus groups */
  enum stoa_field_label label;
  bool is_packed;
  const struct model_message *message;  /* for messages and maps */
  const struct model_enum *enumeration; /* for enums */
  size_t oneof;                         /* index; for STOA_LABEL_ONEOF only */
  struct stoa_field_rules rules;        /* empty for most */
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
  const char *c_name;         /* of the C struct; the name of the table ends in _type */
  struct model_field *fields; /* in the order of the file */
  size_t field_count;
  struct model_oneof *oneofs; /* those that the file declares, without those that protoc adds for `optional` */
  size_t oneof_count;
  bool is_map_entry;
  bool is_nested;
  bool keeps_unknown; /* in a member after all others */
  bool has_rules;     /* the message, or one that it can contain, has rules */
  enum stoa_special special;
  bool is_numbered; /* a plain message: server and client may push it */
  bool is_hashed;   /* its number comes from its name */
  uint32_t number;
  const char *push_name;           /* "Chat": for the log */
  const char *push_c_name;         /* "chat" */
  const struct model_method *call; /* the plain rpc that it is the request of; NULL: none */
  const struct model_file *file;
  const Google__Protobuf__DescriptorProto *proto;
  struct request_path path;
  struct place place;
};

/* One HTTP route of an rpc. */
struct model_http {
  const char *method;        /* "GET" */
  const char *path;          /* "/v1/rooms/{room}" */
  const char *body;          /* "*", a field's name, or NULL */
  const char *response_body; /* a field's name, or NULL: the whole reply */
  const struct stoa_http_template *template;
  struct place place;
};

struct model_method {
  const char *name;
  const char *c_name; /* in the names of its functions and types */
  const struct model_message *input;
  const struct model_message *output;
  bool is_misnumbered; /* its number is reported as wrong */
  size_t index;        /* among the rpcs of the service in the file */
  bool is_numbered;
  bool is_hashed; /* its number comes from its name */
  uint32_t number;
  bool is_stream; /* its replies are a stream */
  bool is_plain;  /* its request may be sent without a call id too, and is pushed */
  struct model_http *http;
  size_t http_count;
  struct place place;
};

struct model_service {
  const char *name;
  const char *full_name; /* "chatroom.v1.ChatroomService" */
  const char *c_name;    /* chatroom_v1_chatroom_service */
  bool is_admin;         /* its rpcs are HTTP routes of admin listeners, and nothing else */
  struct model_method *methods;
  size_t method_count;
  struct model_method *streams; /* rpcs with streams of the client, which are left out */
  size_t stream_count;
  struct model_message **pushes; /* in the first service: the file's plain messages */
  size_t push_count;
  struct place place;
};

struct model_file {
  const char *name;     /* "chatroom/v1/chatroom.proto" */
  const char *out_name; /* "chatroom/v1/chatroom.stoa": ".h" and ".c" follow */
  const char *prefix;   /* "chatroom_v1", or empty */
  const char *comment;
  bool is_wanted; /* protoc asks for its code, and it can be written */
  bool is_proto3;
  bool is_refused;                /* protoc asks for its code, which cannot be written */
  bool is_foreign;                /* without code: not proto3, or a file of Protobuf itself that Stoa has no code for */
  struct model_message *messages; /* including nested ones, each after the one around it */
  size_t message_count;
  struct model_enum *enums; /* including nested ones */
  size_t enum_count;
  struct model_service *services; /* at least one when a message is numbered, though the file may have none */
  size_t service_count;
  const struct model_file **includes; /* files of the types that fields use, and public imports */
  size_t include_count;
  const Google__Protobuf__FileDescriptorProto *proto;
  struct place place;
};

struct model {
  struct model_file *files; /* imported files come before those that import them */
  size_t file_count;
  const struct options *options;
};

/* Does the field have presence? True for messages, `optional` fields and members of a oneof. */
bool model_has_presence(const struct model_field *field);

/* A message's fields by ascending number. */
const struct model_field **model_sorted_fields(const struct model_message *message);

/* `options` is borrowed as long as the model is used. */
struct model model_build(const Google__Protobuf__Compiler__CodeGeneratorRequest *request, const struct options *options,
                         struct problems *problems);

/* Name the values from the C name of the enum. */
void model_name_values(struct model_enum *enumeration);

/* Is the value an alias with the C name and number of an earlier value of the enum, such as `done` after `DONE`? They
 * share one enumerator. */
bool model_enum_value_is_again(const struct model_enum *enumeration, size_t index);

/* Does a field or an rpc of the file have a type from the other file? Values of a map count too: they are fields of its
 * entry, which is a message of the file. */
bool model_file_uses(const struct model_file *file, const struct model_file *other);

/* Is a message, a field, an enum or a value of the file deprecated, or of a file that it includes? */
bool model_meets_deprecated(const struct model_file *file);

/* Does the file publicly import the other one? */
bool model_passes_on(const struct model_file *file, const struct model_file *other);

#endif
