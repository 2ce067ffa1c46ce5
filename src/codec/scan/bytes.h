/* codec/scan/bytes.h: shared by both versions of the scans: words of 8 bytes, and the ends that are shorter than a
 * block. */
#ifndef STOA_CODEC_SCAN_BYTES_H
#define STOA_CODEC_SCAN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define STOA_SCAN_ONES 0x0101010101010101u
#define STOA_SCAN_HIGH 0x8080808080808080u

static inline uint64_t stoa_scan_word(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

static inline uint32_t stoa_scan_half(const uint8_t *at) {
  uint32_t half;
  memcpy(&half, at, sizeof half);
  return half;
}

/* Does any byte stop a run of plain JSON text? A borrow may mark one byte too many, but only next to a byte that does
 * stop. So the answer for the whole word is exact in both byte orders. */
static inline bool stoa_scan_word_stops(uint64_t word) {
  uint64_t quotes = word ^ (STOA_SCAN_ONES * '"');
  uint64_t escapes = word ^ (STOA_SCAN_ONES * '\\');
  uint64_t found = (quotes - STOA_SCAN_ONES) & ~quotes;
  found |= (escapes - STOA_SCAN_ONES) & ~escapes;
  found |= (word - STOA_SCAN_ONES * 0x20) & ~word;
  return (found & STOA_SCAN_HIGH) != 0;
}

static inline bool stoa_scan_is_stop(uint8_t byte) {
  return byte == '"' || byte == '\\' || byte < 0x20;
}

static inline const uint8_t *stoa_scan_text_bytes(const uint8_t *at, const uint8_t *end, bool *out_has_high) {
  uint8_t seen = 0;
  for (; at < end && !stoa_scan_is_stop(*at); at++) {
    seen |= *at;
  }
  *out_has_high = seen >= 0x80;
  return at;
}

/* For up to 15 bytes: two loads that overlap cover any length from 4 on without a loop. */
static inline bool stoa_scan_is_ascii_short(const uint8_t *at, size_t len) {
  uint64_t seen = 0;
  if (len >= 8) {
    seen = stoa_scan_word(at) | stoa_scan_word(at + len - 8);
  } else if (len >= 4) {
    seen = stoa_scan_half(at) | stoa_scan_half(at + len - 4);
  } else {
    for (size_t i = 0; i < len; i++) {
      seen |= at[i];
    }
  }
  return (seen & STOA_SCAN_HIGH) == 0;
}

/* memcmp() == 0 for short names, without a call. It never reads past `len`. */
static inline bool stoa_scan_same(const uint8_t *a, const char *name, size_t len) {
  const uint8_t *b = (const uint8_t *)name;
  if (len >= 8) {
    for (size_t i = 0; i + 8 < len; i += 8) {
      if (stoa_scan_word(a + i) != stoa_scan_word(b + i)) {
        return false;
      }
    }
    return stoa_scan_word(a + len - 8) == stoa_scan_word(b + len - 8);
  }
  if (len >= 4) {
    return stoa_scan_half(a) == stoa_scan_half(b) && stoa_scan_half(a + len - 4) == stoa_scan_half(b + len - 4);
  }
  return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* memcpy() for up to 16 bytes, without a call. */
static inline void stoa_scan_copy_short(uint8_t *to, const void *from, size_t len) {
  const uint8_t *bytes = (const uint8_t *)from;
  if (len >= 8) {
    memcpy(to, bytes, 8);
    memcpy(to + len - 8, bytes + len - 8, 8);
  } else if (len >= 4) {
    memcpy(to, bytes, 4);
    memcpy(to + len - 4, bytes + len - 4, 4);
  } else {
    for (size_t i = 0; i < len; i++) {
      to[i] = bytes[i];
    }
  }
}

/* stoa_scan_copy_text() for up to 15 bytes. NULL + 0 is undefined (C11 6.5.6), and the data of an empty string may be
 * NULL. */
static inline size_t stoa_scan_copy_text_short(uint8_t *to, const uint8_t *from, size_t len, bool *out_has_high) {
  if (len == 0) {
    *out_has_high = false;
    return 0;
  }
  stoa_scan_copy_short(to, from, len);
  return (size_t)(stoa_scan_text_bytes(from, from + len, out_has_high) - from);
}

/* memcpy() for lengths of names and chat messages: a call costs as much as copying 64 bytes. */
static inline void stoa_scan_copy(uint8_t *to, const void *from, size_t len) {
  const uint8_t *bytes = (const uint8_t *)from;
  if (len > 64) {
    memcpy(to, bytes, len);
  } else if (len > 16) {
    memcpy(to, bytes, 16);
    memcpy(to + len - 16, bytes + len - 16, 16);
    if (len > 32) {
      memcpy(to + 16, bytes + 16, 16);
      memcpy(to + len - 32, bytes + len - 32, 16);
    }
  } else {
    stoa_scan_copy_short(to, from, len);
  }
}

#endif
