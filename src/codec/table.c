/* codec/table.c: reading descriptor tables. */
#include "codec/table.h"

#include <assert.h>

#include "codec/scan/bytes.h"

#define LIST_ROOM_FIRST 4

size_t stoa_field_item_size(const struct stoa_field *field) {
  static const uint8_t sizes[] = {
      [STOA_KIND_DOUBLE] = 8,   [STOA_KIND_FLOAT] = 4,    [STOA_KIND_INT64] = 8,
      [STOA_KIND_UINT64] = 8,   [STOA_KIND_INT32] = 4,    [STOA_KIND_FIXED64] = 8,
      [STOA_KIND_FIXED32] = 4,  [STOA_KIND_BOOL] = 1,     [STOA_KIND_STRING] = sizeof(struct stoa_string),
      [STOA_KIND_UINT32] = 4,   [STOA_KIND_ENUM] = 4,     [STOA_KIND_BYTES] = sizeof(struct stoa_bytes),
      [STOA_KIND_SFIXED32] = 4, [STOA_KIND_SFIXED64] = 8, [STOA_KIND_SINT32] = 4,
      [STOA_KIND_SINT64] = 8,
  };
  return field->message != NULL ? field->message->size : sizes[field->kind];
}

static int32_t oneof_case(const struct stoa_field *field, const void *message) {
  return *(const int32_t *)stoa_slot_presence(message, field);
}

bool stoa_field_has_presence(const struct stoa_field *field, const void *message, bool *out_is_set) {
  if (field->label == STOA_LABEL_OPTIONAL) {
    *out_is_set = *(const bool *)stoa_slot_presence(message, field);
    return true;
  }
  if (field->label == STOA_LABEL_ONEOF) {
    *out_is_set = oneof_case(field, message) == (int32_t)field->number;
    return true;
  }
  if (field->kind == STOA_KIND_MESSAGE && field->label == STOA_LABEL_SINGULAR) {
    *out_is_set = *(const void *const *)stoa_slot(message, field) != NULL;
    return true;
  }
  return false;
}

bool stoa_field_is_default(const struct stoa_field *field, const void *slot) {
  switch ((enum stoa_field_kind)field->kind) {
    case STOA_KIND_DOUBLE:
    case STOA_KIND_INT64:
    case STOA_KIND_UINT64:
    case STOA_KIND_FIXED64:
    case STOA_KIND_SFIXED64:
    case STOA_KIND_SINT64:
      return *(const uint64_t *)slot == 0;
    case STOA_KIND_FLOAT:
    case STOA_KIND_INT32:
    case STOA_KIND_UINT32:
    case STOA_KIND_FIXED32:
    case STOA_KIND_SFIXED32:
    case STOA_KIND_SINT32:
    case STOA_KIND_ENUM:
      return *(const uint32_t *)slot == 0;
    case STOA_KIND_BOOL:
      return !*(const bool *)slot;
    case STOA_KIND_STRING:
    case STOA_KIND_BYTES:
      return ((const struct stoa_bytes *)slot)->len == 0;
    case STOA_KIND_MESSAGE:
      return *(const void *const *)slot == NULL;
  }
  return true;
}

void stoa_field_mark(const struct stoa_field *field, void *message) {
  void *presence = (uint8_t *)message + field->presence;
  if (field->label == STOA_LABEL_OPTIONAL) {
    *(bool *)presence = true;
  } else if (field->label == STOA_LABEL_ONEOF) {
    *(int32_t *)presence = (int32_t)field->number;
  }
}

const struct stoa_field *stoa_field_by_number(const struct stoa_message_type *type, uint32_t number) {
  uint32_t low = 0;
  uint32_t high = type->field_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (type->fields[middle].number < number) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  bool is_found = low < type->field_count && type->fields[low].number == number;
  return is_found ? &type->fields[low] : NULL;
}

const struct stoa_field *stoa_field_by_name(const struct stoa_message_type *type, struct stoa_string name) {
  const uint8_t *data = (const uint8_t *)name.data;
  const struct stoa_field *by_proto_name = NULL;
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (field->json_name_len == name.len && stoa_scan_same(data, field->json_name, name.len)) {
      return field;
    }
    if (field->name_len == name.len && stoa_scan_same(data, field->name, name.len)) {
      by_proto_name = field;
    }
  }
  return by_proto_name;
}

static bool is_full(size_t count) {
  return count == 0 || (count >= LIST_ROOM_FIRST && (count & (count - 1)) == 0);
}

static bool grow(struct stoa_list *list, size_t item_size, struct stoa_arena *arena) {
  size_t room = list->count == 0 ? LIST_ROOM_FIRST : list->count * 2;
  /* stoa_list_item() is not used: an offset from NULL, even of 0, is undefined (C11 6.5.6). */
  void *last = (void *)(uintptr_t)list->items;
  void *items = last == NULL ? stoa_arena_alloc(arena, room * item_size)
                             : stoa_arena_grow(arena, last, list->count * item_size, room * item_size);
  if (items == NULL) {
    return false;
  }
  list->items = items;
  return true;
}

void *stoa_list_push(struct stoa_list *list, size_t item_size, struct stoa_arena *arena) {
  if (is_full(list->count) && !grow(list, item_size, arena)) {
    return NULL;
  }
  assert(list->items != NULL);
  return stoa_list_item(list, list->count++, item_size);
}

void *stoa_message_of_slot(const struct stoa_field *field, void *slot, struct stoa_arena *arena) {
  void **message = slot;
  if (*message == NULL) {
    *message = stoa_arena_calloc(arena, field->message->size);
  }
  return *message;
}
