#include <assert.h>
#include <stoa/traceparent.h>

#include "base/hex.h"

/* "00-", the trace id, '-', the id of the calling span, '-', the flags. */
#define ID_AT 3u
#define ID_BYTES 16u
#define SPAN_AT (ID_AT + 2 * ID_BYTES + 1)
#define SPAN_BYTES 8u
#define FLAGS_AT (SPAN_AT + 2 * SPAN_BYTES + 1)
#define FLAG_SAMPLED 0x01u

_Static_assert(FLAGS_AT + 2 == STOA_TRACEPARENT_LEN, "the parts are the whole");

/* Only lower case is allowed. -1: not a digit. */
static int digit_of(char byte) {
  return byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Read `count` bytes. False when one is not two hexadecimal digits. */
static bool read_hex(const char *text, size_t count, uint8_t *out_bytes) {
  for (size_t i = 0; i < count; i++) {
    int high = digit_of(text[2 * i]);
    int low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out_bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static bool has_bits(const uint8_t *bytes, size_t count) {
  uint8_t all = 0;
  for (size_t i = 0; i < count; i++) {
    all |= bytes[i];
  }
  return all != 0;
}

/* Version 00 has nothing behind the flags; a later one may have more, after another '-'. Version ff is invalid. */
static bool is_version(struct stoa_string text) {
  uint8_t version;
  if (!read_hex(text.data, 1, &version) || version == 0xff) {
    return false;
  }
  return text.len == STOA_TRACEPARENT_LEN || (version > 0 && text.data[STOA_TRACEPARENT_LEN] == '-');
}

int stoa_traceparent_parse(struct stoa_string text, struct stoa_trace_context *out_context) {
  struct stoa_trace_context context = {0};
  uint8_t flags;
  if (text.len < STOA_TRACEPARENT_LEN || text.len > STOA_TRACEPARENT_LEN_MAX || !is_version(text) ||
      text.data[ID_AT - 1] != '-' || text.data[SPAN_AT - 1] != '-' || text.data[FLAGS_AT - 1] != '-' ||
      !read_hex(text.data + ID_AT, ID_BYTES, context.trace_id) || !has_bits(context.trace_id, ID_BYTES) ||
      !read_hex(text.data + SPAN_AT, SPAN_BYTES, context.span_id) || !has_bits(context.span_id, SPAN_BYTES) ||
      !read_hex(text.data + FLAGS_AT, 1, &flags)) {
    return STOA_E_SYNTAX;
  }
  context.is_sampled = (flags & FLAG_SAMPLED) != 0;
  *out_context = context;
  return STOA_OK;
}

void stoa_traceparent_format(const struct stoa_trace_context *context, char out_text[STOA_TRACEPARENT_LEN + 1]) {
  assert(has_bits(context->trace_id, ID_BYTES));
  assert(has_bits(context->span_id, SPAN_BYTES));
  memcpy(out_text, "00-", ID_AT);
  stoa_hex_write(context->trace_id, ID_BYTES, out_text + ID_AT);
  out_text[SPAN_AT - 1] = '-';
  stoa_hex_write(context->span_id, SPAN_BYTES, out_text + SPAN_AT);
  out_text[FLAGS_AT - 1] = '-';
  out_text[FLAGS_AT] = '0';
  out_text[FLAGS_AT + 1] = context->is_sampled ? '1' : '0';
  out_text[FLAGS_AT + 2] = '\0';
}
