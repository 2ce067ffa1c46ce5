/* Packed messages: a body that is taken gives messages that, packed again, are the body; one that is refused has a
 * reason, and nothing of it is read beyond its end.
 */
#include <string.h>

#include "base/utf8.h"
#include "must.h"
#include "wire/packed.h"

#define MESSAGE_BYTES_MAX 64u
#define BODY_BYTES_MAX 4096u

static size_t pack(uint8_t *out, struct stoa_bytes message, bool is_text) {
  uint32_t header = (uint32_t)message.len | (is_text ? STOA_PACKED_TEXT : 0);
  for (int i = 0; i < STOA_PACKED_HEADER_LEN; i++) {
    out[i] = (uint8_t)(header >> (24 - 8 * i));
  }
  if (message.len > 0) {
    memcpy(out + STOA_PACKED_HEADER_LEN, message.data, message.len);
  }
  return STOA_PACKED_HEADER_LEN + message.len;
}

static void walk(struct stoa_bytes body) {
  static uint8_t again[BODY_BYTES_MAX];
  struct stoa_bytes message;
  size_t at = 0;
  size_t len = 0;
  bool is_text;
  while (stoa_packed_next(body, &at, &message, &is_text)) {
    must(message.len <= MESSAGE_BYTES_MAX);
    must(message.data >= body.data && message.data + message.len <= body.data + body.len);
    must(!is_text || stoa_utf8_valid(message.data, message.len));
    len += pack(again + len, message, is_text);
  }
  must(at == body.len && len == body.len);
  must(len == 0 || memcmp(again, body.data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct stoa_bytes body = {data, size < BODY_BYTES_MAX ? size : BODY_BYTES_MAX};
  int status = stoa_packed_check(body, MESSAGE_BYTES_MAX);
  must(status == STOA_OK || status == STOA_E_SYNTAX || status == STOA_E_LIMIT || status == STOA_E_UTF8);
  if (status == STOA_OK) {
    walk(body);
  }
  return 0;
}
