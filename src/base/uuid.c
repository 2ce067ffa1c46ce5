/* base/uuid.c: UUIDs: generate, write, read. */
#include <assert.h>
#include <stoa/uuid.h>

#include "base/sys.h"

#define VERSION_BYTE 6
#define VARIANT_BYTE 8

int stoa_uuid_make(struct stoa_uuid *out_id) {
  struct stoa_uuid id;
  int status = stoa_random_pooled(id.bytes, sizeof id.bytes);
  if (status != STOA_OK) {
    return status;
  }
  /* RFC 9562 5.4: the version is 0b0100, the variant 0b10, and all else is random. */
  id.bytes[VERSION_BYTE] = (uint8_t)((id.bytes[VERSION_BYTE] & 0x0f) | 0x40);
  id.bytes[VARIANT_BYTE] = (uint8_t)((id.bytes[VARIANT_BYTE] & 0x3f) | 0x80);
  *out_id = id;
  return STOA_OK;
}

/* Is there a hyphen in front of this byte? The form is 8-4-4-4-12 digits. */
static inline bool is_hyphen_before(size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void stoa_uuid_format(const struct stoa_uuid *id, char out_text[STOA_UUID_TEXT_LEN + 1]) {
  static const char digits[] = "0123456789abcdef";
  char *at = out_text;
  for (size_t i = 0; i < sizeof id->bytes; i++) {
    if (is_hyphen_before(i)) {
      *at++ = '-';
    }
    *at++ = digits[id->bytes[i] >> 4];
    *at++ = digits[id->bytes[i] & 0x0f];
  }
  *at = '\0';
  assert(at == out_text + STOA_UUID_TEXT_LEN);
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  char lower = (char)(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int stoa_uuid_parse(struct stoa_string text, struct stoa_uuid *out_id) {
  if (text.len != STOA_UUID_TEXT_LEN) {
    return STOA_E_SYNTAX;
  }
  struct stoa_uuid id;
  const char *at = text.data;
  for (size_t i = 0; i < sizeof id.bytes; i++) {
    if (is_hyphen_before(i) && *at++ != '-') {
      return STOA_E_SYNTAX;
    }
    int high = digit_value(at[0]);
    int low = digit_value(at[1]);
    if (high < 0 || low < 0) {
      return STOA_E_SYNTAX;
    }
    id.bytes[i] = (uint8_t)(high << 4 | low);
    at += 2;
  }
  assert(at == text.data + text.len);
  *out_id = id;
  return STOA_OK;
}
