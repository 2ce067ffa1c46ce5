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

/* The varint at the start of `data`; returns its length in bytes, 0 when it is incomplete. */
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
static const ProtobufCMessageUnknownField *find_option(const ProtobufCMessage *options, uint32_t number,
                                                       ProtobufCWireType wire_type) {
  const ProtobufCMessageUnknownField *found = NULL;
  for (size_t i = 0; i < options->n_unknown_fields; i++) {
    const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
    if (field->tag == number && field->wire_type == wire_type) {
      found = field;
    }
  }
  return found;
}

bool request_option_number(const ProtobufCMessage *options, uint32_t number, uint32_t *out_number) {
  const ProtobufCMessageUnknownField *field = find_option(options, number, PROTOBUF_C_WIRE_TYPE_VARINT);
  uint64_t value;
  if (field == NULL || read_varint(field->data, field->len, &value) == 0) {
    return false;
  }
  *out_number = (uint32_t)value;
  return true;
}

/* In protobuf-c the length is still in front of the bytes. */
static bool read_content(const ProtobufCMessageUnknownField *field, const uint8_t **out_data, size_t *out_len) {
  uint64_t len;
  size_t head = read_varint(field->data, field->len, &len);
  if (head == 0 || len != field->len - head) {
    return false;
  }
  *out_data = field->data + head;
  *out_len = (size_t)len;
  return true;
}

bool request_option_text(const ProtobufCMessage *options, uint32_t number, const char **out_text) {
  const ProtobufCMessageUnknownField *field = find_option(options, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
  const uint8_t *data;
  size_t len;
  if (field == NULL || !read_content(field, &data, &len)) {
    return false;
  }
  *out_text = pool_copy((const char *)data, len);
  return true;
}

/* Little-endian on every machine. */
static size_t read_fixed64(const uint8_t *data, size_t len, uint64_t *out_value) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8 && len >= 8; i++) {
    value |= (uint64_t)data[i] << (8 * i);
  }
  *out_value = value;
  return len < 8 ? 0 : 8;
}

/* Returns the length of the member in bytes, 0 when it is not a number. */
static size_t read_member(const uint8_t *data, size_t len, struct request_member *out_member) {
  uint64_t tag;
  size_t head = read_varint(data, len, &tag);
  if (head == 0 || tag > UINT32_MAX) {
    return 0;
  }
  size_t size = 0;
  if ((tag & 7) == PROTOBUF_C_WIRE_TYPE_VARINT) {
    size = read_varint(data + head, len - head, &out_member->value);
  } else if ((tag & 7) == PROTOBUF_C_WIRE_TYPE_64BIT) {
    size = read_fixed64(data + head, len - head, &out_member->value);
  }
  out_member->number = (uint32_t)tag >> 3;
  return size == 0 ? 0 : head + size;
}

bool request_option_next(const ProtobufCMessage *options, uint32_t number, struct request_cursor *cursor,
                         struct request_member *out_member) {
  for (; cursor->part < options->n_unknown_fields; cursor->part++, cursor->at = 0) {
    const ProtobufCMessageUnknownField *field = &options->unknown_fields[cursor->part];
    const uint8_t *data;
    size_t len;
    bool is_part = field->tag == number && field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    if (!is_part || !read_content(field, &data, &len)) {
      continue;
    }
    size_t size = read_member(data + cursor->at, len - cursor->at, out_member);
    if (size > 0) {
      cursor->at += size;
      return true;
    }
  }
  return false;
}

bool request_option_message(const ProtobufCMessage *options, uint32_t number, struct stoa_bytes *out_message) {
  struct text joined = {0};
  bool is_set = false;
  for (size_t i = 0; i < options->n_unknown_fields; i++) {
    const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
    const uint8_t *data;
    size_t len;
    bool is_part = field->tag == number && field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    if (is_part && read_content(field, &data, &len)) {
      text_add_bytes(&joined, (const char *)data, len);
      is_set = true;
    }
  }
  if (is_set) {
    *out_message = stoa_bytes_make(joined.data, joined.len);
  }
  return is_set;
}

/* Returns the length of the content, 0 when it is cut short or of a group. */
static size_t read_field_content(const uint8_t *data, size_t len, unsigned wire_type, struct request_field *out_field) {
  switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
      return read_varint(data, len, &out_field->value);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
      return read_fixed64(data, len, &out_field->value);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
      return len < 4 ? 0 : 4;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
      break;
    default:
      return 0;
  }
  uint64_t content;
  size_t head = read_varint(data, len, &content);
  if (head == 0 || content > len - head) {
    return 0;
  }
  out_field->bytes = stoa_bytes_make(data + head, (size_t)content);
  return head + (size_t)content;
}

bool request_field_next(struct stoa_bytes message, size_t *at, struct request_field *out_field) {
  uint64_t tag;
  size_t len = message.len - *at;
  size_t head = len == 0 ? 0 : read_varint(message.data + *at, len, &tag);
  if (head == 0 || tag > UINT32_MAX) {
    return false;
  }
  *out_field = (struct request_field){.number = (uint32_t)tag >> 3};
  size_t size = read_field_content(message.data + *at + head, len - head, (unsigned)tag & 7, out_field);
  *at += head + size;
  return size > 0;
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

/* The location of exactly that path, or NULL. */
static const Google__Protobuf__SourceCodeInfo__Location *find_location(
    const Google__Protobuf__FileDescriptorProto *file, const struct request_path *path) {
  const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
  for (size_t i = 0; info != NULL && i < info->n_location; i++) {
    const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
    bool is_it = location->n_path == path->count && location->n_span >= 3 && location->span[0] >= 0 &&
                 location->span[0] < INT32_MAX && location->span[1] >= 0 && location->span[1] < INT32_MAX &&
                 memcmp(location->path, path->steps, path->count * sizeof path->steps[0]) == 0;
    if (is_it) {
      return location;
    }
  }
  return NULL;
}

struct place request_place(const Google__Protobuf__FileDescriptorProto *file, const struct request_path *path) {
  struct place place = {.file = file->name, .line = 1, .column = 1};
  const Google__Protobuf__SourceCodeInfo__Location *location = find_location(file, path);
  if (location != NULL) {
    place.comment = comment_of(location);
  }
  /* What protoc gave no position has that of what it is in; the position of the file is its start. */
  for (struct request_path outer = *path; location == NULL && outer.count > 1;) {
    outer.count--;
    location = find_location(file, &outer);
  }
  if (location != NULL) {
    /* A span counts from 0; messages of protoc count from 1. */
    place.line = location->span[0] + 1;
    place.column = location->span[1] + 1;
  }
  return place;
}
