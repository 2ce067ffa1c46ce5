/* request.h: what protoc asks for, read from its descriptors.
 *
 * protobuf-c reads the request and writes the answer; nothing else in Stoa uses it. Stoa's own options are not known
 * to it and arrive as unknown fields, which these functions look through.
 */
#ifndef PLUGIN_REQUEST_H
#define PLUGIN_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "google/protobuf/compiler/plugin.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "problem.h"

/* The number of Stoa's options in api/stoa/options.proto: each extends another message, but for one. */
#define REQUEST_OPTION_NUMBER 50700
#define REQUEST_KEEP_UNKNOWN_NUMBER 50701

/* A way through a FileDescriptorProto as SourceCodeInfo names it: field numbers and indexes in turn. */
#define REQUEST_PATH_MAX 80
struct request_path {
  int32_t steps[REQUEST_PATH_MAX];
  size_t count;
};

/* NULL when it is no request. Lies in the pool. */
Google__Protobuf__Compiler__CodeGeneratorRequest *request_parse(const uint8_t *bytes, size_t len);

/* The option of that number in an options message. Outputs only when it is there. */
bool request_option_number(const ProtobufCMessage *options, uint32_t number, uint32_t *out_number);
bool request_option_text(const ProtobufCMessage *options, uint32_t number, const char **out_text);

/* One member of an option that is a message, when it is a number: a varint, or the bits of a double. */
struct request_member {
  uint32_t number;
  uint64_t value;
};

/* Where request_option_next() goes on; start with a zeroed one. */
struct request_cursor {
  size_t part;
  size_t at;
};

/* The next member of that option, false behind the last. protoc writes the option once for each member that the file
 * sets; a later member takes the place of an earlier one with its number. */
bool request_option_next(const ProtobufCMessage *options, uint32_t number, struct request_cursor *cursor,
                         struct request_member *out_member);

/* The path one field further down: field `number`, item `index`. */
struct request_path request_path_to(const struct request_path *parent, int32_t number, size_t index);
/* Line and column 0 when protoc gave no positions. */
struct place request_place(const Google__Protobuf__FileDescriptorProto *file, const struct request_path *path);

#endif
