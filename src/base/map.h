/* base/map.h: a hash map from keys that the caller chooses to pointers; open addressing, 8 bytes a slot.
 *
 * The map stores only the caller's object pointers; the key is part of the object and is read through `key_of`. Hashing
 * is SipHash-1-3 with a random seed, so that a peer cannot choose collisions.
 * Thread: one at a time. Lifetime: objects are borrowed until removed.
 */
#ifndef STOA_BASE_MAP_H
#define STOA_BASE_MAP_H

#include <stoa/bytes.h>
#include <stoa/status.h>

struct stoa_map {
  void **slots;
  size_t capacity; /* a power of two, or 0 */
  size_t count;
  uint64_t seed[2];
  struct stoa_bytes (*key_of)(const void *object);
};

/* No allocation happens before the first insert. Errors: STOA_E_SYSTEM  no random seed. */
int stoa_map_init(struct stoa_map *map, struct stoa_bytes (*key_of)(const void *object));
/* Frees the table, never the objects. */
void stoa_map_fini(struct stoa_map *map);
/* The object with this key, or NULL. */
void *stoa_map_find(const struct stoa_map *map, struct stoa_bytes key);
/* Errors: STOA_E_EXISTS  the map has an object with that key; STOA_E_MEMORY. The map is unchanged after both. */
int stoa_map_insert(struct stoa_map *map, void *object);
/* Removes the object with this key and returns it, or NULL. The table shrinks when it is mostly empty. */
void *stoa_map_remove(struct stoa_map *map, struct stoa_bytes key);
/* Walk: start with *cursor = 0; NULL at the end. The map must not change while it is walked. */
void *stoa_map_next(const struct stoa_map *map, size_t *cursor);

#endif
