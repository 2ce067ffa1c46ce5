/* base/array.h: the number of items in an array, and arrays that grow.
 *
 * Does not know: what the items are, how many are in use.
 * Thread: one at a time. Lifetime: the caller owns the array and releases it with stoa_free().
 */
#ifndef STOA_BASE_ARRAY_H
#define STOA_BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stoa/status.h>

/* For arrays only. A pointer does not compile, because its size is not that of the items. */
#define STOA_COUNT_OF(array)          \
  (sizeof(array) / sizeof(array)[0] + \
   0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0]))]))

/* Make the array as large as `count` items, no more and no less; count is at least 1.
 *
 * array_pointer  the address of the pointer to the first item, which is NULL before the first call
 * Errors: STOA_E_MEMORY  also when the size in bytes overflows; the array is unchanged */
int stoa_array_resize(void *array_pointer, size_t item_size, size_t count);

/* The slow path of stoa_array_reserve(): count is above the capacity. */
int stoa_array_grow(void *array_pointer, size_t item_size, uint32_t *capacity, size_t count, uint32_t count_max);

/* Make room for `count` items in all. The array grows by half at least, so adding items one by one costs few copies.
 *
 * array_pointer  as above
 * capacity       how many items there is room for; 0 before the first call
 * count_max      the capacity never exceeds it
 * Errors: STOA_E_LIMIT  count is above count_max; STOA_E_MEMORY. The array is unchanged after both. */
static inline int stoa_array_reserve(void *array_pointer, size_t item_size, uint32_t *capacity, size_t count,
                                     uint32_t count_max) {
  return count <= *capacity ? STOA_OK : stoa_array_grow(array_pointer, item_size, capacity, count, count_max);
}

#endif
