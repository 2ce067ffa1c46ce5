/* base/map.c: linear probing, and removal that leaves no tombstones. */
#include "base/map.h"

#include <assert.h>

#include "base/memory.h"
#include "base/siphash.h"
#include "base/sys.h"

#define CAPACITY_MIN 8u

int stoa_map_init(struct stoa_map *map, struct stoa_bytes (*key_of)(const void *object)) {
  struct stoa_map made = {.key_of = key_of};
  int status = stoa_random_pooled(made.seed, sizeof made.seed);
  if (status == STOA_OK) {
    *map = made;
  }
  return status;
}

void stoa_map_fini(struct stoa_map *map) {
  if (map != NULL) {
    stoa_free(map->slots);
    map->slots = NULL;
    map->capacity = 0;
    map->count = 0;
  }
}

/* The slot where the search for this key begins. */
static inline size_t home_of(const struct stoa_map *map, struct stoa_bytes key) {
  return (size_t)stoa_siphash13(map->seed, key) & (map->capacity - 1);
}

/* The slot with this key, or the empty one where it belongs. The load keeps at least one slot empty. */
static size_t slot_of(const struct stoa_map *map, struct stoa_bytes key) {
  size_t slot = home_of(map, key);
  while (map->slots[slot] != NULL && !stoa_bytes_equal(map->key_of(map->slots[slot]), key)) {
    slot = (slot + 1) & (map->capacity - 1);
  }
  return slot;
}

void *stoa_map_find(const struct stoa_map *map, struct stoa_bytes key) {
  return map->count == 0 ? NULL : map->slots[slot_of(map, key)];
}

static int resize(struct stoa_map *map, size_t capacity) {
  assert((capacity & (capacity - 1)) == 0);
  assert(map->count < capacity);
  struct stoa_map wider = *map;
  wider.slots = stoa_calloc(capacity, sizeof *wider.slots);
  if (wider.slots == NULL) {
    return STOA_E_MEMORY;
  }
  wider.capacity = capacity;
  size_t cursor = 0;
  for (void *object; (object = stoa_map_next(map, &cursor)) != NULL;) {
    wider.slots[slot_of(&wider, map->key_of(object))] = object;
  }
  stoa_free(map->slots);
  *map = wider;
  return STOA_OK;
}

int stoa_map_insert(struct stoa_map *map, void *object) {
  assert(object != NULL);
  struct stoa_bytes key = map->key_of(object);
  if (stoa_map_find(map, key) != NULL) {
    return STOA_E_EXISTS;
  }
  if (map->count >= map->capacity / 4 * 3) {
    int status = resize(map, map->capacity == 0 ? CAPACITY_MIN : map->capacity * 2);
    if (status != STOA_OK) {
      return status;
    }
  }
  map->slots[slot_of(map, key)] = object;
  map->count++;
  /* An empty slot ends every search. */
  assert(map->count < map->capacity);
  return STOA_OK;
}

/* Fill the hole at `hole` from the run after it. An object may move back only as far as its home: one whose home is
 * after the hole stays, otherwise no search would find it. */
static void close_hole(struct stoa_map *map, size_t hole) {
  size_t mask = map->capacity - 1;
  for (size_t slot = (hole + 1) & mask; map->slots[slot] != NULL; slot = (slot + 1) & mask) {
    size_t home = home_of(map, map->key_of(map->slots[slot]));
    if (((slot - home) & mask) >= ((slot - hole) & mask)) {
      map->slots[hole] = map->slots[slot];
      hole = slot;
    }
  }
  map->slots[hole] = NULL;
}

void *stoa_map_remove(struct stoa_map *map, struct stoa_bytes key) {
  if (map->count == 0) {
    return NULL;
  }
  size_t slot = slot_of(map, key);
  void *object = map->slots[slot];
  if (object == NULL) {
    return NULL;
  }
  close_hole(map, slot);
  map->count--;
  if (map->capacity > CAPACITY_MIN && map->count < map->capacity / 8) {
    /* When memory is out, the larger table stays in use. */
    (void)resize(map, map->capacity / 2);
  }
  return object;
}

void *stoa_map_next(const struct stoa_map *map, size_t *cursor) {
  while (*cursor < map->capacity) {
    void *object = map->slots[(*cursor)++];
    if (object != NULL) {
      return object;
    }
  }
  return NULL;
}
