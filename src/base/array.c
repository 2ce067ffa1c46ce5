#include "base/array.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* Otherwise each of the first items would cost a copy. */
#define COUNT_FIRST 4u

int stoa_array_resize(void *array_pointer, size_t item_size, size_t count) {
  void *items;
  size_t size;
  assert(item_size > 0);
  assert(count > 0);
  if (__builtin_mul_overflow(item_size, count, &size)) {
    return STOA_E_MEMORY;
  }
  /* array_pointer points to a pointer to any type; only memcpy may read that as a void *. */
  memcpy(&items, array_pointer, sizeof items);
  items = items == NULL ? stoa_alloc(size) : stoa_realloc(items, size);
  if (items == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(array_pointer, &items, sizeof items);
  return STOA_OK;
}

static uint32_t wider(uint32_t capacity, size_t count, uint32_t count_max) {
  uint64_t wanted = (uint64_t)capacity + capacity / 2;
  wanted = wanted < COUNT_FIRST ? COUNT_FIRST : wanted;
  wanted = wanted < count ? count : wanted;
  return wanted < count_max ? (uint32_t)wanted : count_max;
}

int stoa_array_grow(void *array_pointer, size_t item_size, uint32_t *capacity, size_t count, uint32_t count_max) {
  assert(count > *capacity);
  assert(*capacity <= count_max);
  if (count > count_max) {
    return STOA_E_LIMIT;
  }
  uint32_t room = wider(*capacity, count, count_max);
  int status = stoa_array_resize(array_pointer, item_size, room);
  if (status == STOA_OK) {
    *capacity = room;
  }
  assert(status != STOA_OK || *capacity >= count);
  return status;
}
