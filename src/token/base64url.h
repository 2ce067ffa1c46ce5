/* token/base64url.h: base64 in the URL-safe alphabet without padding (RFC 7515 2), in its canonical form only.
 *
 * Other forms of the same bytes are refused: otherwise one token could be written in several ways.
 */
#ifndef STOA_TOKEN_BASE64URL_H
#define STOA_TOKEN_BASE64URL_H

#include <stoa/buffer.h>

/* The bytes that a text of this length decodes to. */
static inline size_t stoa_base64url_bytes(size_t text_len) {
  return text_len / 4 * 3 + (text_len % 4 == 0 ? 0 : text_len % 4 - 1);
}

/* Writes stoa_base64url_bytes(text.len) bytes; needs room for 2 more. False when a character is not in the alphabet,
 * the length is impossible, or bits after the last byte are not 0. */
bool stoa_base64url_read(struct stoa_string text, uint8_t *out_bytes);

/* Append. Errors: those of stoa_buffer_append() */
int stoa_base64url_write(struct stoa_bytes bytes, struct stoa_buffer *out_text);

#endif
