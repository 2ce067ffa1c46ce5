#include "room/text.h"

#include "codec/varint.h"

#include <stddef.h>

/* Past a value, or NULL when it is cut short. Groups have not been written since proto3, and are not skipped. */
static const uint8_t *skip(const uint8_t *at, const uint8_t *end, uint32_t wire, struct stoa_string *out_value) {
  uint64_t number;
  size_t left = (size_t)(end - at);
  switch (wire) {
    case STOA_WIRE_VARINT:
      return stoa_varint_read(at, end, &number);
    case STOA_WIRE_FIXED64:
      return left < 8 ? NULL : at + 8;
    case STOA_WIRE_FIXED32:
      return left < 4 ? NULL : at + 4;
    case STOA_WIRE_LEN:
      at = stoa_varint_read(at, end, &number);
      if (at == NULL || number > (uint64_t)(end - at)) {
        return NULL;
      }
      *out_value = stoa_string_make((const char *)at, (size_t)number);
      return at + number;
    default:
      return NULL;
  }
}

bool stoa_room_text_of(struct stoa_bytes body, uint32_t field, struct stoa_string *out_text) {
  const uint8_t *at = body.data;
  const uint8_t *end = body.len == 0 ? at : at + body.len;
  bool is_found = false;
  struct stoa_string text = {NULL, 0};
  while (at != end) {
    uint64_t tag;
    struct stoa_string value = {NULL, 0};
    at = stoa_varint_read(at, end, &tag);
    at = at == NULL ? NULL : skip(at, end, (uint32_t)(tag & 7), &value);
    if (at == NULL) {
      return false;
    }
    if (tag >> 3 == field && (tag & 7) == STOA_WIRE_LEN) {
      is_found = true;
      text = value;
    }
  }
  if (is_found) {
    *out_text = text;
  }
  return is_found;
}
