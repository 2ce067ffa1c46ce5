/* tests/wire/guard.h: memory that ends where the next page is not mapped, so that a parser that reads one byte too
 * many dies of it. */
#ifndef TESTS_WIRE_GUARD_H
#define TESTS_WIRE_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct guard {
  uint8_t *map;
  size_t map_len;
  uint8_t *end; /* the first byte that must not be touched */
};

/* Room for up to len_max bytes before the edge. */
struct guard guard_make(size_t len_max);
void guard_free(struct guard *guard);
/* A copy whose last byte is the last mapped one; valid until the next copy. */
uint8_t *guard_copy(struct guard *guard, const void *data, size_t len);

#endif
