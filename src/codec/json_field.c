#include "codec/json_field.h"

#include "codec/json_message.h"
#include "codec/json_write.h"
#include "codec/table.h"

#include <assert.h>

int stoa_json_decode_field(const struct stoa_json_options *options, const struct stoa_field *field,
                           struct stoa_bytes input, struct stoa_arena *arena, void *message,
                           struct stoa_codec_error *out_error) {
  const uint8_t *begin = input.len == 0 ? (const uint8_t *)"" : input.data;
  struct stoa_json_reader reader = {.begin = begin, .end = begin + input.len, .arena = arena, .options = options};
  stoa_fault_init(&reader.fault, out_error);
  const uint8_t *at = stoa_json_read_field(&reader, field, message, stoa_json_skip_space(&reader, begin));
  if (at != NULL) {
    assert(reader.depth == 0);
    at = stoa_json_skip_space(&reader, at);
    at = at == reader.end ? at : stoa_json_fail_syntax(&reader, at, "the end of the input");
  }
  if (at == NULL) {
    stoa_fault_name(&reader.fault, field->name);
    return reader.status;
  }
  return STOA_OK;
}

int stoa_json_encode_field(const struct stoa_json_options *options, const struct stoa_field *field, const void *message,
                           struct stoa_buffer *out) {
  struct stoa_json_writer writer = {.out = out, .options = options};
  size_t len_before = out->len;
  bool is_set;
  bool is_absent = stoa_field_has_presence(field, message, &is_set) && !is_set;
  int status = is_absent ? stoa_json_write_text(&writer, "null", 4) : stoa_json_write_field(&writer, field, message);
  assert(out->len >= len_before);
  if (status != STOA_OK) {
    out->len = len_before;
  }
  return status;
}
