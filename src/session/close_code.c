/* session/close_code.c: the table of the meanings of close codes. */
#include "base/array.h"

#include <stoa/session.h>

static const struct {
  uint16_t code;
  const char *text;
} codes[] = {
    {1000, "normal closure"},
    {1001, "going away"},
    {1002, "protocol error"},
    {1003, "unsupported data"},
    {1005, "no close code"},
    {1006, "connection broke"},
    {1007, "invalid data"},
    {1008, "policy violated"},
    {1009, "message too big"},
    {1010, "extension missing"},
    {1011, "internal error"},
    {1012, "service restarts"},
    {1013, "try again later"},
    {1014, "bad gateway"},
    {1015, "TLS handshake failed"},
    {STOA_CLOSE_DRAINING, "server is going away"},
    {STOA_CLOSE_INTERNAL, "server failed, try again"},
    {STOA_CLOSE_TOKEN_EXPIRED, "token expired"},
    {STOA_CLOSE_SLOW, "reads too slowly"},
    {STOA_CLOSE_POSITION_LOST, "missed a message"},
    {STOA_CLOSE_NO_PONG, "no sign of life"},
    {STOA_CLOSE_RATE, "sends too much"},
    {STOA_CLOSE_FULL, "server is full"},
    {STOA_CLOSE_BAD_TOKEN, "token is not valid"},
    {STOA_CLOSE_PROTOCOL, "broke the application's protocol"},
    {STOA_CLOSE_NO_HELLO, "did not say hello"},
    {STOA_CLOSE_KICKED, "was removed"},
    {STOA_CLOSE_FORBIDDEN, "is not allowed"},
    {STOA_CLOSE_TOO_MANY_ERRORS, "made too many errors"},
};

const char *stoa_close_code_text(uint16_t code) {
  for (size_t i = 0; i < STOA_COUNT_OF(codes); i++) {
    if (codes[i].code == code) {
      return codes[i].text;
    }
  }
  return "unknown close code";
}
