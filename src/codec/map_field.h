/* codec/map_field.h: map fields hold a list of entries; this makes their keys unique.
 *
 * The entries are compared by sorting an index of them: the cost of many keys from a peer, equal or not, is at most
 * n log n.
 */
#ifndef STOA_CODEC_MAP_FIELD_H
#define STOA_CODEC_MAP_FIELD_H

#include <stoa/arena.h>
#include <stoa/descriptor.h>

/* The entry type's fields: protoc numbers the key 1 and the value 2. */
static inline const struct stoa_field *stoa_map_field_key(const struct stoa_field *map) {
  return &map->message->fields[0];
}

static inline const struct stoa_field *stoa_map_field_value(const struct stoa_field *map) {
  return &map->message->fields[1];
}

/* Of entries with equal keys only the last is kept; the order is kept. False when the arena returns NULL (its status
 * says why), or when there are more than 2^28 entries. */
bool stoa_map_field_deduplicate(const struct stoa_field *map, struct stoa_list *entries, struct stoa_arena *arena);
/* The same for every map in the message and below it. The recursion is as deep as the message, whose depth decoding has
 * limited. */
bool stoa_map_field_deduplicate_all(const struct stoa_message_type *type, void *message, struct stoa_arena *arena);

#endif
