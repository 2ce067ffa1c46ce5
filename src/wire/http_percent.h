/* wire/http_percent.h: percent-encoding (RFC 3986 2.1), a byte at a time: each user has its own rules about the bytes.
 *
 * For the layer wire only. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_PERCENT_H
#define STOA_WIRE_HTTP_PERCENT_H

#include "wire/http_token.h"

/* Take the byte at *at, which is below text.len, or the one that an escape there stands for, and move *at past it.
 * False when a '%' is not followed by two hexadecimal digits; nothing is moved then. */
static inline bool stoa_http_percent_next(struct stoa_string text, size_t *at, uint8_t *out_byte) {
  uint8_t byte = (uint8_t)text.data[*at];
  if (byte != '%') {
    *at += 1;
    *out_byte = byte;
    return true;
  }
  if (text.len - *at < 3 || !stoa_http_is_hex((uint8_t)text.data[*at + 1]) ||
      !stoa_http_is_hex((uint8_t)text.data[*at + 2])) {
    return false;
  }
  *out_byte = (uint8_t)(stoa_http_hex((uint8_t)text.data[*at + 1]) << 4 | stoa_http_hex((uint8_t)text.data[*at + 2]));
  *at += 3;
  return true;
}

#endif
