/* base/buffer.c: growth and the cap of stoa/buffer.h. */
#include <assert.h>
#include <stoa/buffer.h>

#include "base/memory.h"

/* The first allocation has room for a short message, so that writing one does not reallocate at 1, 2, 4 and 8 bytes. */
#define CAP_FIRST 64u

void stoa_buffer_init(struct stoa_buffer *buffer, size_t len_max) {
  *buffer = (struct stoa_buffer){.len_max = len_max};
}

void stoa_buffer_fini(struct stoa_buffer *buffer) {
  if (buffer != NULL) {
    stoa_free(buffer->data);
    stoa_buffer_init(buffer, buffer->len_max);
  }
}

/* Doubling keeps the cost of many appends linear. The result is never above the cap. */
static size_t next_cap(const struct stoa_buffer *buffer, size_t need) {
  size_t cap = buffer->cap > SIZE_MAX / 2 ? SIZE_MAX : buffer->cap * 2;
  if (cap < CAP_FIRST) {
    cap = CAP_FIRST;
  }
  if (cap > buffer->len_max) {
    cap = buffer->len_max;
  }
  return cap < need ? need : cap;
}

int stoa_buffer_grow(struct stoa_buffer *buffer, size_t room) {
  assert(buffer->len <= buffer->cap);
  assert(buffer->cap <= buffer->len_max);
  if (room > buffer->len_max - buffer->len) {
    return STOA_E_LIMIT;
  }
  if (room <= buffer->cap - buffer->len) {
    return STOA_OK;
  }
  size_t cap = next_cap(buffer, buffer->len + room);
  uint8_t *data = stoa_realloc(buffer->data, cap);
  if (data == NULL) {
    return STOA_E_MEMORY;
  }
  buffer->data = data;
  buffer->cap = cap;
  assert(buffer->cap <= buffer->len_max);
  assert(buffer->cap - buffer->len >= room);
  return STOA_OK;
}

void stoa_buffer_consume(struct stoa_buffer *buffer, size_t len) {
  assert(len <= buffer->len);
  buffer->len -= len;
  if (len > 0 && buffer->len > 0) {
    memmove(buffer->data, buffer->data + len, buffer->len);
  }
}
