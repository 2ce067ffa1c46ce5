/* request.h: reads protoc's request.
 *
 * protobuf-c reads the request and writes the answer; nothing else in Stoa uses it. It does not know Stoa's options,
 * which arrive as unknown fields. These functions read them.
 */
#ifndef PLUGIN_REQUEST_H
#define PLUGIN_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stoa/bytes.h>

#include "google/protobuf/compiler/plugin.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "problem.h"

/* The number of Stoa's options in api/stoa/options.proto: each extends another message, with three exceptions. */
#define REQUEST_OPTION_NUMBER 50700
#define REQUEST_KEEP_UNKNOWN_NUMBER 50701
#define REQUEST_HTTP_NUMBER 50701
#define REQUEST_PLAIN_NUMBER 50702

/* A path in a FileDescriptorProto, as in SourceCodeInfo: field numbers and indexes alternate. */
#define REQUEST_PATH_MAX 80
struct request_path {
  int32_t steps[REQUEST_PATH_MAX];
  size_t count;
};

/* NULL when the bytes are not a request. Allocated in the pool. */
Google__Protobuf__Compiler__CodeGeneratorRequest *request_parse(const uint8_t *bytes, size_t len);

/* The option of that number in an options message. The output is written only when there is one. */
bool request_option_number(const ProtobufCMessage *options, uint32_t number, uint32_t *out_number);
bool request_option_text(const ProtobufCMessage *options, uint32_t number, const char **out_text);

/* An option that is a message: its bytes, without tag and length. protoc writes it once for each member that the file
 * sets alone; the parts are joined, which merges them. */
bool request_option_message(const ProtobufCMessage *options, uint32_t number, struct stoa_bytes *out_message);

/* A field of such a message: a number, or bytes. */
struct request_field {
  uint32_t number;
  uint64_t value;
  struct stoa_bytes bytes; /* data is NULL for a number */
};

/* The next field; start with *at = 0. False at the end, and at bytes that are no field. */
bool request_field_next(struct stoa_bytes message, size_t *at, struct request_field *out_field);

/* A member that is a number, in an option that is a message: a varint, or the bits of a double. */
struct request_member {
  uint32_t number;
  uint64_t value;
};

/* The position of request_option_next(); start with a zeroed one. */
struct request_cursor {
  size_t part;
  size_t at;
};

/* The next member of that option; false after the last. protoc writes the option once for each member that the file
 * sets; a later member replaces an earlier one with its number. */
bool request_option_next(const ProtobufCMessage *options, uint32_t number, struct request_cursor *cursor,
                         struct request_member *out_member);

/* The path extended by one field: field `number`, item `index`. */
struct request_path request_path_to(const struct request_path *parent, int32_t number, size_t index);
/* Where protoc gave no position, that of what it is in, at last the start of the file; without a comment then. */
struct place request_place(const Google__Protobuf__FileDescriptorProto *file, const struct request_path *path);

#endif
