/* codec/base64.c: RFC 4648. */
#include "codec/base64.h"

#include <assert.h>

#define NO_DIGIT 64

void stoa_base64_write(struct stoa_bytes bytes, uint8_t *out_text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.len; i += 3) {
    size_t left = bytes.len - i;
    uint32_t group = (uint32_t)bytes.data[i] << 16;
    group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
    group |= left > 2 ? bytes.data[i + 2] : 0;
    *out_text++ = (uint8_t)digits[group >> 18];
    *out_text++ = (uint8_t)digits[group >> 12 & 63];
    *out_text++ = left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=';
    *out_text++ = left > 2 ? (uint8_t)digits[group & 63] : '=';
  }
}

/* RFC 4648 4 and 5: the alphabets differ in their last two digits. */
static uint32_t digit_of(char c) {
  if (c >= 'A' && c <= 'Z') {
    return (uint32_t)(c - 'A');
  }
  if (c >= 'a' && c <= 'z') {
    return (uint32_t)(c - 'a') + 26;
  }
  if (c >= '0' && c <= '9') {
    return (uint32_t)(c - '0') + 52;
  }
  if (c == '+' || c == '-') {
    return 62;
  }
  return c == '/' || c == '_' ? 63 : NO_DIGIT;
}

/* Padding may be absent; if present, it must fill the last group. */
static bool strip_padding(struct stoa_string *text) {
  size_t padding = 0;
  while (padding < 2 && padding < text->len && text->data[text->len - 1 - padding] == '=') {
    padding++;
  }
  bool is_filled = padding == 0 || text->len % 4 == 0;
  text->len -= padding;
  return is_filled && text->len % 4 != 1;
}

bool stoa_base64_read(struct stoa_string text, uint8_t *out_bytes, size_t *out_len) {
  if (!strip_padding(&text)) {
    return false;
  }
  uint32_t bits = 0;
  unsigned bit_count = 0;
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint32_t digit = digit_of(text.data[i]);
    if (digit == NO_DIGIT) {
      return false;
    }
    bits = bits << 6 | digit;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out_bytes[len++] = (uint8_t)(bits >> bit_count);
    }
  }
  assert(bit_count < 8);
  assert(len <= text.len / 4 * 3 + 2);
  *out_len = len;
  return true;
}
