/* tests/fuzz/convert.h: messages on their way through both codecs, for the targets that fuzz them. */
#ifndef TESTS_FUZZ_CONVERT_H
#define TESTS_FUZZ_CONVERT_H

#include <stoa/json.h>

/* A target is one file to whoever links it with the fuzzer, so the tables that the tests share come as text. */
#include "../codec/sample.c" /* NOLINT(bugprone-suspicious-include) */
#undef FIELD
#undef ONE
#undef LIST
#undef ENTRY
#include "../codec/special.c" /* NOLINT(bugprone-suspicious-include) */
#include "must.h"

#define OUT_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define ARENA_BYTES_MAX ((size_t)64 * 1024 * 1024)

static const struct stoa_json_options plain = STOA_JSON_DEFAULTS;

static inline struct stoa_bytes view(const struct stoa_buffer *buffer) {
  return stoa_bytes_make(buffer->data, buffer->len);
}

/* An error leaves a reason, success none. */
static inline void reason_fits(int status, const struct stoa_codec_error *error) {
  must((status == STOA_OK) == (error->text[0] == '\0'));
  must(memchr(error->text, '\0', sizeof error->text) != NULL);
}

static inline int read_proto(struct stoa_bytes input, struct stoa_arena *arena, struct special *out_message) {
  struct stoa_codec_error error;
  memset(out_message, 0, sizeof *out_message);
  int status = stoa_codec_proto.decode(&special_type, input, arena, out_message, &error);
  reason_fits(status, &error);
  return status;
}

static inline int read_json(const struct stoa_json_options *options, struct stoa_bytes input, struct stoa_arena *arena,
                            struct special *out_message) {
  struct stoa_codec_error error;
  memset(out_message, 0, sizeof *out_message);
  int status = stoa_json_decode_with(options, &special_type, input, arena, out_message, &error);
  reason_fits(status, &error);
  return status;
}

/* What was written as JSON reads as the same message: it is written the same again. */
static inline void json_comes_back(const struct stoa_json_options *options, const struct stoa_buffer *json,
                                   struct stoa_arena *arena) {
  struct special again;
  struct stoa_buffer out;
  stoa_buffer_init(&out, OUT_BYTES_MAX);
  must(read_json(options, view(json), arena, &again) == STOA_OK);
  must(stoa_json_encode_with(options, &special_type, &again, &out) == STOA_OK);
  must(stoa_bytes_equal(view(json), view(&out)));
  stoa_buffer_fini(&out);
}

static inline void proto_comes_back(const struct stoa_buffer *binary, struct stoa_arena *arena) {
  struct special again;
  struct stoa_buffer out;
  stoa_buffer_init(&out, OUT_BYTES_MAX);
  must(read_proto(view(binary), arena, &again) == STOA_OK);
  must(stoa_codec_proto.encode(&special_type, &again, &out) == STOA_OK);
  must(stoa_bytes_equal(view(binary), view(&out)));
  stoa_buffer_fini(&out);
}

/* JSON that was read can be written, except that the defaults of many empty messages may be long. */
static inline bool is_written(int status, const struct stoa_buffer *out) {
  must(status == STOA_OK || out->len == 0);
  return status == STOA_OK;
}

#endif
