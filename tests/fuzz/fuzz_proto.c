/* Protobuf binary: what decodes encodes, decodes to the same again, and survives JSON when JSON has a form for it. */
#include "convert.h"

static void try_json(const struct special *message, struct stoa_arena *arena) {
  struct stoa_buffer json;
  stoa_buffer_init(&json, OUT_BYTES_MAX);
  int status = stoa_json_encode_with(&plain, &special_type, message, &json);
  must(status == STOA_OK || status == STOA_E_TYPE || status == STOA_E_LIMIT || status == STOA_E_MEMORY);
  if (is_written(status, &json)) {
    json_comes_back(&plain, &json, arena);
  }
  stoa_buffer_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  must(special_add_types());
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  must(arena != NULL);
  struct special message;
  struct stoa_buffer out;
  stoa_buffer_init(&out, OUT_BYTES_MAX);
  if (read_proto(stoa_bytes_make(data, len), arena, &message) == STOA_OK) {
    must(stoa_codec_proto.encode(&special_type, &message, &out) == STOA_OK);
    proto_comes_back(&out, arena);
    try_json(&message, arena);
  }
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
  return 0;
}
