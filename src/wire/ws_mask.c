#include "wire/ws_frame.h"

#include <assert.h>

/* Sixteen bytes at once: one SSE2 or NEON register, which every 64-bit machine has. */
typedef uint8_t lane __attribute__((vector_size(16)));

static inline void xor_lane(uint8_t *data, lane key) {
  lane bytes;
  memcpy(&bytes, data, sizeof bytes);
  bytes ^= key;
  memcpy(data, &bytes, sizeof bytes);
}

/* Mask the run at the front that fills whole lanes; returns its length, a multiple of 16. */
static size_t mask_lanes(uint32_t mask, uint8_t *data, size_t len) {
  uint32_t repeated[4] = {mask, mask, mask, mask};
  lane key;
  memcpy(&key, repeated, sizeof key);
  size_t at = 0;
  for (; len - at >= 4 * sizeof key; at += 4 * sizeof key) {
    xor_lane(data + at, key);
    xor_lane(data + at + 16, key);
    xor_lane(data + at + 32, key);
    xor_lane(data + at + 48, key);
  }
  for (; len - at >= sizeof key; at += sizeof key) {
    xor_lane(data + at, key);
  }
  return at;
}

/* The mask whose first byte in memory is the byte at `turn` of the old one. */
static inline uint32_t turned(uint32_t mask, size_t turn) {
  if (turn == 0) {
    return mask;
  }
  unsigned bits = (unsigned)turn * 8;
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? mask >> bits | mask << (32 - bits)
                                                   : mask << bits | mask >> (32 - bits);
}

uint32_t stoa_ws_mask(uint32_t mask, uint8_t *data, size_t len) {
  size_t at = len >= sizeof(lane) ? mask_lanes(mask, data, len) : 0;
  for (; len - at >= sizeof mask; at += sizeof mask) {
    uint32_t word;
    memcpy(&word, data + at, sizeof word);
    word ^= mask;
    memcpy(data + at, &word, sizeof word);
  }
  uint8_t key[sizeof mask];
  memcpy(key, &mask, sizeof mask);
  size_t turn = len - at;
  assert(turn < sizeof mask);
  for (size_t i = 0; i < turn; i++) {
    data[at + i] ^= key[i];
  }
  return turned(mask, turn);
}
