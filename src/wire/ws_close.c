#include "wire/ws_frame.h"

#include <assert.h>

/* The longest reason of a close frame. */
#define REASON_LEN_MAX (STOA_WS_CONTROL_LEN_MAX - 2)

bool stoa_ws_close_code_valid(uint16_t code) {
  /* RFC 6455 7.4.2: below 1000 unused; 3000 to 4999 for libraries and applications. 1004 is reserved, 1005, 1006 and
   * 1015 MUST NOT be set by an endpoint (7.4.1); 1012 to 1014 were registered with IANA later. */
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* How much of the reason fits without cutting a character in two. */
static size_t reason_len(const char *reason) {
  size_t len = strnlen(reason, REASON_LEN_MAX + 1);
  if (len <= REASON_LEN_MAX) {
    return len;
  }
  len = REASON_LEN_MAX;
  while (len > 0 && ((uint8_t)reason[len] & 0xc0) == 0x80) {
    len--;
  }
  return len;
}

size_t stoa_ws_close_write(uint8_t out[127], uint16_t code, const char *reason) {
  out[0] = 0x80 | STOA_WS_CLOSE;
  if (code == STOA_WS_CLOSE_NO_STATUS) {
    out[1] = 0;
    return 2;
  }
  size_t len = reason != NULL ? reason_len(reason) : 0;
  assert(len <= REASON_LEN_MAX);
  out[1] = (uint8_t)(2 + len);
  out[2] = (uint8_t)(code >> 8);
  out[3] = (uint8_t)code;
  if (len > 0) {
    memcpy(out + 4, reason, len);
  }
  return 4 + len;
}
