/* engine/memory/values.h: the values of state_put, sorted by scope and key.
 *
 * Thread: one at a time. Lifetime: zeroed is empty.
 */
#ifndef STOA_ENGINE_MEMORY_VALUES_H
#define STOA_ENGINE_MEMORY_VALUES_H

#include <stoa/bytes.h>
#include <stoa/status.h>

struct stoa_memory_value {
  struct stoa_string scope, key;
  struct stoa_bytes value;
  uint8_t data[];
};

struct stoa_memory_values {
  struct stoa_memory_value **items;
  uint32_t count, capacity;
  size_t bytes;
};

void stoa_memory_values_fini(struct stoa_memory_values *values);
/* An empty value removes. Errors: STOA_E_MEMORY; STOA_E_LIMIT  2^20 values */
int stoa_memory_values_put(struct stoa_memory_values *values, struct stoa_string scope, struct stoa_string key,
                           struct stoa_bytes value);
/* The index of the first value at or after scope and key. */
uint32_t stoa_memory_values_find(const struct stoa_memory_values *values, struct stoa_string scope,
                                 struct stoa_string key);
/* The order of bytes, shorter first. */
int stoa_memory_compare(struct stoa_string a, struct stoa_string b);

#endif
