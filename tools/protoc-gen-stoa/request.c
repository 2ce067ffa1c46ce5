#include "request.h"

#include <string.h>

#include "pool.h"

static void *allocate(void *data, size_t size) {
  (void)data;
  return pool_array(size, 1);
}

static void keep(void *data, void *pointer) {
  (void)data;
  (void)pointer;
}

static ProtobufCAllocator pooled = {.alloc = allocate, .free = keep, .allocator_data = NULL};

Google__Protobuf__Compiler__CodeGeneratorRequest *request_parse(const uint8_t *bytes, size_t len) {
  return google__protobuf__compiler__code_generator_request__unpack(&pooled, len, bytes);
}

/* The varint at the start of `data`; returns how many bytes it took, 0 when it is not whole. */
static size_t read_varint(const uint8_t *data, size_t len, uint64_t *out_value) {
  uint64_t value = 0;
  for (size_t i = 0; i < len && i < 10; i++) {
    value |= (uint64_t)(data[i] & 0x7f) << (7 * i);
    if ((data[i] & 0x80) == 0) {
      *out_value = value;
      return i + 1;
    }
  }
  return 0;
}

/* The last one wins, as everywhere in Protobuf. */
static const ProtobufCMessageUnknownField *find_option(const ProtobufCMessage *options, ProtobufCWireType wire_type) {
  const ProtobufCMessageUnknownField *found = NULL;
  for (size_t i = 0; options != NULL && i < options->n_unknown_fields; i++) {
    const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
    if (field->tag == REQUEST_OPTION_NUMBER && field->wire_type == wire_type) {
      found = field;
    }
  }
  return found;
}

bool request_option_number(const ProtobufCMessage *options, uint32_t *out_number) {
  const ProtobufCMessageUnknownField *field = find_option(options, PROTOBUF_C_WIRE_TYPE_VARINT);
  uint64_t value;
  if (field == NULL || read_varint(field->data, field->len, &value) == 0) {
    return false;
  }
  *out_number = (uint32_t)value;
  return true;
}

bool request_option_text(const ProtobufCMessage *options, const char **out_text) {
  const ProtobufCMessageUnknownField *field = find_option(options, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
  if (field == NULL) {
    return false;
  }
  /* protobuf-c leaves the length before the bytes. */
  uint64_t len;
  size_t head = read_varint(field->data, field->len, &len);
  if (head == 0 || len != field->len - head) {
    return false;
  }
  *out_text = pool_copy((const char *)field->data + head, (size_t)len);
  return true;
}

struct request_path request_path_to(const struct request_path *parent, int32_t number, size_t index) {
  struct request_path path = *parent;
  if (path.count + 2 > REQUEST_PATH_MAX) {
    pool_die("messages are nested too deep"); /* protoc stops sooner, at 31 levels */
  }
  path.steps[path.count++] = number;
  path.steps[path.count++] = (int32_t)index;
  return path;
}

static const char *comment_of(const Google__Protobuf__SourceCodeInfo__Location *location) {
  return location->leading_comments != NULL ? location->leading_comments : location->trailing_comments;
}

struct place request_place(const Google__Protobuf__FileDescriptorProto *file, const struct request_path *path) {
  struct place place = {.file = file->name};
  const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
  for (size_t i = 0; info != NULL && i < info->n_location; i++) {
    const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
    bool is_it = location->n_path == path->count && location->n_span >= 3 &&
                 memcmp(location->path, path->steps, path->count * sizeof path->steps[0]) == 0;
    if (is_it) {
      /* A span counts from 0, people and protoc count from 1. */
      place.line = location->span[0] + 1;
      place.column = location->span[1] + 1;
      place.comment = comment_of(location);
      break;
    }
  }
  return place;
}
