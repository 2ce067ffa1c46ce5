/* base/utf8.c: an automaton with nine states; each byte costs one shift. */
#include "base/utf8.h"

#include <string.h>

/* A state is the offset in bits of its field in a row: each byte value has a row of 64 bits, and the row shifted right
 * by the state gives the next state in its lowest six bits. So a byte costs a load that does not depend on the byte
 * before it, and one shift. */
enum {
  START = 0,     /* between characters */
  ONE = 6,       /* one more continuation byte */
  TWO = 12,      /* two more */
  THREE = 18,    /* three more */
  AFTER_E0 = 24, /* less than A0 would be overlong */
  AFTER_ED = 30, /* more than 9F would be a surrogate */
  AFTER_F0 = 36, /* less than 90 would be overlong */
  AFTER_F4 = 42, /* more than 8F would be above U+10FFFF */
  BAD = 48,      /* final */
  STATE_MASK = 63,
};

#define FIELD(state, next) ((uint64_t)(next) << (state))

/* RFC 3629 4, in the order of the ABNF. A byte that may begin a character is valid nowhere else. */
#define LEADS_TO(next)                                                                                 \
  (FIELD(START, next) | FIELD(ONE, BAD) | FIELD(TWO, BAD) | FIELD(THREE, BAD) | FIELD(AFTER_E0, BAD) | \
   FIELD(AFTER_ED, BAD) | FIELD(AFTER_F0, BAD) | FIELD(AFTER_F4, BAD) | FIELD(BAD, BAD))
#define CONTINUES(after_e0, after_ed, after_f0, after_f4)                                                    \
  (FIELD(START, BAD) | FIELD(ONE, START) | FIELD(TWO, ONE) | FIELD(THREE, TWO) | FIELD(AFTER_E0, after_e0) | \
   FIELD(AFTER_ED, after_ed) | FIELD(AFTER_F0, after_f0) | FIELD(AFTER_F4, after_f4) | FIELD(BAD, BAD))

static const uint64_t rows[256] = {
    [0x00 ... 0x7f] = LEADS_TO(START),
    [0x80 ... 0x8f] = CONTINUES(BAD, ONE, BAD, TWO),
    [0x90 ... 0x9f] = CONTINUES(BAD, ONE, TWO, BAD),
    [0xa0 ... 0xbf] = CONTINUES(ONE, BAD, TWO, BAD),
    [0xc0 ... 0xc1] = LEADS_TO(BAD),
    [0xc2 ... 0xdf] = LEADS_TO(ONE),
    [0xe0] = LEADS_TO(AFTER_E0),
    [0xe1 ... 0xec] = LEADS_TO(TWO),
    [0xed] = LEADS_TO(AFTER_ED),
    [0xee ... 0xef] = LEADS_TO(TWO),
    [0xf0] = LEADS_TO(AFTER_F0),
    [0xf1 ... 0xf3] = LEADS_TO(THREE),
    [0xf4] = LEADS_TO(AFTER_F4),
    [0xf5 ... 0xff] = LEADS_TO(BAD),
};

_Static_assert(START == STOA_UTF8_START, "callers begin with the automaton's first state");

/* Bytes that the automaton takes before the next search for a run of ASCII, and before the next check for BAD. */
#define STEP_BYTES 16u

static inline uint64_t next_state(uint64_t state, uint8_t byte) {
  return rows[byte] >> (state & STATE_MASK);
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t word_at(const uint8_t *data) {
  uint64_t word;
  memcpy(&word, data, sizeof word);
  return word;
}

static inline uint32_t half_word_at(const uint8_t *data) {
  uint32_t word;
  memcpy(&word, data, sizeof word);
  return word;
}

/* Is a text that is shorter than a word ASCII? Two loads that may overlap decide it. False below half a word, which is
 * not checked. */
static inline bool is_short_ascii(const uint8_t *data, size_t len) {
  return len >= 4 && ((half_word_at(data) | half_word_at(data + len - 4)) & (uint32_t)HIGH_BITS) == 0;
}

/* The length of the run of ASCII at the front; it may be less by up to a word. */
static size_t ascii_run(const uint8_t *data, size_t len) {
  if (len < 8) {
    return is_short_ascii(data, len) ? len : 0;
  }
  size_t at = 0;
  for (; len - at >= 32; at += 32) {
    uint64_t words = word_at(data + at) | word_at(data + at + 8) | word_at(data + at + 16) | word_at(data + at + 24);
    if ((words & HIGH_BITS) != 0) {
      break;
    }
  }
  for (; len - at >= 8; at += 8) {
    if ((word_at(data + at) & HIGH_BITS) != 0) {
      return at;
    }
  }
  /* The last word overlaps bytes that are known to be ASCII, so no loop over single bytes is needed. */
  return (word_at(data + len - 8) & HIGH_BITS) == 0 ? len : at;
}

/* The offset of the first bad byte; the caller knows that there is one. */
static size_t find_bad(uint64_t state, const uint8_t *data) {
  for (size_t at = 0;; at++) {
    state = next_state(state, data[at]) & STATE_MASK;
    if (state == BAD) {
      return at;
    }
  }
}

size_t stoa_utf8_check(uint32_t *state, const uint8_t *data, size_t len) {
  uint64_t now = *state;
  size_t at = 0;
  while (at < len) {
    if (now == START) {
      at += ascii_run(data + at, len - at);
    }
    uint64_t before = now;
    size_t end = len - at < STEP_BYTES ? len : at + STEP_BYTES;
    for (size_t i = at; i < end; i++) {
      now = next_state(now, data[i]);
    }
    now &= STATE_MASK;
    if (now == BAD) {
      return at + find_bad(before, data + at);
    }
    at = end;
  }
  *state = (uint32_t)now;
  return len;
}

bool stoa_utf8_valid(const void *data, size_t len) {
  size_t run = ascii_run(data, len);
  if (run == len) {
    return true;
  }
  uint32_t state = STOA_UTF8_START;
  size_t rest = len - run;
  return stoa_utf8_check(&state, (const uint8_t *)data + run, rest) == rest && state == STOA_UTF8_START;
}
