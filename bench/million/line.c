#include "line.h"

#include <assert.h>
#include <string.h>

enum { ROUND_DIGITS = 4, SENDER_DIGITS = 5, ROUND_AT = 4 + 12, SENDER_AT = ROUND_AT + ROUND_DIGITS + 1 };
enum { TAIL_AT = SENDER_AT + SENDER_DIGITS };

/* Four bytes of type, all 0, then the JSON with its fields in the order in which a server writes them. */
static const char model[] =
    "\0\0\0\0{\"message\":\"0000 00000 all can hear this\",\"sender\":\"million\","
    "\"timestamp\":\"2026-01-01T00:00:00.000Z\"}";
static_assert(sizeof model - 1 == LINE_PAYLOAD_LEN, "the model is a payload");

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static void put_number(uint8_t *out, unsigned digits, unsigned number) {
  for (unsigned i = digits; i > 0; i--) {
    out[i - 1] = (uint8_t)('0' + number % 10);
    number /= 10;
  }
}

static bool take_number(const uint8_t *text, unsigned digits, unsigned *out_number) {
  unsigned number = 0;
  for (unsigned i = 0; i < digits; i++) {
    if (text[i] < '0' || text[i] > '9') {
      return false;
    }
    number = number * 10 + text[i] - '0';
  }
  *out_number = number;
  return true;
}

void line_write(unsigned round, unsigned sender, uint8_t out[LINE_MASKED_LEN]) {
  assert(round < LINE_ROUNDS_MAX && sender < LINE_SENDERS_MAX);
  uint8_t *payload = out + 6;
  out[0] = 0x82;
  out[1] = 0x80 | LINE_PAYLOAD_LEN;
  memcpy(out + 2, mask, sizeof mask);
  memcpy(payload, model, LINE_PAYLOAD_LEN);
  put_number(payload + ROUND_AT, ROUND_DIGITS, round);
  put_number(payload + SENDER_AT, SENDER_DIGITS, sender);
  for (unsigned i = 0; i < LINE_PAYLOAD_LEN; i++) {
    payload[i] ^= mask[i % 4];
  }
}

bool line_read(const uint8_t *payload, unsigned *out_round, unsigned *out_sender) {
  return memcmp(payload, model, ROUND_AT) == 0 && take_number(payload + ROUND_AT, ROUND_DIGITS, out_round) &&
         payload[SENDER_AT - 1] == ' ' && take_number(payload + SENDER_AT, SENDER_DIGITS, out_sender) &&
         memcmp(payload + TAIL_AT, model + TAIL_AT, LINE_PAYLOAD_LEN - TAIL_AT) == 0;
}
