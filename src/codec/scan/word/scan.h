/* codec/scan/word/scan.h: finds the end of plain text, 8 bytes at a time, on any machine.
 *
 * The build puts either this folder or scan/sse2 on the include path. Nothing outside [at, end) is read.
 */
#ifndef STOA_CODEC_SCAN_H
#define STOA_CODEC_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/scan/bytes.h"

/* The first `"`, `\` or control byte below 0x20, or `end`. *out_has_high: there is a byte of 0x80 or above before it.
 */
static inline const uint8_t *stoa_scan_text(const uint8_t *at, const uint8_t *end, bool *out_has_high) {
  bool has_high = false;
  for (; end - at >= 8; at += 8) {
    uint64_t word = stoa_scan_word(at);
    if (stoa_scan_word_stops(word)) {
      break;
    }
    has_high |= (word & STOA_SCAN_HIGH) != 0;
  }
  at = stoa_scan_text_bytes(at, end, out_has_high);
  *out_has_high |= has_high;
  return at;
}

/* Copy [from, from + len) and return how many bytes are before the first one that stops; `to` has room for all. `from`
 * may be NULL when len is 0. */
static inline size_t stoa_scan_copy_text(uint8_t *to, const uint8_t *from, size_t len, bool *out_has_high) {
  if (len < 8) {
    return stoa_scan_copy_text_short(to, from, len, out_has_high);
  }
  size_t plain = (size_t)(stoa_scan_text(from, from + len, out_has_high) - from);
  stoa_scan_copy(to, from, plain);
  return plain;
}

/* True when there is no byte of 0x80 or above. */
static inline bool stoa_scan_is_ascii(const uint8_t *at, size_t len) {
  uint64_t seen = 0;
  for (; len > 15; at += 8, len -= 8) {
    seen |= stoa_scan_word(at);
  }
  return (seen & STOA_SCAN_HIGH) == 0 && stoa_scan_is_ascii_short(at, len);
}

/* Copy the text. True when it has no byte of 0x80 or above. */
static inline bool stoa_scan_copy_ascii(uint8_t *to, const uint8_t *from, size_t len) {
  bool is_ascii = stoa_scan_is_ascii(from, len);
  stoa_scan_copy(to, from, len);
  return is_ascii;
}

#endif
