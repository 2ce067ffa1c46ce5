#include "net/ready.h"

#include "base/memory.h"

#include <assert.h>
#include <stoa/status.h>

#define SLOTS_AT_FIRST 16u

static int grow(struct stoa_ready *ready) {
  uint32_t capacity = ready->capacity == 0 ? SLOTS_AT_FIRST : ready->capacity * 2;
  struct stoa_stream **slots = stoa_alloc(capacity * sizeof *slots);
  if (slots == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < ready->count; i++) {
    slots[i] = ready->slots[(ready->first + i) % ready->capacity];
  }
  stoa_free(ready->slots);
  ready->slots = slots;
  ready->first = 0;
  ready->capacity = capacity;
  return STOA_OK;
}

int stoa_ready_put(struct stoa_ready *ready, struct stoa_stream *stream) {
  if (ready->count == ready->capacity && grow(ready) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  ready->slots[(ready->first + ready->count) % ready->capacity] = stream;
  ready->count++;
  assert(ready->count <= ready->capacity);
  return STOA_OK;
}

struct stoa_stream *stoa_ready_take(struct stoa_ready *ready) {
  if (ready->count == 0) {
    return NULL;
  }
  struct stoa_stream *stream = ready->slots[ready->first];
  ready->first = (ready->first + 1) % ready->capacity;
  ready->count--;
  return stream;
}

void stoa_ready_fini(struct stoa_ready *ready) {
  assert(ready->count == 0);
  stoa_free(ready->slots);
  *ready = (struct stoa_ready){0};
}
