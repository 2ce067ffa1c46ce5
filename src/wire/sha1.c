#include "wire/sha1.h"

#define BLOCK_LEN 64

static inline uint32_t rotate(uint32_t word, unsigned bits) {
  return word << bits | word >> (32 - bits);
}

/* RFC 3174 6.1: the block as sixteen big-endian words, extended to eighty. */
static void schedule(const uint8_t block[BLOCK_LEN], uint32_t words[80]) {
  for (size_t i = 0; i < 16; i++) {
    const uint8_t *at = block + 4 * i;
    words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (size_t i = 16; i < 80; i++) {
    words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
}

/* RFC 3174 5: the function and the constant of a step. */
static inline uint32_t mix(size_t step, uint32_t b, uint32_t c, uint32_t d) {
  if (step < 20) {
    return ((b & c) | (~b & d)) + 0x5a827999u;
  }
  if (step < 40) {
    return (b ^ c ^ d) + 0x6ed9eba1u;
  }
  if (step < 60) {
    return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
  }
  return (b ^ c ^ d) + 0xca62c1d6u;
}

static void compress(uint32_t hash[5], const uint8_t block[BLOCK_LEN]) {
  uint32_t words[80];
  schedule(block, words);
  uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
  for (size_t step = 0; step < 80; step++) {
    uint32_t next = rotate(a, 5) + mix(step, b, c, d) + e + words[step];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
}

/* RFC 3174 4: a one bit, zeros, and the length in bits; one block more, or two. */
static void finish(uint32_t hash[5], struct stoa_bytes rest, uint64_t message_len) {
  uint8_t blocks[2 * BLOCK_LEN] = {0};
  size_t len = rest.len < BLOCK_LEN - 8 ? BLOCK_LEN : 2 * BLOCK_LEN;
  if (rest.len > 0) {
    memcpy(blocks, rest.data, rest.len);
  }
  blocks[rest.len] = 0x80;
  for (size_t i = 0; i < 8; i++) {
    blocks[len - 1 - i] = (uint8_t)(message_len * 8 >> 8 * i);
  }
  for (size_t at = 0; at < len; at += BLOCK_LEN) {
    compress(hash, blocks + at);
  }
}

void stoa_sha1(struct stoa_bytes message, uint8_t out_digest[STOA_SHA1_LEN]) {
  uint32_t hash[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
  size_t at = 0;
  for (; message.len - at >= BLOCK_LEN; at += BLOCK_LEN) {
    compress(hash, message.data + at);
  }
  finish(hash, stoa_bytes_make(message.len > at ? message.data + at : NULL, message.len - at), message.len);
  for (size_t i = 0; i < STOA_SHA1_LEN; i++) {
    out_digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
  }
}
