/* server/config/base64.h: bytes as text, RFC 4648 section 4, with padding. */
#ifndef STOA_SERVER_CONFIG_BASE64_H
#define STOA_SERVER_CONFIG_BASE64_H

#include <stoa/buffer.h>

/* The most bytes that a text of this length stands for. */
static inline size_t stoa_base64_room(size_t text_len) {
  return text_len / 4 * 3;
}

/* Write the bytes to `out`, which has room for stoa_base64_room(). false when the text is no base64: digits that are
 * none, padding that is missing or not at the end, bits behind the last byte that are not zero (RFC 4648 3.5). */
bool stoa_base64_read(struct stoa_string text, uint8_t *out, size_t *out_len);

/* Append the bytes as text. Errors: STOA_E_LIMIT, STOA_E_MEMORY  `out` is as before. */
int stoa_base64_write(struct stoa_bytes bytes, struct stoa_buffer *out);

#endif
