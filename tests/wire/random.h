/* tests/wire/random.h: numbers that are the same in every run (xorshift64). */
#ifndef TESTS_WIRE_RANDOM_H
#define TESTS_WIRE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

/* 0 to count - 1; 0 for a count of 0. */
static inline size_t random_below(uint64_t *seed, size_t count) {
  return count == 0 ? 0 : (size_t)(random_next(seed) % count);
}

#endif
