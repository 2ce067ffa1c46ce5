#include "token/ecdsa.h"

#include <assert.h>

#define NUMBER_BYTES 32
#define DER_INTEGER 0x02
#define DER_SEQUENCE 0x30

/* An integer has no zero in front but the one that keeps its first bit 0, for it would be negative else. */
static uint8_t *put_integer(uint8_t *to, const uint8_t *number) {
  size_t skipped = 0;
  while (skipped < NUMBER_BYTES - 1 && number[skipped] == 0) {
    skipped++;
  }
  size_t len = NUMBER_BYTES - skipped;
  bool is_high = (number[skipped] & 0x80) != 0;
  *to++ = DER_INTEGER;
  *to++ = (uint8_t)(len + is_high);
  *to = 0;
  to += is_high;
  memcpy(to, number + skipped, len);
  return to + len;
}

size_t stoa_ecdsa_to_der(const uint8_t raw[STOA_ECDSA_RAW_BYTES], uint8_t out_der[STOA_ECDSA_DER_BYTES_MAX]) {
  uint8_t *end = put_integer(out_der + 2, raw);
  end = put_integer(end, raw + NUMBER_BYTES);
  out_der[0] = DER_SEQUENCE;
  out_der[1] = (uint8_t)(end - out_der - 2);
  return (size_t)(end - out_der);
}

static const uint8_t *take_integer(const uint8_t *at, uint8_t *out_number) {
  assert(at[0] == DER_INTEGER);
  size_t len = at[1];
  at += 2;
  if (len > NUMBER_BYTES) {
    assert(len == NUMBER_BYTES + 1);
    assert(at[0] == 0);
    at++;
    len--;
  }
  memset(out_number, 0, NUMBER_BYTES - len);
  memcpy(out_number + NUMBER_BYTES - len, at, len);
  return at + len;
}

void stoa_ecdsa_from_der(struct stoa_bytes der, uint8_t out_raw[STOA_ECDSA_RAW_BYTES]) {
  assert(der.len > 2 && der.data[0] == DER_SEQUENCE);
  assert(der.data[1] == der.len - 2);
  const uint8_t *at = take_integer(der.data + 2, out_raw);
  at = take_integer(at, out_raw + NUMBER_BYTES);
  assert(at == der.data + der.len);
}
