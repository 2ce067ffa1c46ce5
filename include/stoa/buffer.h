/* stoa/buffer.h: a growing array of bytes whose cap is fixed at init.
 *
 * Thread: one at a time. Lifetime: the struct is the caller's memory; every init needs a fini.
 * An append either writes everything or nothing.
 */
#ifndef STOA_BUFFER_H
#define STOA_BUFFER_H

#include <stoa/bytes.h>
#include <stoa/export.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_buffer {
  uint8_t *data;  /* owned; NULL while nothing was allocated */
  size_t len;     /* bytes in use; a caller that reserved room may raise it up to cap */
  size_t cap;     /* bytes allocated */
  size_t len_max; /* `len` never exceeds this */
};

/* Allocates nothing before the first append or reserve. */
STOA_API void stoa_buffer_init(struct stoa_buffer *buffer, size_t len_max);
/* Release the memory; the buffer is empty and usable again, with the same cap. NULL is allowed. */
STOA_API void stoa_buffer_fini(struct stoa_buffer *buffer);

/* Make sure that `room` more bytes fit after data[len].
 * Errors, after which the content is unchanged:
 *         STOA_E_LIMIT   len + room would exceed len_max
 *         STOA_E_MEMORY */
STOA_API int stoa_buffer_grow(struct stoa_buffer *buffer, size_t room);

/* The same, without a call when the room is there. Errors as stoa_buffer_grow(). */
static inline int stoa_buffer_reserve(struct stoa_buffer *buffer, size_t room) {
  if (buffer->cap - buffer->len >= room && room <= buffer->len_max - buffer->len) {
    return STOA_OK;
  }
  return stoa_buffer_grow(buffer, room);
}

/* Append a copy of `len` bytes. Errors as stoa_buffer_grow(). */
static inline int stoa_buffer_append(struct stoa_buffer *buffer, const void *data, size_t len) {
  int status = stoa_buffer_reserve(buffer, len);
  if (status == STOA_OK && len > 0) {
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
  }
  return status;
}

/* Drop the first `len` bytes (len <= buffer->len), keeping the rest in order. */
STOA_API void stoa_buffer_consume(struct stoa_buffer *buffer, size_t len);

#ifdef __cplusplus
}
#endif

#endif
