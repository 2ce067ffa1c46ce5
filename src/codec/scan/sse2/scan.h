/* codec/scan/sse2/scan.h: the scans of codec/scan/word/scan.h, 16 bytes at a time. SSE2 is part of every x86-64. */
#ifndef STOA_CODEC_SCAN_H
#define STOA_CODEC_SCAN_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/scan/bytes.h"

#define STOA_SCAN_BLOCK 16

static inline __m128i stoa_scan_load(const uint8_t *at) {
  return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Ones where a byte ends a run of plain JSON text. With bit 1 flipped the quote, 0x22, is next to the control bytes, so
 * one comparison finds both. */
static inline __m128i stoa_scan_stops(__m128i block) {
  __m128i flipped = _mm_xor_si128(block, _mm_set1_epi8(0x02));
  __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(flipped, _mm_set1_epi8(0x20)), flipped);
  return _mm_or_si128(low, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
}

/* True when the scan stops in the block; *offset is the position. Bytes of 0x80 and above count only before that. */
static inline bool stoa_scan_block(const uint8_t *at, uint32_t *offset, uint32_t *high) {
  __m128i block = stoa_scan_load(at);
  uint32_t stops = (uint32_t)_mm_movemask_epi8(stoa_scan_stops(block));
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
  /* The last block overlaps bytes that were already scanned, so nothing after `end` is read. */
  at = stoa_scan_block(end - STOA_SCAN_BLOCK, &offset, &high) ? end - STOA_SCAN_BLOCK + offset : end;
  *out_has_high = high != 0;
  return at;
}

static inline size_t stoa_scan_copy_text(uint8_t *to, const uint8_t *from, size_t len, bool *out_has_high) {
  if (len < STOA_SCAN_BLOCK) {
    return stoa_scan_copy_text_short(to, from, len, out_has_high);
  }
  const uint8_t *at = from;
  const uint8_t *end = from + len;
  uint32_t high = 0;
  uint32_t offset = 0;
  for (; at < end; at += STOA_SCAN_BLOCK) {
    /* The last block overlaps bytes that were already scanned. */
    at = end - at < STOA_SCAN_BLOCK ? end - STOA_SCAN_BLOCK : at;
    _mm_storeu_si128((__m128i *)(void *)(to + (at - from)), stoa_scan_load(at));
    if (stoa_scan_block(at, &offset, &high)) {
      *out_has_high = high != 0;
      return (size_t)(at - from) + offset;
    }
  }
  *out_has_high = high != 0;
  return len;
}

/* Four blocks at once, or'ed together. */
static inline __m128i stoa_scan_load_four(const uint8_t *at) {
  __m128i first = _mm_or_si128(stoa_scan_load(at), stoa_scan_load(at + STOA_SCAN_BLOCK));
  __m128i second = _mm_or_si128(stoa_scan_load(at + 2 * STOA_SCAN_BLOCK), stoa_scan_load(at + 3 * STOA_SCAN_BLOCK));
  return _mm_or_si128(first, second);
}

static inline bool stoa_scan_is_ascii(const uint8_t *at, size_t len) {
  if (len < STOA_SCAN_BLOCK) {
    return stoa_scan_is_ascii_short(at, len);
  }
  const uint8_t *last = at + len - STOA_SCAN_BLOCK;
  __m128i seen = stoa_scan_load(last);
  for (; last - at >= 4 * STOA_SCAN_BLOCK; at += 4 * STOA_SCAN_BLOCK) {
    seen = _mm_or_si128(seen, stoa_scan_load_four(at));
  }
  for (; at < last; at += STOA_SCAN_BLOCK) {
    seen = _mm_or_si128(seen, stoa_scan_load(at));
  }
  return _mm_movemask_epi8(seen) == 0;
}

/* From this length on a call pays off. */
#define STOA_SCAN_LONG 128

/* For machines with AVX2, which is checked at run time: 32 bytes at a time, four times in one round. The bytes are
 * scanned while they are copied. Encoding a long text takes a quarter less time than with a separate scan and memcpy().
 */
__attribute__((target("avx2"), noinline)) static bool stoa_scan_copy_ascii_wide(uint8_t *to, const uint8_t *at,
                                                                                size_t len) {
  const uint8_t *last = at + len - sizeof(__m256i);
  uint8_t *to_last = to + len - sizeof(__m256i);
  __m256i final = _mm256_loadu_si256((const __m256i *)(const void *)last);
  __m256i seen = final;
  for (; last - at >= 4 * (ptrdiff_t)sizeof(__m256i); at += 4 * sizeof(__m256i), to += 4 * sizeof(__m256i)) {
    const __m256i *blocks = (const __m256i *)(const void *)at;
    __m256i *out = (__m256i *)(void *)to;
    __m256i a = _mm256_loadu_si256(blocks);
    __m256i b = _mm256_loadu_si256(blocks + 1);
    __m256i c = _mm256_loadu_si256(blocks + 2);
    __m256i d = _mm256_loadu_si256(blocks + 3);
    _mm256_storeu_si256(out, a);
    _mm256_storeu_si256(out + 1, b);
    _mm256_storeu_si256(out + 2, c);
    _mm256_storeu_si256(out + 3, d);
    seen = _mm256_or_si256(seen, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
  }
  for (; at < last; at += sizeof(__m256i), to += sizeof(__m256i)) {
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
    _mm256_storeu_si256((__m256i *)(void *)to, a);
    seen = _mm256_or_si256(seen, a);
  }
  _mm256_storeu_si256((__m256i *)(void *)to_last, final);
  return _mm256_movemask_epi8(seen) == 0;
}

static inline bool stoa_scan_copy_ascii(uint8_t *to, const uint8_t *from, size_t len) {
  if (len >= STOA_SCAN_LONG && __builtin_cpu_supports("avx2")) {
    return stoa_scan_copy_ascii_wide(to, from, len);
  }
  bool is_ascii = stoa_scan_is_ascii(from, len);
  stoa_scan_copy(to, from, len);
  return is_ascii;
}

#endif
