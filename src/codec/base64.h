/* codec/base64.h: RFC 4648. Written in the standard alphabet with padding; read in either alphabet, padded or not. */
#ifndef STOA_CODEC_BASE64_H
#define STOA_CODEC_BASE64_H

#include <stoa/bytes.h>

static inline size_t stoa_base64_len(size_t bytes_len) {
  return (bytes_len + 2) / 3 * 4;
}

/* Writes stoa_base64_len(bytes.len) characters. */
void stoa_base64_write(struct stoa_bytes bytes, uint8_t *out_text);
/* Writes at most text.len / 4 * 3 + 2 bytes. False when the text is not base64. */
bool stoa_base64_read(struct stoa_string text, uint8_t *out_bytes, size_t *out_len);

#endif
