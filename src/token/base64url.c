#include "token/base64url.h"

#include <assert.h>

#include "codec/base64.h"

static bool is_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* RFC 4648 3.5: the low bits of the last digit that belong to no byte must be 0. The digits for which they are 0 are
 * listed here. */
static bool has_no_stray_bits(struct stoa_string text) {
  static const char of_one_byte[] = "AQgw";
  static const char of_two_bytes[] = "AEIMQUYcgkosw048";
  if (text.len % 4 == 0) {
    return true;
  }
  const char *allowed = text.len % 4 == 2 ? of_one_byte : of_two_bytes;
  return strchr(allowed, text.data[text.len - 1]) != NULL;
}

bool stoa_base64url_read(struct stoa_string text, uint8_t *out_bytes) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.data[i])) {
      return false;
    }
  }
  if (text.len % 4 == 1 || !has_no_stray_bits(text)) {
    return false;
  }
  size_t len = 0;
  bool is_read = stoa_base64_read(text, out_bytes, &len);
  assert(is_read);
  assert(len == stoa_base64url_bytes(text.len));
  return is_read;
}

int stoa_base64url_write(struct stoa_bytes bytes, struct stoa_buffer *out_text) {
  int status = stoa_buffer_reserve(out_text, stoa_base64_len(bytes.len));
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *text = out_text->data + out_text->len;
  stoa_base64_write(bytes, text);
  size_t len = (bytes.len * 4 + 2) / 3;
  for (size_t i = 0; i < len; i++) {
    text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
  }
  out_text->len += len;
  return STOA_OK;
}
