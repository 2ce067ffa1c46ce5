#include "wire/packed.h"

#include "base/utf8.h"

#include <assert.h>

static uint32_t read_u32(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static int check_message(struct stoa_bytes rest, size_t message_bytes_max, size_t *out_len) {
  if (rest.len < STOA_PACKED_HEADER_LEN) {
    return STOA_E_SYNTAX;
  }
  uint32_t header = read_u32(rest.data);
  size_t len = header & ~STOA_PACKED_TEXT;
  if (len > message_bytes_max) {
    return STOA_E_LIMIT;
  }
  if (len > rest.len - STOA_PACKED_HEADER_LEN) {
    return STOA_E_SYNTAX;
  }
  uint32_t utf8 = STOA_UTF8_START;
  bool is_text = (header & STOA_PACKED_TEXT) != 0;
  if (is_text && (stoa_utf8_check(&utf8, rest.data + STOA_PACKED_HEADER_LEN, len) < len || utf8 != STOA_UTF8_START)) {
    return STOA_E_UTF8;
  }
  *out_len = STOA_PACKED_HEADER_LEN + len;
  return STOA_OK;
}

int stoa_packed_check(struct stoa_bytes body, size_t message_bytes_max) {
  size_t at = 0;
  int status = STOA_OK;
  while (at < body.len && status == STOA_OK) {
    size_t len = 0;
    status = check_message(stoa_bytes_make(body.data + at, body.len - at), message_bytes_max, &len);
    at += len;
  }
  assert(at <= body.len);
  return status;
}

bool stoa_packed_next(struct stoa_bytes body, size_t *at, struct stoa_bytes *out_message, bool *out_is_text) {
  assert(*at <= body.len);
  if (*at == body.len) {
    return false;
  }
  assert(body.len - *at >= STOA_PACKED_HEADER_LEN);
  uint32_t header = read_u32(body.data + *at);
  size_t len = header & ~STOA_PACKED_TEXT;
  *at += STOA_PACKED_HEADER_LEN;
  assert(len <= body.len - *at);
  *out_message = stoa_bytes_make(body.data + *at, len);
  *out_is_text = (header & STOA_PACKED_TEXT) != 0;
  *at += len;
  return true;
}
