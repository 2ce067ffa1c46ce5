/* base/array.h: arrays of one type: how many items there are in one, and room for more in one that grows.
 *
 * Does not know: what the items are, how many are in use.
 * Thread: one at a time. Lifetime: the array is the caller's, who releases it by stoa_free().
 */
#ifndef STOA_BASE_ARRAY_H
#define STOA_BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stoa/status.h>

/* Of a true array. A pointer does not compile: its size says nothing about what it points to. */
#define STOA_COUNT_OF(array)          \
  (sizeof(array) / sizeof(array)[0] + \
   0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0]))]))

/* Make the array as large as `count` items, no more and no less; count is at least 1.
 *
 * array_pointer  the address of the pointer to the first item, which is NULL before the first call
 * Errors: STOA_E_MEMORY  also when so many bytes cannot be counted; the array is as it was */
int stoa_array_resize(void *array_pointer, size_t item_size, size_t count);

/* As stoa_array_reserve(), for more than there is room for. */
int stoa_array_grow(void *array_pointer, size_t item_size, uint32_t *capacity, size_t count, uint32_t count_max);

/* Have room for `count` items in all. What is added one by one costs few copies, for it grows by half at least.
 *
 * array_pointer  as above
 * capacity       how many items there is room for; 0 before the first call
 * count_max      there is never room for more
 * Errors: STOA_E_LIMIT  count is above count_max; STOA_E_MEMORY. The array is as it was after both. */
static inline int stoa_array_reserve(void *array_pointer, size_t item_size, uint32_t *capacity, size_t count,
                                     uint32_t count_max) {
  return count <= *capacity ? STOA_OK : stoa_array_grow(array_pointer, item_size, capacity, count, count_max);
}

#endif
