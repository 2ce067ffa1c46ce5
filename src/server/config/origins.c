/* server/config/origins.c: records in an array, sorted once. */
#include "server/config/origins.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_FIRST 64u

int stoa_config_origins_add(struct stoa_config_origins *origins, struct stoa_arena *arena, const void *place,
                            const struct stoa_config_source *source, uint32_t line) {
  if (origins->count == origins->room) {
    size_t room = origins->room == 0 ? ROOM_FIRST : origins->room * 2;
    struct stoa_config_origin *items = stoa_arena_alloc(arena, room * sizeof *items);
    if (items == NULL) {
      return STOA_E_MEMORY;
    }
    if (origins->count > 0) {
      memcpy(items, origins->items, origins->count * sizeof *items);
    }
    origins->items = items;
    origins->room = room;
  }
  assert(origins->count < origins->room);
  origins->items[origins->count] = (struct stoa_config_origin){place, *source, line, (uint32_t)origins->count};
  origins->count++;
  return STOA_OK;
}

static int compare_places(const void *left, const void *right) {
  const struct stoa_config_origin *a = left;
  const struct stoa_config_origin *b = right;
  uintptr_t x = (uintptr_t)a->place;
  uintptr_t y = (uintptr_t)b->place;
  return (x > y) - (x < y);
}

/* The newest one of a place comes last. */
static int compare(const void *left, const void *right) {
  const struct stoa_config_origin *a = left;
  const struct stoa_config_origin *b = right;
  int order = compare_places(a, b);
  return order == 0 ? (a->order > b->order) - (a->order < b->order) : order;
}

void stoa_config_origins_finish(struct stoa_config_origins *origins, const void *from, size_t size, const void *to) {
  for (size_t i = 0; i < origins->count; i++) {
    struct stoa_config_origin *origin = &origins->items[i];
    uintptr_t offset = (uintptr_t)origin->place - (uintptr_t)from;
    if (offset < size) {
      origin->place = (const uint8_t *)to + offset;
    }
  }
  if (origins->count == 0) {
    return;
  }
  qsort(origins->items, origins->count, sizeof *origins->items, compare);
  size_t kept = 0;
  for (size_t i = 0; i < origins->count; i++) {
    bool is_last = i + 1 == origins->count || origins->items[i + 1].place != origins->items[i].place;
    if (is_last) {
      origins->items[kept++] = origins->items[i];
    }
  }
  origins->count = kept;
}

const struct stoa_config_origin *stoa_config_origins_find(const struct stoa_config_origins *origins,
                                                          const void *place) {
  const struct stoa_config_origin key = {.place = place};
  return origins->count == 0 ? NULL
                             : bsearch(&key, origins->items, origins->count, sizeof *origins->items, compare_places);
}
