/* server/config/base64.c: four digits for three bytes. */
#include "server/config/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The padding's place holder counts as zero; read_group() tells whether it may stand there. */
static bool read_digit(char c, uint32_t *out_bits) {
  const char *digit = c == '\0' ? NULL : strchr(digits, c);
  *out_bits = digit == NULL ? 0 : (uint32_t)(digit - digits);
  return digit != NULL;
}

/* Four digits, of which the last `padding` are '='. */
static bool read_group(const char *text, size_t padding, uint8_t *out) {
  uint32_t group = 0;
  for (size_t i = 0; i < 4; i++) {
    uint32_t bits = 0;
    if (i < 4 - padding && !read_digit(text[i], &bits)) {
      return false;
    }
    group = group << 6 | bits;
  }
  for (size_t i = 0; i < 3 - padding; i++) {
    out[i] = (uint8_t)(group >> (16 - 8 * i));
  }
  return (group & ((1u << (8 * padding)) - 1)) == 0;
}

static size_t padding_of(struct stoa_string text) {
  if (text.len < 4 || text.data[text.len - 1] != '=') {
    return 0;
  }
  return text.data[text.len - 2] == '=' ? 2 : 1;
}

bool stoa_base64_read(struct stoa_string text, uint8_t *out, size_t *out_len) {
  size_t padding = padding_of(text);
  if (text.len % 4 != 0) {
    return false;
  }
  for (size_t i = 0; i < text.len; i += 4) {
    if (!read_group(text.data + i, i + 4 == text.len ? padding : 0, out + i / 4 * 3)) {
      return false;
    }
  }
  *out_len = stoa_base64_room(text.len) - padding;
  return true;
}

int stoa_base64_write(struct stoa_bytes bytes, struct stoa_buffer *out) {
  size_t len = (bytes.len + 2) / 3 * 4;
  int status = stoa_buffer_reserve(out, len);
  if (status != STOA_OK) {
    return status;
  }
  for (size_t i = 0; i < len; i++) {
    size_t at = i / 4 * 3;
    uint32_t group = (uint32_t)bytes.data[at] << 16;
    group |= at + 1 < bytes.len ? (uint32_t)bytes.data[at + 1] << 8 : 0;
    group |= at + 2 < bytes.len ? bytes.data[at + 2] : 0;
    bool is_padding = at + i % 4 > bytes.len;
    out->data[out->len + i] = (uint8_t)(is_padding ? '=' : digits[group >> (18 - 6 * (i % 4)) & 0x3f]);
  }
  out->len += len;
  return STOA_OK;
}
