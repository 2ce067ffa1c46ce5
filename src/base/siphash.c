/* base/siphash.c: Aumasson and Bernstein, "SipHash: a fast short-input PRF", section 2. */
#include "base/siphash.h"

struct sip {
  uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, unsigned bits) {
  return x << bits | x >> (64 - bits);
}

/* The paper's SipRound. */
static inline void sip_round(struct sip *s) {
  s->v0 += s->v1;
  s->v2 += s->v3;
  s->v1 = rotate_left(s->v1, 13) ^ s->v0;
  s->v3 = rotate_left(s->v3, 16) ^ s->v2;
  s->v0 = rotate_left(s->v0, 32);
  s->v2 += s->v1;
  s->v0 += s->v3;
  s->v1 = rotate_left(s->v1, 17) ^ s->v2;
  s->v3 = rotate_left(s->v3, 21) ^ s->v0;
  s->v2 = rotate_left(s->v2, 32);
}

/* The 1 in SipHash-1-3: one round for each word of text. */
static inline void sip_word(struct sip *s, uint64_t word) {
  s->v3 ^= word;
  sip_round(s);
  s->v0 ^= word;
}

/* The 3 in SipHash-1-3: three rounds at the end. */
static inline uint64_t sip_finish(struct sip *s) {
  s->v2 ^= 0xff;
  sip_round(s);
  sip_round(s);
  sip_round(s);
  return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t stoa_siphash13(const uint64_t seed[2], struct stoa_bytes text) {
  struct sip s = {
      .v0 = seed[0] ^ 0x736f6d6570736575,
      .v1 = seed[1] ^ 0x646f72616e646f6d,
      .v2 = seed[0] ^ 0x6c7967656e657261,
      .v3 = seed[1] ^ 0x7465646279746573,
  };
  uint64_t word;
  size_t at = 0;
  for (; text.len - at >= sizeof word; at += sizeof word) {
    memcpy(&word, text.data + at, sizeof word);
    sip_word(&s, word);
  }
  word = 0;
  if (at < text.len) {
    memcpy(&word, text.data + at, text.len - at);
  }
  sip_word(&s, word ^ (uint64_t)text.len << 56);
  return sip_finish(&s);
}
