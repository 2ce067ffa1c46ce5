/* codec/proto_decode.c: Protobuf binary into a message's struct.
 *
 * Functions that read return the byte after what they read, or NULL after setting reader->status and the fault. A known
 * field number with another wire type counts as unknown, as in protobuf's own parsers.
 */
#include "codec/proto.h"

#include <assert.h>

#include "base/utf8.h"
#include "codec/fault.h"
#include "codec/map_field.h"
#include "codec/table.h"
#include "codec/varint.h"
#include "scan.h"

struct reader {
  struct stoa_bytes input; /* the whole input, to recognize pointers into it */
  struct stoa_arena *arena;
  struct stoa_fault fault;
  int status;
  uint32_t depth; /* messages and groups entered */
  bool has_maps;  /* there may be entries with equal keys */
};

static int read_message(struct reader *reader, const struct stoa_message_type *type, void *message, const uint8_t *at,
                        const uint8_t *end);

static const uint8_t *fail(struct reader *reader, int status, const char *reason) {
  assert(status != STOA_OK);
  reader->status = status;
  stoa_fault_set(&reader->fault, "%s", reason);
  return NULL;
}

static const uint8_t *fail_arena(struct reader *reader) {
  reader->status = stoa_fault_arena(&reader->fault, reader->arena);
  return NULL;
}

static void fail_varint(struct reader *reader, const uint8_t *at, const uint8_t *end) {
  bool is_long = end - at >= STOA_VARINT_LEN_MAX;
  (void)fail(reader, STOA_E_SYNTAX, is_long ? "a varint of more than 10 bytes" : "the input ends inside a varint");
}

static bool enter(struct reader *reader) {
  if (reader->depth == STOA_CODEC_DEPTH_MAX) {
    (void)fail(reader, STOA_E_LIMIT, "nested too deeply");
    return false;
  }
  reader->depth++;
  return true;
}

static inline const uint8_t *read_varint(struct reader *reader, const uint8_t *at, const uint8_t *end,
                                         uint64_t *out_value) {
  const uint8_t *next = stoa_varint_read(at, end, out_value);
  if (next == NULL) {
    fail_varint(reader, at, end);
    return NULL;
  }
  return next;
}

/* Read a length. Its bytes are [returned pointer, returned pointer + *out_len). */
static inline const uint8_t *read_len(struct reader *reader, const uint8_t *at, const uint8_t *end, size_t *out_len) {
  uint64_t len;
  at = read_varint(reader, at, end, &len);
  if (at == NULL) {
    return NULL;
  }
  if (len > (uint64_t)(end - at)) {
    return fail(reader, STOA_E_SYNTAX, "a length passes the end of the input");
  }
  *out_len = (size_t)len;
  return at;
}

static const uint8_t *skip_bytes(struct reader *reader, const uint8_t *at, const uint8_t *end, size_t len) {
  if ((size_t)(end - at) < len) {
    return fail(reader, STOA_E_SYNTAX, "the input ends inside a value");
  }
  return at + len;
}

static inline const uint8_t *read_tag(struct reader *reader, const uint8_t *at, const uint8_t *end, uint32_t *out_tag) {
  uint64_t tag;
  at = read_varint(reader, at, end, &tag);
  if (at == NULL) {
    return NULL;
  }
  if (tag > UINT32_MAX || tag < 8) {
    return fail(reader, STOA_E_SYNTAX, "a field number out of range");
  }
  *out_tag = (uint32_t)tag;
  return at;
}

/* One value of an unknown field, except a group. */
static const uint8_t *skip_plain(struct reader *reader, uint32_t wire, const uint8_t *at, const uint8_t *end) {
  uint64_t ignored;
  size_t len;
  switch (wire) {
    case STOA_WIRE_VARINT:
      return read_varint(reader, at, end, &ignored);
    case STOA_WIRE_FIXED64:
      return skip_bytes(reader, at, end, 8);
    case STOA_WIRE_LEN:
      at = read_len(reader, at, end, &len);
      return at == NULL ? NULL : at + len;
    case STOA_WIRE_FIXED32:
      return skip_bytes(reader, at, end, 4);
    case STOA_WIRE_GROUP_END:
      return fail(reader, STOA_E_SYNTAX, "the end of a group without its start");
    default:
      return fail(reader, STOA_E_SYNTAX, "a wire type that does not exist");
  }
}

/* A group's fields up to its end tag. Groups may contain groups, so the numbers of open groups are on a stack, whose
 * size is the remaining depth. */
static const uint8_t *skip_group(struct reader *reader, uint32_t number, const uint8_t *at, const uint8_t *end) {
  uint32_t open[STOA_CODEC_DEPTH_MAX];
  uint32_t room = STOA_CODEC_DEPTH_MAX - reader->depth;
  uint32_t count = 0;
  uint32_t tag = number << 3 | STOA_WIRE_GROUP;
  do {
    uint32_t wire = tag & 7;
    if (wire == STOA_WIRE_GROUP) {
      if (count == room) {
        return fail(reader, STOA_E_LIMIT, "nested too deeply");
      }
      open[count++] = tag >> 3;
    } else if (wire == STOA_WIRE_GROUP_END && open[count - 1] == tag >> 3) {
      count--;
    } else {
      at = skip_plain(reader, wire, at, end);
    }
    if (count > 0 && at != NULL) {
      at = read_tag(reader, at, end, &tag);
    }
  } while (count > 0 && at != NULL);
  return at;
}

static const uint8_t *skip_value(struct reader *reader, uint32_t tag, const uint8_t *at, const uint8_t *end) {
  if ((tag & 7) == STOA_WIRE_GROUP) {
    return skip_group(reader, tag >> 3, at, end);
  }
  return skip_plain(reader, tag & 7, at, end);
}

/* The capacity of an arena copy of unknown fields: the next power of two, so it need not be stored. */
static size_t unknown_room(size_t len) {
  return len <= 64 ? 64 : (size_t)1 << (64 - __builtin_clzll((unsigned long long)len - 1));
}

static bool is_input(const struct reader *reader, const uint8_t *data) {
  return data >= reader->input.data && data < reader->input.data + reader->input.len;
}

/* Append [from, from + len) to the kept fields. Fields that are adjacent in the input are not copied; at the first gap
 * they are copied to the arena, and the copy grows by doubling. */
static bool keep_unknown(struct reader *reader, struct stoa_bytes *kept, const uint8_t *from, size_t len) {
  if (kept->len == 0) {
    *kept = stoa_bytes_make(from, len);
    return true;
  }
  bool is_view = is_input(reader, kept->data);
  if (is_view && kept->data + kept->len == from) {
    kept->len += len;
    return true;
  }
  if (is_view || kept->len + len > unknown_room(kept->len)) {
    uint8_t *copy = stoa_arena_alloc(reader->arena, unknown_room(kept->len + len));
    if (copy == NULL) {
      return false;
    }
    memcpy(copy, kept->data, kept->len);
    kept->data = copy;
  }
  memcpy((uint8_t *)(uintptr_t)kept->data + kept->len, from, len);
  kept->len += len;
  return true;
}

/* `start` is the start of the tag, which is kept too. All arguments are in registers: a struct of them would have to be
 * written for each field. NOLINTNEXTLINE(readability-function-size) */
static const uint8_t *read_unknown(struct reader *reader, const struct stoa_message_type *type, void *message,
                                   uint32_t tag, const uint8_t *start, const uint8_t *at, const uint8_t *end) {
  at = skip_value(reader, tag, at, end);
  if (at == NULL || type->unknown_offset == UINT32_MAX) {
    return at;
  }
  struct stoa_bytes *kept = (struct stoa_bytes *)(void *)((uint8_t *)message + type->unknown_offset);
  return keep_unknown(reader, kept, start, (size_t)(at - start)) ? at : fail_arena(reader);
}

static void store_varint(uint8_t kind, void *slot, uint64_t value) {
  switch (kind) {
    case STOA_KIND_INT64:
    case STOA_KIND_UINT64:
      *(uint64_t *)slot = value;
      break;
    case STOA_KIND_SINT64:
      *(int64_t *)slot = stoa_unzigzag(value);
      break;
    case STOA_KIND_SINT32:
      *(int32_t *)slot = (int32_t)stoa_unzigzag((uint32_t)value);
      break;
    case STOA_KIND_BOOL:
      *(bool *)slot = value != 0;
      break;
    default: /* int32, uint32, enum: the low 32 bits, as in protobuf's own parsers */
      *(uint32_t *)slot = (uint32_t)value;
      break;
  }
}

/* Fixed-width values are encoded in little-endian order. */
static uint64_t load_little(const uint8_t *at, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++) {
    value |= (uint64_t)at[i] << (8 * i);
  }
  return value;
}

static inline const uint8_t *read_string(struct reader *reader, struct stoa_string *out_text, const uint8_t *at,
                                         const uint8_t *end) {
  size_t len;
  at = read_len(reader, at, end, &len);
  if (at == NULL) {
    return NULL;
  }
  if (!stoa_scan_is_ascii(at, len) && !stoa_utf8_valid(at, len)) {
    return fail(reader, STOA_E_UTF8, "a string that is not UTF-8");
  }
  *out_text = stoa_string_make((const char *)at, len);
  return at + len;
}

static const uint8_t *read_bytes(struct reader *reader, struct stoa_bytes *out_bytes, const uint8_t *at,
                                 const uint8_t *end) {
  size_t len;
  at = read_len(reader, at, end, &len);
  if (at == NULL) {
    return NULL;
  }
  *out_bytes = stoa_bytes_make(at, len);
  return at + len;
}

static const uint8_t *read_submessage(struct reader *reader, const struct stoa_message_type *type, void *message,
                                      const uint8_t *at, const uint8_t *end) {
  size_t len;
  at = read_len(reader, at, end, &len);
  if (at == NULL || !enter(reader)) {
    return NULL;
  }
  assert(len <= (size_t)(end - at));
  if (read_message(reader, type, message, at, at + len) != STOA_OK) {
    return NULL;
  }
  reader->depth--;
  return at + len;
}

/* A value whose wire type is right and whose kind is not message. */
static const uint8_t *read_scalar(struct reader *reader, uint8_t kind, void *slot, const uint8_t *at,
                                  const uint8_t *end) {
  uint64_t value;
  switch (stoa_kind_wire(kind)) {
    case STOA_WIRE_VARINT:
      at = read_varint(reader, at, end, &value);
      if (at != NULL) {
        store_varint(kind, slot, value);
      }
      return at;
    case STOA_WIRE_FIXED64:
      if (skip_bytes(reader, at, end, 8) == NULL) {
        return NULL;
      }
      *(uint64_t *)slot = load_little(at, 8);
      return at + 8;
    case STOA_WIRE_FIXED32:
      if (skip_bytes(reader, at, end, 4) == NULL) {
        return NULL;
      }
      *(uint32_t *)slot = (uint32_t)load_little(at, 4);
      return at + 4;
    case STOA_WIRE_LEN:
    case STOA_WIRE_GROUP:
    case STOA_WIRE_GROUP_END:
      break;
  }
  return kind == STOA_KIND_STRING ? read_string(reader, slot, at, end) : read_bytes(reader, slot, at, end);
}

/* A singular message that occurs again is merged into the first. */
static const uint8_t *read_singular_message(struct reader *reader, const struct stoa_field *field, void *slot,
                                            const uint8_t *at, const uint8_t *end) {
  void *message = stoa_message_of_slot(field, slot, reader->arena);
  return message == NULL ? fail_arena(reader) : read_submessage(reader, field->message, message, at, end);
}

/* The union may contain the bytes of another member, which are not a pointer to a message. */
static void clear_other_member(const struct stoa_field *field, void *message, void *slot) {
  bool is_set;
  if (stoa_field_has_presence(field, message, &is_set) && !is_set && field->kind == STOA_KIND_MESSAGE) {
    *(void **)slot = NULL;
  }
}

static const uint8_t *read_singular(struct reader *reader, const struct stoa_field *field, void *message,
                                    const uint8_t *at, const uint8_t *end) {
  void *slot = stoa_slot_mut(message, field);
  if (field->kind == STOA_KIND_MESSAGE) {
    clear_other_member(field, message, slot);
    at = read_singular_message(reader, field, slot, at, end);
  } else {
    at = read_scalar(reader, field->kind, slot, at, end);
  }
  if (at != NULL) {
    stoa_field_mark(field, message);
  }
  return at;
}

/* One item that is not packed: a scalar, a message or a map entry. */
static const uint8_t *read_item(struct reader *reader, const struct stoa_field *field, struct stoa_list *list,
                                const uint8_t *at, const uint8_t *end) {
  size_t size = stoa_field_item_size(field);
  void *item = stoa_list_push(list, size, reader->arena);
  if (item == NULL) {
    return fail_arena(reader);
  }
  if (field->message == NULL) {
    return read_scalar(reader, field->kind, item, at, end);
  }
  memset(item, 0, size);
  return read_submessage(reader, field->message, item, at, end);
}

static const uint8_t *read_packed(struct reader *reader, const struct stoa_field *field, struct stoa_list *list,
                                  const uint8_t *at, const uint8_t *end) {
  size_t len;
  at = read_len(reader, at, end, &len);
  if (at == NULL) {
    return NULL;
  }
  for (const uint8_t *stop = at + len; at != NULL && at < stop;) {
    at = read_item(reader, field, list, at, stop);
  }
  return at;
}

/* If the entry has no value, the value is the empty message, not NULL. */
static bool complete_entry(struct reader *reader, const struct stoa_field *field, struct stoa_list *list) {
  assert(list->count > 0);
  const struct stoa_field *value = stoa_map_field_value(field);
  void *entry = stoa_list_item(list, list->count - 1, field->message->size);
  return value->kind != STOA_KIND_MESSAGE ||
         stoa_message_of_slot(value, stoa_slot_mut(entry, value), reader->arena) != NULL;
}

static const uint8_t *read_list(struct reader *reader, const struct stoa_field *field, void *message, bool is_packed,
                                const uint8_t *at, const uint8_t *end) {
  struct stoa_list *list = stoa_slot_mut(message, field);
  at = is_packed ? read_packed(reader, field, list, at, end) : read_item(reader, field, list, at, end);
  if (at == NULL) {
    stoa_fault_index(&reader->fault, list->count == 0 ? 0 : list->count - 1);
    return NULL;
  }
  if (field->label == STOA_LABEL_MAP) {
    reader->has_maps = true;
    return complete_entry(reader, field, list) ? at : fail_arena(reader);
  }
  return at;
}

static bool can_be_packed(uint8_t kind) {
  return kind != STOA_KIND_STRING && kind != STOA_KIND_BYTES && kind != STOA_KIND_MESSAGE;
}

/* Is this wire type valid for the field? Lists of scalars may be packed or not, whatever the .proto file says. */
static bool is_carried(const struct stoa_field *field, uint32_t wire, bool *out_is_packed) {
  *out_is_packed = false;
  if (field->label == STOA_LABEL_MAP) {
    return wire == STOA_WIRE_LEN;
  }
  if (field->label == STOA_LABEL_REPEATED && wire == STOA_WIRE_LEN && can_be_packed(field->kind)) {
    *out_is_packed = true;
    return true;
  }
  return wire == stoa_kind_wire(field->kind);
}

/* Any field but a plain string. `start` is the start of the tag. Not inlined into the loop that calls it, which would
 * have fewer registers and a larger stack: that costs a third of a short message's time.
 * NOLINTNEXTLINE(readability-function-size) */
__attribute__((noinline)) static const uint8_t *read_other(struct reader *reader, const struct stoa_message_type *type,
                                                           void *message, const struct stoa_field *field, uint32_t tag,
                                                           const uint8_t *start, const uint8_t *at,
                                                           const uint8_t *end) {
  bool is_packed;
  if (field == NULL || !is_carried(field, tag & 7, &is_packed)) {
    return read_unknown(reader, type, message, tag, start, at, end);
  }
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return read_list(reader, field, message, is_packed, at, end);
  }
  return read_singular(reader, field, message, at, end);
}

/* Fields mostly come in the order of the table: try the one after the last before searching. */
static inline const struct stoa_field *find(const struct stoa_message_type *type, const struct stoa_field *expected,
                                            uint32_t number) {
  if (expected < stoa_fields_end(type) && expected->number == number) {
    return expected;
  }
  return stoa_field_by_number(type, number);
}

/* Most fields are strings, so this is checked first. */
static inline bool is_plain_text(const struct stoa_field *field, uint32_t tag) {
  return field != NULL && field->kind == STOA_KIND_STRING && field->label == STOA_LABEL_SINGULAR &&
         (tag & 7) == STOA_WIRE_LEN;
}

static int read_message(struct reader *reader, const struct stoa_message_type *type, void *message, const uint8_t *at,
                        const uint8_t *end) {
  const struct stoa_field *expected = type->fields;
  while (at < end) {
    const uint8_t *start = at;
    uint32_t tag;
    at = read_tag(reader, at, end, &tag);
    if (at == NULL) {
      return reader->status;
    }
    const struct stoa_field *field = find(type, expected, tag >> 3);
    at = is_plain_text(field, tag) ? read_string(reader, stoa_slot_mut(message, field), at, end)
                                   : read_other(reader, type, message, field, tag, start, at, end);
    if (at == NULL) {
      if (field != NULL) {
        stoa_fault_name(&reader->fault, field->name);
      }
      return reader->status;
    }
    expected = field != NULL ? field + 1 : expected;
  }
  return STOA_OK;
}

int stoa_proto_decode(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                      void *out_message, struct stoa_codec_error *out_error) {
  struct reader reader = {.input = input, .arena = arena, .depth = 1};
  stoa_fault_init(&reader.fault, out_error);
  const uint8_t *end = input.len == 0 ? input.data : input.data + input.len;
  int status = read_message(&reader, type, out_message, input.data, end);
  assert(status != STOA_OK || reader.depth == 1);
  if (status == STOA_OK && reader.has_maps && !stoa_map_field_deduplicate_all(type, out_message, arena)) {
    (void)fail_arena(&reader);
    return reader.status;
  }
  return status;
}
