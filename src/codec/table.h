/* codec/table.h: what both codecs read out of the descriptor tables, and the lists that decoding fills.
 *
 * Slots are addresses inside the C struct of a message. Their alignment is the compiler's, since the offsets are.
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

/* Behind the last field. A message without fields may have no table at all, and NULL + 0 is undefined (C11 6.5.6). */
static inline const struct stoa_field *stoa_fields_end(const struct stoa_message_type *type) {
  return type->field_count == 0 ? type->fields : type->fields + type->field_count;
}

/* The bytes of one value in a list: of a scalar by its kind, of a message or map entry by its type. */
size_t stoa_field_item_size(const struct stoa_field *field);
/* Does the field say by itself whether it is set (optional, oneof, singular message)? *out_is_set then tells. */
bool stoa_field_has_presence(const struct stoa_field *field, const void *message, bool *out_is_set);
/* Is a value without presence its type's default: 0, false, empty? Negative zero is not. */
bool stoa_field_is_default(const struct stoa_field *field, const void *slot);
/* Mark an optional field or a oneof's member as set; nothing for other labels. */
void stoa_field_mark(const struct stoa_field *field, void *message);

/* The field of that number, or NULL: by binary search. */
const struct stoa_field *stoa_field_by_number(const struct stoa_message_type *type, uint32_t number);
/* The field of that JSON name or, failing that, proto name; or NULL. */
const struct stoa_field *stoa_field_by_name(const struct stoa_message_type *type, struct stoa_string name);

/* The next free item of a list that only these functions filled, not cleared; NULL when the arena gives nothing.
 * Such a list always has room for the next power of two of its count, so that no capacity need be stored. */
void *stoa_list_push(struct stoa_list *list, size_t item_size, struct stoa_arena *arena);
/* A cleared message behind a message field's pointer: the one that is there, or a new one. NULL when the arena
 * gives nothing. */
void *stoa_message_of_slot(const struct stoa_field *field, void *slot, struct stoa_arena *arena);

static inline void *stoa_list_item(const struct stoa_list *list, size_t index, size_t item_size) {
  return (uint8_t *)(uintptr_t)list->items + index * item_size;
}

#endif
