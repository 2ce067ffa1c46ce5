/* Typed frames, binary and text: what was read can be written, and reads the same again. */
#include <stoa/buffer.h>

#include "must.h"
#include "wire/typed.h"

static void same(const struct stoa_typed *a, const struct stoa_typed *b) {
  must(a->type == b->type && a->is_call == b->is_call && a->is_error == b->is_error && a->id == b->id);
  must(stoa_bytes_equal(a->payload, b->payload));
}

static void text_comes_back(struct stoa_bytes message, bool quoted) {
  struct stoa_buffer scratch, again_scratch, packet;
  struct stoa_typed typed, again;
  stoa_buffer_init(&scratch, message.len);
  stoa_buffer_init(&again_scratch, message.len * 6 + 100);
  stoa_buffer_init(&packet, message.len * 6 + 100);
  int status = stoa_typed_text_read(message, quoted, &scratch, &typed);
  must(status == STOA_OK || status == STOA_E_SYNTAX || status == STOA_E_TYPE || status == STOA_E_LIMIT);
  if (status == STOA_OK) {
    must(typed.type <= STOA_TYPE_MAX && typed.payload.len <= message.len);
    must(stoa_typed_text_write(&typed, quoted, &packet) == STOA_OK);
    must(stoa_typed_text_read(stoa_bytes_make(packet.data, packet.len), quoted, &again_scratch, &again) == STOA_OK);
    same(&typed, &again);
  }
  stoa_buffer_fini(&scratch);
  stoa_buffer_fini(&again_scratch);
  stoa_buffer_fini(&packet);
}

static void binary_comes_back(struct stoa_bytes message, enum stoa_typed_order order) {
  struct stoa_typed typed;
  uint8_t header[STOA_TYPED_HEADER_LEN_MAX];
  if (stoa_typed_read(message, order, &typed) == STOA_OK) {
    size_t header_len = stoa_typed_write(header, order, &typed);
    must(header_len + typed.payload.len == message.len);
    must(memcmp(header, message.data, header_len) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_bytes message = stoa_bytes_make(data, len);
  text_comes_back(message, false);
  text_comes_back(message, true);
  binary_comes_back(message, STOA_TYPED_BIG_ENDIAN);
  binary_comes_back(message, STOA_TYPED_LITTLE_ENDIAN);
  return 0;
}
