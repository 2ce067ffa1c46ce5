/* proto3 JSON, after a byte that chooses options: what decodes is written, and reads the same again; as binary too. */
#include "convert.h"

static struct stoa_json_options options_of(uint8_t bits) {
  return (struct stoa_json_options){.emit_unpopulated = (bits & 1) == 0,
                                    .proto_names = (bits & 2) != 0,
                                    .enums_as_numbers = (bits & 4) != 0,
                                    .reject_unknown = (bits & 8) != 0,
                                    .ignore_unknown_enums = (bits & 16) != 0};
}

/* A list in a Value is one level in JSON and two in binary, so binary may find it too deep. */
static void try_proto(const struct special *message, const struct stoa_buffer *json, struct stoa_arena *arena) {
  struct stoa_buffer binary;
  stoa_buffer_init(&binary, OUT_BYTES_MAX);
  int status = stoa_codec_proto.encode(&special_type, message, &binary);
  must(status == STOA_OK || status == STOA_E_LIMIT);
  if (is_written(status, &binary)) {
    proto_comes_back(&binary, arena);
    struct special again;
    struct stoa_buffer same;
    stoa_buffer_init(&same, OUT_BYTES_MAX);
    must(read_proto(view(&binary), arena, &again) == STOA_OK);
    must(stoa_json_encode_with(&plain, &special_type, &again, &same) == STOA_OK);
    must(stoa_bytes_equal(view(json), view(&same)));
    stoa_buffer_fini(&same);
  }
  stoa_buffer_fini(&binary);
}

static void try_message(const struct special *message, const struct stoa_json_options *options,
                        struct stoa_arena *arena) {
  struct stoa_buffer chosen;
  struct stoa_buffer json;
  stoa_buffer_init(&chosen, OUT_BYTES_MAX);
  stoa_buffer_init(&json, OUT_BYTES_MAX);
  int status = stoa_json_encode_with(options, &special_type, message, &chosen);
  must(status == STOA_OK || status == STOA_E_LIMIT);
  if (is_written(status, &chosen)) {
    json_comes_back(options, &chosen, arena);
  }
  status = stoa_json_encode_with(&plain, &special_type, message, &json);
  must(status == STOA_OK || status == STOA_E_LIMIT);
  if (is_written(status, &json)) {
    json_comes_back(&plain, &json, arena);
    try_proto(message, &json, arena);
  }
  stoa_buffer_fini(&json);
  stoa_buffer_fini(&chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  must(special_add_types());
  if (len == 0) {
    return 0;
  }
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  must(arena != NULL);
  struct stoa_json_options options = options_of(data[0]);
  struct special message;
  if (read_json(&options, stoa_bytes_make(data + 1, len - 1), arena, &message) == STOA_OK) {
    try_message(&message, &options, arena);
  }
  stoa_arena_destroy(arena);
  return 0;
}
