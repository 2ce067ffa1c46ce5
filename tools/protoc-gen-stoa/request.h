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

/* The number of all of Stoa's options in api/stoa/options.proto: each extends another message. */
#define REQUEST_OPTION_NUMBER 50700

/* A way through a FileDescriptorProto as SourceCodeInfo names it: field numbers and indexes in turn. */
#define REQUEST_PATH_MAX 80
struct request_path {
  int32_t steps[REQUEST_PATH_MAX];
  size_t count;
};

/* NULL when it is no request. Lies in the pool. */
Google__Protobuf__Compiler__CodeGeneratorRequest *request_parse(const uint8_t *bytes, size_t len);

/* Stoa's option in an options message, which may be NULL. Outputs only when it is there. */
bool request_option_number(const ProtobufCMessage *options, uint32_t *out_number);
bool request_option_text(const ProtobufCMessage *options, const char **out_text);

/* The path one field further down: field `number`, item `index`. */
struct request_path request_path_to(const struct request_path *parent, int32_t number, size_t index);
/* Line and column 0 when protoc gave no positions. */
struct place request_place(const Google__Protobuf__FileDescriptorProto *file, const struct request_path *path);

#endif
