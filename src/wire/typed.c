#include "wire/typed.h"

#include <assert.h>
#include <stdio.h>

static uint32_t word_read(const uint8_t *data, enum stoa_typed_order order) {
  uint32_t a = data[0], b = data[1], c = data[2], d = data[3];
  return order == STOA_TYPED_BIG_ENDIAN ? a << 24 | b << 16 | c << 8 | d : d << 24 | c << 16 | b << 8 | a;
}

static void word_write(uint8_t *out, enum stoa_typed_order order, uint32_t word) {
  for (unsigned i = 0; i < 4; i++) {
    out[i] = (uint8_t)(word >> (order == STOA_TYPED_BIG_ENDIAN ? 24 - 8 * i : 8 * i));
  }
}

int stoa_typed_read(struct stoa_bytes message, enum stoa_typed_order order, struct stoa_typed *out_typed) {
  if (message.len < 4) {
    return STOA_E_SYNTAX;
  }
  uint32_t word = word_read(message.data, order);
  bool is_call = (word & STOA_TYPE_CALL) != 0;
  size_t header_len = is_call ? 8 : 4;
  if (message.len < header_len) {
    return STOA_E_SYNTAX;
  }
  out_typed->type = word & STOA_TYPE_MAX;
  out_typed->is_call = is_call;
  out_typed->is_error = (word & STOA_TYPE_ERROR) != 0;
  out_typed->id = is_call ? word_read(message.data + 4, order) : 0;
  out_typed->payload = stoa_bytes_make(message.data + header_len, message.len - header_len);
  assert(out_typed->type <= STOA_TYPE_MAX);
  assert(out_typed->payload.len + header_len == message.len);
  return STOA_OK;
}

size_t stoa_typed_write(uint8_t out[STOA_TYPED_HEADER_LEN_MAX], enum stoa_typed_order order,
                        const struct stoa_typed *typed) {
  assert(typed->type <= STOA_TYPE_MAX);
  uint32_t flags = (typed->is_call ? STOA_TYPE_CALL : 0) | (typed->is_error ? STOA_TYPE_ERROR : 0);
  word_write(out, order, typed->type | flags);
  if (!typed->is_call) {
    return 4;
  }
  word_write(out + 4, order, typed->id);
  return 8;
}

bool stoa_typed_is_cancel(const struct stoa_typed *typed, bool is_text) {
  const struct stoa_bytes payload = typed->payload;
  assert(typed->is_call);
  assert(typed->is_error);
  return is_text ? payload.len == 4 && memcmp(payload.data, "null", 4) == 0 : payload.len == 0;
}

/* Digits alone, without a leading 0. */
static uint32_t number_read(struct stoa_bytes text) {
  uint32_t number = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t digit = (uint8_t)(text.data[i] - '0');
    if (digit > 9 || (i == 0 && digit == 0) || number > STOA_TYPED_CREDIT_MAX / 10) {
      return 0;
    }
    number = number * 10 + digit;
  }
  return number;
}

int stoa_typed_credit_read(const struct stoa_typed *typed, enum stoa_typed_order order, bool is_text,
                           uint32_t *out_bytes) {
  uint32_t bytes = 0;
  assert(typed->is_call);
  assert(typed->is_error);
  if (is_text) {
    bytes = number_read(typed->payload);
  } else if (typed->payload.len == 4) {
    bytes = word_read(typed->payload.data, order);
  }
  if (bytes == 0 || bytes > STOA_TYPED_CREDIT_MAX) {
    return STOA_E_SYNTAX;
  }
  *out_bytes = bytes;
  return STOA_OK;
}

size_t stoa_typed_credit_write(uint32_t bytes, enum stoa_typed_order order, bool is_text,
                               uint8_t out[STOA_TYPED_CREDIT_LEN_MAX]) {
  assert(bytes > 0);
  assert(bytes <= STOA_TYPED_CREDIT_MAX);
  if (!is_text) {
    word_write(out, order, bytes);
    return 4;
  }
  int len = snprintf((char *)out, STOA_TYPED_CREDIT_LEN_MAX, "%u", bytes);
  assert(len < STOA_TYPED_CREDIT_LEN_MAX);
  return (size_t)len;
}
