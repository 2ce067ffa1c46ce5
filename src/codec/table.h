/* codec/table.h: access to the descriptor tables for both codecs, and to the lists that decoding fills.
 *
 * Slots are addresses inside the C struct of a message. They are aligned, because the compiler computed the offsets.
 */
#ifndef STOA_CODEC_TABLE_H
#define STOA_CODEC_TABLE_H

#include <stoa/arena.h>
#include <stoa/descriptor.h>

static inline const void *stoa_slot(const void *message, const struct stoa_field *field) {
  return (const uint8_t *)message + field->offset;
}

static inline void *stoa_slot_mut(void *message, const struct stoa_field *field) {
  return (uint8_t *)message + field->offset;
}

static inline const void *stoa_slot_presence(const void *message, const struct stoa_field *field) {
  return (const uint8_t *)message + field->presence;
}

/* After the last field. A message without fields may have no table at all, and NULL + 0 is undefined (C11 6.5.6). */
static inline const struct stoa_field *stoa_fields_end(const struct stoa_message_type *type) {
  return type->field_count == 0 ? type->fields : type->fields + type->field_count;
}

/* The bytes of one value in a list: by kind for a scalar, by type for a message or map entry. */
size_t stoa_field_item_size(const struct stoa_field *field);
/* Does the field have presence (optional, oneof, singular message)? Then *out_is_set is whether it is set. */
bool stoa_field_has_presence(const struct stoa_field *field, const void *message, bool *out_is_set);
/* Is a value without presence its type's default: 0, false, empty? Negative zero is not. */
bool stoa_field_is_default(const struct stoa_field *field, const void *slot);
/* Mark an optional field or a oneof's member as set; does nothing for other labels. */
void stoa_field_mark(const struct stoa_field *field, void *message);

/* The field of that number, or NULL: by binary search. */
const struct stoa_field *stoa_field_by_number(const struct stoa_message_type *type, uint32_t number);
/* The field with that JSON name; else the one with that proto name; else NULL. */
const struct stoa_field *stoa_field_by_name(const struct stoa_message_type *type, struct stoa_string name);

/* The next free item of a list that only this function has filled, not cleared; NULL when the arena returns NULL. Such
 * a list always has room for the next power of two of its count, so no capacity need be stored. */
void *stoa_list_push(struct stoa_list *list, size_t item_size, struct stoa_arena *arena);
/* The message of a message field: the existing one, or a new one that is zeroed. NULL when the arena returns NULL. */
void *stoa_message_of_slot(const struct stoa_field *field, void *slot, struct stoa_arena *arena);

static inline void *stoa_list_item(const struct stoa_list *list, size_t index, size_t item_size) {
  return (uint8_t *)(uintptr_t)list->items + index * item_size;
}

#endif
