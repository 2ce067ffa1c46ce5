#include "token/ecdsa.h"

#define NUMBER_BYTES 32
#define DER_INTEGER 0x02
#define DER_SEQUENCE 0x30

/* An integer has no leading zeros, except one when its first bit would be 1, because it would be negative then. */
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

/* NULL when there is no integer of this size here. */
static const uint8_t *take_integer(const uint8_t *at, const uint8_t *end, uint8_t *out_number) {
  if (end - at < 3 || at[0] != DER_INTEGER || at[1] == 0 || at[1] > end - at - 2) {
    return NULL;
  }
  size_t len = at[1];
  at += 2;
  bool has_zero = len == NUMBER_BYTES + 1 && at[0] == 0;
  at += has_zero;
  len -= has_zero;
  if (len > NUMBER_BYTES) {
    return NULL;
  }
  memset(out_number, 0, NUMBER_BYTES - len);
  memcpy(out_number + NUMBER_BYTES - len, at, len);
  return at + len;
}

bool stoa_ecdsa_from_der(struct stoa_bytes der, uint8_t out_raw[STOA_ECDSA_RAW_BYTES]) {
  if (der.len < 2 || der.len > STOA_ECDSA_DER_BYTES_MAX || der.data[0] != DER_SEQUENCE || der.data[1] != der.len - 2) {
    return false;
  }
  const uint8_t *end = der.data + der.len;
  const uint8_t *at = take_integer(der.data + 2, end, out_raw);
  at = at == NULL ? NULL : take_integer(at, end, out_raw + NUMBER_BYTES);
  return at == end;
}
