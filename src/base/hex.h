/* base/hex.h: bytes as hexadecimal digits.
 *
 * Thread: any.
 */
#ifndef STOA_BASE_HEX_H
#define STOA_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Write bytes as lower case digits, without a NUL: 2 * len characters. */
static inline void stoa_hex_write(const uint8_t *bytes, size_t len, char *out_text) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    out_text[2 * i] = digits[bytes[i] >> 4];
    out_text[2 * i + 1] = digits[bytes[i] & 0x0f];
  }
}

#endif
