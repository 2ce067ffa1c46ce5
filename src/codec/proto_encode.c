/* codec/proto_encode.c: a message's struct as Protobuf binary.
 *
 * One pass: a nested message is written after one byte for its length, and moved when the length needs more bytes.
 * Exactly the needed bytes are reserved, so a message that fits the buffer's cap is never refused.
 */
#include "codec/proto.h"

#include <assert.h>

#include "base/utf8.h"
#include "codec/map_field.h"
#include "codec/table.h"
#include "codec/varint.h"
#include "scan.h"

struct writer {
  struct stoa_buffer *out;
  uint32_t depth;
};

static int write_message(struct writer *writer, const struct stoa_message_type *type, const void *message);

static inline uint8_t *tail(const struct writer *writer) {
  return writer->out->data + writer->out->len;
}

static inline void advance(struct writer *writer, const uint8_t *end) {
  writer->out->len = (size_t)(end - writer->out->data);
}

static inline uint32_t tag_of(const struct stoa_field *field, enum stoa_wire wire) {
  return field->number << 3 | (uint32_t)wire;
}

/* Tag 0 means no tag: values inside a packed list have none. */
static inline size_t tag_size(uint32_t tag) {
  return tag == 0 ? 0 : stoa_varint_size(tag);
}

static inline uint8_t *put_tag(uint8_t *at, uint32_t tag) {
  return tag == 0 ? at : stoa_varint_write(at, tag);
}

static inline int write_bytes(struct writer *writer, uint32_t tag, struct stoa_bytes bytes) {
  size_t need = stoa_varint_size(tag) + stoa_varint_size(bytes.len) + bytes.len;
  int status = stoa_buffer_reserve(writer->out, need);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = stoa_varint_write(stoa_varint_write(tail(writer), tag), bytes.len);
  stoa_scan_copy(at, bytes.data, bytes.len);
  advance(writer, at + bytes.len);
  return STOA_OK;
}

/* A string must be UTF-8, otherwise the receiver would refuse the whole message. */
static inline int write_string(struct writer *writer, uint32_t tag, const struct stoa_string *text) {
  size_t need = stoa_varint_size(tag) + stoa_varint_size(text->len) + text->len;
  int status = stoa_buffer_reserve(writer->out, need);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = stoa_varint_write(stoa_varint_write(tail(writer), tag), text->len);
  const uint8_t *data = (const uint8_t *)text->data;
  if (!stoa_scan_copy_ascii(at, data, text->len) && !stoa_utf8_valid(data, text->len)) {
    return STOA_E_UTF8;
  }
  advance(writer, at + text->len);
  return STOA_OK;
}

static int write_varint(struct writer *writer, uint32_t tag, uint64_t value) {
  int status = stoa_buffer_reserve(writer->out, tag_size(tag) + stoa_varint_size(value));
  if (status == STOA_OK) {
    advance(writer, stoa_varint_write(put_tag(tail(writer), tag), value));
  }
  return status;
}

static int write_fixed(struct writer *writer, uint32_t tag, uint64_t value, unsigned bytes) {
  int status = stoa_buffer_reserve(writer->out, tag_size(tag) + bytes);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *at = put_tag(tail(writer), tag);
  for (unsigned i = 0; i < bytes; i++) {
    *at++ = (uint8_t)(value >> (8 * i));
  }
  advance(writer, at);
  return STOA_OK;
}

static int32_t load_int32(const void *slot) {
  return *(const int32_t *)slot;
}

static uint64_t load_varint(uint8_t kind, const void *slot) {
  switch (kind) {
    case STOA_KIND_INT64:
    case STOA_KIND_UINT64:
      return *(const uint64_t *)slot;
    case STOA_KIND_SINT64:
      return stoa_zigzag(*(const int64_t *)slot);
    case STOA_KIND_SINT32:
      return stoa_zigzag(*(const int32_t *)slot);
    case STOA_KIND_BOOL:
      return *(const bool *)slot;
    case STOA_KIND_UINT32:
      return *(const uint32_t *)slot;
    default: /* int32 and enum: negative values take ten bytes, so that int64 can read them */
      return (uint64_t)(int64_t)load_int32(slot);
  }
}

/* Reserve a byte for a length; end_len() writes it. */
static int begin_len(struct writer *writer, uint32_t tag, size_t *out_start) {
  int status = stoa_buffer_reserve(writer->out, stoa_varint_size(tag) + 1);
  if (status != STOA_OK) {
    return status;
  }
  advance(writer, stoa_varint_write(tail(writer), tag) + 1);
  *out_start = writer->out->len;
  return STOA_OK;
}

static int end_len(struct writer *writer, size_t start) {
  struct stoa_buffer *out = writer->out;
  assert(start > 0);
  assert(start <= out->len);
  size_t len = out->len - start;
  size_t more = stoa_varint_size(len) - 1;
  int status = stoa_buffer_reserve(out, more);
  if (status != STOA_OK) {
    return status;
  }
  if (more > 0) {
    memmove(out->data + start + more, out->data + start, len);
    out->len += more;
  }
  (void)stoa_varint_write(out->data + start - 1, len);
  return STOA_OK;
}

static int write_submessage(struct writer *writer, uint32_t tag, const struct stoa_message_type *type,
                            const void *message) {
  if (writer->depth == STOA_CODEC_DEPTH_MAX) {
    return STOA_E_LIMIT;
  }
  size_t start;
  int status = begin_len(writer, tag, &start);
  if (status != STOA_OK) {
    return status;
  }
  writer->depth++;
  status = write_message(writer, type, message);
  writer->depth--;
  return status == STOA_OK ? end_len(writer, start) : status;
}

/* A number, with its tag or, with tag 0, as part of a packed list. */
static int write_number(struct writer *writer, uint32_t tag, uint8_t kind, const void *slot) {
  switch (stoa_kind_wire(kind)) {
    case STOA_WIRE_FIXED64:
      return write_fixed(writer, tag, *(const uint64_t *)slot, 8);
    case STOA_WIRE_FIXED32:
      return write_fixed(writer, tag, *(const uint32_t *)slot, 4);
    case STOA_WIRE_VARINT:
    case STOA_WIRE_LEN:
    case STOA_WIRE_GROUP:
    case STOA_WIRE_GROUP_END:
      break;
  }
  return write_varint(writer, tag, load_varint(kind, slot));
}

/* One value in its slot; a message's slot holds a pointer, and NULL (in a map entry only) is the empty message. */
static int write_value(struct writer *writer, const struct stoa_field *field, const void *slot) {
  uint32_t tag = tag_of(field, stoa_kind_wire(field->kind));
  switch (field->kind) {
    case STOA_KIND_STRING:
      return write_string(writer, tag, slot);
    case STOA_KIND_BYTES:
      return write_bytes(writer, tag, *(const struct stoa_bytes *)slot);
    case STOA_KIND_MESSAGE: {
      const void *message = *(const void *const *)slot;
      return message == NULL ? write_bytes(writer, tag, (struct stoa_bytes){0})
                             : write_submessage(writer, tag, field->message, message);
    }
    default:
      return write_number(writer, tag, field->kind, slot);
  }
}

static int write_packed(struct writer *writer, const struct stoa_field *field, const struct stoa_list *list) {
  size_t size = stoa_field_item_size(field);
  size_t start;
  int status = begin_len(writer, tag_of(field, STOA_WIRE_LEN), &start);
  for (size_t i = 0; i < list->count && status == STOA_OK; i++) {
    status = write_number(writer, 0, field->kind, stoa_list_item(list, i, size));
  }
  return status == STOA_OK ? end_len(writer, start) : status;
}

static int write_entry_fields(struct writer *writer, const struct stoa_field *map, const void *entry) {
  const struct stoa_field *key = stoa_map_field_key(map);
  const struct stoa_field *value = stoa_map_field_value(map);
  int status = write_value(writer, key, stoa_slot(entry, key));
  return status == STOA_OK ? write_value(writer, value, stoa_slot(entry, value)) : status;
}

/* Unlike other messages an entry always has its key and value, even when they are defaults. */
static int write_entry(struct writer *writer, const struct stoa_field *map, const void *entry) {
  assert(map->label == STOA_LABEL_MAP);
  if (writer->depth == STOA_CODEC_DEPTH_MAX) {
    return STOA_E_LIMIT;
  }
  size_t start;
  int status = begin_len(writer, tag_of(map, STOA_WIRE_LEN), &start);
  if (status != STOA_OK) {
    return status;
  }
  writer->depth++;
  status = write_entry_fields(writer, map, entry);
  writer->depth--;
  return status == STOA_OK ? end_len(writer, start) : status;
}

static int write_item(struct writer *writer, const struct stoa_field *field, const void *item) {
  if (field->label == STOA_LABEL_MAP) {
    return write_entry(writer, field, item);
  }
  if (field->kind == STOA_KIND_MESSAGE) {
    return write_submessage(writer, tag_of(field, STOA_WIRE_LEN), field->message, item);
  }
  return write_value(writer, field, item);
}

static int write_list(struct writer *writer, const struct stoa_field *field, const struct stoa_list *list) {
  if (list->count == 0) {
    return STOA_OK;
  }
  if (field->packed) {
    return write_packed(writer, field, list);
  }
  size_t size = stoa_field_item_size(field);
  int status = STOA_OK;
  for (size_t i = 0; i < list->count && status == STOA_OK; i++) {
    status = write_item(writer, field, stoa_list_item(list, i, size));
  }
  return status;
}

/* Kept out of the loop over fields for the reason given at read_other() in proto_decode.c. */
__attribute__((noinline)) static int write_field(struct writer *writer, const struct stoa_field *field,
                                                 const void *message) {
  const void *slot = stoa_slot(message, field);
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return write_list(writer, field, slot);
  }
  bool is_set;
  if (!stoa_field_has_presence(field, message, &is_set)) {
    is_set = !stoa_field_is_default(field, slot);
  }
  return is_set ? write_value(writer, field, slot) : STOA_OK;
}

static int write_unknown(struct writer *writer, const struct stoa_message_type *type, const void *message) {
  if (type->unknown_offset == UINT32_MAX) {
    return STOA_OK;
  }
  const void *slot = (const uint8_t *)message + type->unknown_offset;
  const struct stoa_bytes *kept = slot;
  return stoa_buffer_append(writer->out, kept->data, kept->len);
}

static inline int write_plain_text(struct writer *writer, const struct stoa_field *field,
                                   const struct stoa_string *text) {
  return text->len == 0 ? STOA_OK : write_string(writer, tag_of(field, STOA_WIRE_LEN), text);
}

static int write_message(struct writer *writer, const struct stoa_message_type *type, const void *message) {
  const struct stoa_field *end = stoa_fields_end(type);
  for (const struct stoa_field *field = type->fields; field < end; field++) {
    bool is_plain_text = field->kind == STOA_KIND_STRING && field->label == STOA_LABEL_SINGULAR;
    int status = is_plain_text ? write_plain_text(writer, field, stoa_slot(message, field))
                               : write_field(writer, field, message);
    if (status != STOA_OK) {
      return status;
    }
  }
  return write_unknown(writer, type, message);
}

int stoa_proto_encode(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  struct writer writer = {.out = out, .depth = 1};
  size_t len_before = out->len;
  int status = write_message(&writer, type, message);
  assert(writer.depth == 1);
  assert(out->len >= len_before);
  if (status != STOA_OK) {
    out->len = len_before;
  }
  return status;
}
