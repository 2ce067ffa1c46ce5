/* codec/scan/sse2/scan.h: the scans of codec/scan/word/scan.h, 16 bytes at a time. SSE2 is part of every x86-64. */
#ifndef STOA_CODEC_SCAN_H
#define STOA_CODEC_SCAN_H

#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/scan/bytes.h"

#define STOA_SCAN_BLOCK 16

static inline __m128i stoa_scan_load(const uint8_t *at) {
  return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* One bit for each byte that ends a run of plain JSON text. A byte up to 0x1f is its own minimum with 0x1f. */
static inline uint32_t stoa_scan_stops(__m128i block) {
  __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  __m128i escapes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, escapes), controls));
}

/* True when the block stops the scan; *offset says where. Bytes of 0x80 and above count up to the stop only. */
static inline bool stoa_scan_block(const uint8_t *at, uint32_t *offset, uint32_t *high) {
  __m128i block = stoa_scan_load(at);
  uint32_t stops = stoa_scan_stops(block);
  uint32_t highs = (uint32_t)_mm_movemask_epi8(block);
  if (stops == 0) {
    *high |= highs;
    return false;
  }
  *offset = (uint32_t)__builtin_ctz(stops);
  *high |= highs & ((1u << *offset) - 1);
  return true;
}

static inline const uint8_t *stoa_scan_text(const uint8_t *at, const uint8_t *end, bool *out_has_high) {
  const uint8_t *begin = at;
  uint32_t high = 0;
  uint32_t offset = 0;
  for (; end - at >= STOA_SCAN_BLOCK; at += STOA_SCAN_BLOCK) {
    if (stoa_scan_block(at, &offset, &high)) {
      *out_has_high = high != 0;
      return at + offset;
    }
  }
  if (end - begin < STOA_SCAN_BLOCK) {
    return stoa_scan_text_bytes(at, end, out_has_high);
  }
  /* The last block overlaps what was found plain already, so nothing behind `end` is read. */
  at = stoa_scan_block(end - STOA_SCAN_BLOCK, &offset, &high) ? end - STOA_SCAN_BLOCK + offset : end;
  *out_has_high = high != 0;
  return at;
}

static inline bool stoa_scan_is_ascii(const uint8_t *at, size_t len) {
  if (len < STOA_SCAN_BLOCK) {
    return stoa_scan_is_ascii_short(at, len);
  }
  const uint8_t *last = at + len - STOA_SCAN_BLOCK;
  __m128i seen = stoa_scan_load(last);
  for (; at < last; at += STOA_SCAN_BLOCK) {
    seen = _mm_or_si128(seen, stoa_scan_load(at));
  }
  return _mm_movemask_epi8(seen) == 0;
}

#endif
