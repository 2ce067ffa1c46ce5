/* codec/varint.h: Protobuf's base-128 integers, and its wire types. */
#ifndef STOA_CODEC_VARINT_H
#define STOA_CODEC_VARINT_H

#include <stddef.h>
#include <stdint.h>
#include <stoa/descriptor.h>

enum stoa_wire {
  STOA_WIRE_VARINT = 0,
  STOA_WIRE_FIXED64 = 1,
  STOA_WIRE_LEN = 2,
  STOA_WIRE_GROUP = 3,
  STOA_WIRE_GROUP_END = 4,
  STOA_WIRE_FIXED32 = 5
};

#define STOA_VARINT_LEN_MAX 10

/* The byte after the varint, or NULL when it is incomplete or longer than ten bytes. Bits above the 64th are dropped,
 * as protobuf's own parsers do. */
static inline const uint8_t *stoa_varint_read_long(const uint8_t *at, const uint8_t *end, uint64_t *out_value) {
  uint64_t value = 0;
  for (unsigned shift = 0; at < end && shift < 7 * STOA_VARINT_LEN_MAX; shift += 7) {
    uint8_t byte = *at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *out_value = value;
      return at;
    }
  }
  return NULL;
}

/* Most tags and lengths have one byte. */
static inline const uint8_t *stoa_varint_read(const uint8_t *at, const uint8_t *end, uint64_t *out_value) {
  if (at < end && *at < 0x80) {
    *out_value = *at;
    return at + 1;
  }
  return stoa_varint_read_long(at, end, out_value);
}

/* One byte for each 7 bits: 9/64 is a little less than 1/7, and gives the exact result for all widths from 1 to 64. */
static inline size_t stoa_varint_size(uint64_t value) {
  unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
  return (bits * 9 + 64) / 64;
}

static inline uint8_t *stoa_varint_write(uint8_t *at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    *at++ = (uint8_t)(value | 0x80);
  }
  *at++ = (uint8_t)value;
  return at;
}

static inline uint64_t stoa_zigzag(int64_t value) {
  return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t stoa_unzigzag(uint64_t value) {
  return (int64_t)((value >> 1) ^ (~(value & 1) + 1));
}

/* The wire type of a value of that kind, outside of packed lists. */
static inline enum stoa_wire stoa_kind_wire(uint8_t kind) {
  static const uint8_t wires[] = {
      [STOA_KIND_DOUBLE] = STOA_WIRE_FIXED64,   [STOA_KIND_FLOAT] = STOA_WIRE_FIXED32,
      [STOA_KIND_FIXED64] = STOA_WIRE_FIXED64,  [STOA_KIND_FIXED32] = STOA_WIRE_FIXED32,
      [STOA_KIND_SFIXED64] = STOA_WIRE_FIXED64, [STOA_KIND_SFIXED32] = STOA_WIRE_FIXED32,
      [STOA_KIND_STRING] = STOA_WIRE_LEN,       [STOA_KIND_BYTES] = STOA_WIRE_LEN,
      [STOA_KIND_MESSAGE] = STOA_WIRE_LEN,      [STOA_KIND_SINT64] = STOA_WIRE_VARINT,
  };
  return (enum stoa_wire)wires[kind];
}

#endif
