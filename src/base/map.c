/* base/map.c: linear probing, and removal that leaves no tombstones. */
#include "base/map.h"

#include <assert.h>

#include "base/memory.h"
#include "base/sys.h"

#define CAPACITY_MIN 8u

struct sip {
  uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, unsigned bits) {
  return x << bits | x >> (64 - bits);
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF", section 2: SipRound. */
static inline void sip_round(struct sip *s) {
  s->v0 += s->v1;
  s->v2 += s->v3;
  s->v1 = rotate_left(s->v1, 13) ^ s->v0;
  s->v3 = rotate_left(s->v3, 16) ^ s->v2;
  s->v0 = rotate_left(s->v0, 32);
  s->v2 += s->v1;
  s->v0 += s->v3;
  s->v1 = rotate_left(s->v1, 17) ^ s->v2;
  s->v3 = rotate_left(s->v3, 21) ^ s->v0;
  s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word) {
  s->v3 ^= word;
  sip_round(s);
  s->v0 ^= word;
}

/* SipHash-1-3: one round a word, three to finish. The words' byte order is the machine's, since a hash never leaves
 * the process. */
static uint64_t hash_of(const struct stoa_map *map, struct stoa_bytes key) {
  struct sip s = {
      .v0 = map->seed[0] ^ 0x736f6d6570736575,
      .v1 = map->seed[1] ^ 0x646f72616e646f6d,
      .v2 = map->seed[0] ^ 0x6c7967656e657261,
      .v3 = map->seed[1] ^ 0x7465646279746573,
  };
  uint64_t word;
  size_t at = 0;
  for (; key.len - at >= sizeof word; at += sizeof word) {
    memcpy(&word, key.data + at, sizeof word);
    sip_word(&s, word);
  }
  uint8_t last[sizeof word] = {0};
  if (at < key.len) {
    memcpy(last, key.data + at, key.len - at);
  }
  memcpy(&word, last, sizeof word);
  sip_word(&s, word ^ (uint64_t)key.len << 56);
  s.v2 ^= 0xff;
  sip_round(&s);
  sip_round(&s);
  sip_round(&s);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

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
  return (size_t)hash_of(map, key) & (map->capacity - 1);
}

/* The slot that holds this key, or the empty one where it belongs. The load keeps at least one slot empty. */
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
  return STOA_OK;
}

/* Fill the hole at `hole` from the run behind it. An object may move back only as far as its home: one whose home lies
 * behind the hole stays, or no search would find it. */
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
    /* Without memory for a smaller table the larger one serves as well. */
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
