/* Stoa before protobuf's conformance runner: `conformance_test_runner .../conformance_testee`.
 *
 * On standard input and output, until the input ends: a length of four bytes, little-endian, and a ConformanceRequest;
 * back come a length and a ConformanceResponse. All that is proto3 in binary and JSON is answered. `skipped` are
 * Protobuf's text format, JSPB, and messages of proto2 and of editions.
 */
#include <google/protobuf/any.stoa.h>
#include <google/protobuf/duration.stoa.h>
#include <google/protobuf/empty.stoa.h>
#include <google/protobuf/field_mask.stoa.h>
#include <google/protobuf/struct.stoa.h>
#include <google/protobuf/timestamp.stoa.h>
#include <google/protobuf/wrappers.stoa.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/json.h>
#include <stoa/types.h>

#include "conformance.stoa.h"
#include "test_messages_proto3.stoa.h"

#define REQUEST_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define ARENA_BYTES_MAX ((size_t)1024 * 1024 * 1024)

/* The numbers of the members of ConformanceRequest.payload and ConformanceResponse.result. */
enum { PAYLOAD_PROTOBUF = 1, PAYLOAD_JSON = 2 };
enum {
  RESULT_PARSE_ERROR = 1,
  RESULT_RUNTIME_ERROR = 2,
  RESULT_PROTOBUF = 3,
  RESULT_JSON = 4,
  RESULT_SKIPPED = 5,
  RESULT_SERIALIZE_ERROR = 6
};

static const struct stoa_message_type *const tested = &protobuf_test_messages_proto3_test_all_types_proto3_type;

/* What an Any of the runner may hold. */
static bool add_types(void) {
  const struct stoa_message_type *const types[] = {
      &protobuf_test_messages_proto3_test_all_types_proto3_type,
      &protobuf_test_messages_proto3_foreign_message_type,
      &google_protobuf_any_type,
      &google_protobuf_duration_type,
      &google_protobuf_empty_type,
      &google_protobuf_field_mask_type,
      &google_protobuf_timestamp_type,
      &google_protobuf_struct_type,
      &google_protobuf_value_type,
      &google_protobuf_list_value_type,
      &google_protobuf_bool_value_type,
      &google_protobuf_bytes_value_type,
      &google_protobuf_double_value_type,
      &google_protobuf_float_value_type,
      &google_protobuf_int32_value_type,
      &google_protobuf_int64_value_type,
      &google_protobuf_string_value_type,
      &google_protobuf_u_int32_value_type,
      &google_protobuf_u_int64_value_type,
  };
  bool is_done = true;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    is_done = is_done && stoa_types_add(types[i]) == STOA_OK;
  }
  return is_done;
}

static struct conformance_conformance_response say(int32_t result, struct stoa_string text) {
  struct conformance_conformance_response response = {.result_case = result};
  response.result.skipped = text;
  return response;
}

static bool is_text(struct stoa_string text, const char *expected) {
  return stoa_string_equal(text, stoa_string_of(expected));
}

static int decode(const struct conformance_conformance_request *request, struct stoa_arena *arena, void *message,
                  struct stoa_codec_error *error) {
  if (request->payload_case == PAYLOAD_PROTOBUF) {
    return stoa_codec_proto.decode(tested, request->payload.protobuf_payload, arena, message, error);
  }
  bool is_lenient = request->test_category == CONFORMANCE_TEST_CATEGORY_JSON_IGNORE_UNKNOWN_PARSING_TEST;
  struct stoa_json_options options = {.reject_unknown = !is_lenient, .ignore_unknown_enums = is_lenient};
  struct stoa_bytes json = stoa_bytes_make(request->payload.json_payload.data, request->payload.json_payload.len);
  return stoa_json_decode_with(&options, tested, json, arena, message, error);
}

static int encode(const struct conformance_conformance_request *request, const void *message, struct stoa_buffer *out) {
  const struct stoa_json_options options = {.emit_unpopulated = false};
  return request->requested_output_format == CONFORMANCE_WIRE_FORMAT_JSON
             ? stoa_json_encode_with(&options, tested, message, out)
             : stoa_codec_proto.encode(tested, message, out);
}

/* What is returned points into the arena, `out` and `error`. */
static struct conformance_conformance_response convert(const struct conformance_conformance_request *request,
                                                       struct stoa_arena *arena, struct stoa_buffer *out,
                                                       struct stoa_codec_error *error) {
  void *message = stoa_arena_calloc(arena, tested->size);
  if (message == NULL) {
    return say(RESULT_RUNTIME_ERROR, stoa_string_of("out of memory"));
  }
  if (decode(request, arena, message, error) != STOA_OK) {
    return say(RESULT_PARSE_ERROR, stoa_string_of(error->text));
  }
  int status = encode(request, message, out);
  if (status != STOA_OK) {
    return say(RESULT_SERIALIZE_ERROR, stoa_string_of(stoa_status_text(status)));
  }
  struct stoa_string encoded = stoa_string_make((const char *)out->data, out->len);
  return say(request->requested_output_format == CONFORMANCE_WIRE_FORMAT_JSON ? RESULT_JSON : RESULT_PROTOBUF, encoded);
}

static struct conformance_conformance_response answer(const struct conformance_conformance_request *request,
                                                      struct stoa_arena *arena, struct stoa_buffer *out,
                                                      struct stoa_codec_error *error) {
  bool is_output = request->requested_output_format == CONFORMANCE_WIRE_FORMAT_PROTOBUF ||
                   request->requested_output_format == CONFORMANCE_WIRE_FORMAT_JSON;
  if (is_text(request->message_type, "conformance.FailureSet")) {
    return say(RESULT_PROTOBUF, stoa_string_of("")); /* an empty one */
  }
  if (!is_text(request->message_type, tested->full_name)) {
    return say(RESULT_SKIPPED, stoa_string_of("not proto3"));
  }
  if (!is_output || (request->payload_case != PAYLOAD_PROTOBUF && request->payload_case != PAYLOAD_JSON)) {
    return say(RESULT_SKIPPED, stoa_string_of("neither binary nor JSON"));
  }
  return convert(request, arena, out, error);
}

static bool read_all(void *data, size_t len) {
  return fread(data, 1, len, stdin) == len;
}

static bool write_framed(const struct stoa_buffer *out) {
  size_t len = out->len;
  uint8_t head[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};
  return fwrite(head, 1, sizeof head, stdout) == sizeof head && fwrite(out->data, 1, len, stdout) == len &&
         fflush(stdout) == 0;
}

static bool respond(struct stoa_bytes input, struct stoa_arena *arena) {
  struct stoa_codec_error error;
  struct stoa_buffer payload;
  struct stoa_buffer out;
  stoa_buffer_init(&payload, 2 * REQUEST_BYTES_MAX);
  stoa_buffer_init(&out, 3 * REQUEST_BYTES_MAX);
  struct conformance_conformance_request request = {0};
  bool is_done =
      stoa_codec_proto.decode(&conformance_conformance_request_type, input, arena, &request, &error) == STOA_OK;
  if (is_done) {
    struct conformance_conformance_response response = answer(&request, arena, &payload, &error);
    is_done = stoa_codec_proto.encode(&conformance_conformance_response_type, &response, &out) == STOA_OK &&
              write_framed(&out);
  }
  stoa_buffer_fini(&out);
  stoa_buffer_fini(&payload);
  return is_done;
}

/* Memory of exactly the input's length, so that a sanitizer sees a read after its end. */
static bool serve(size_t len, struct stoa_arena *arena) {
  uint8_t *input = len > REQUEST_BYTES_MAX ? NULL : malloc(len == 0 ? 1 : len);
  bool is_done = input != NULL && read_all(input, len) && respond(stoa_bytes_make(input, len), arena);
  free(input);
  stoa_arena_reset(arena);
  return is_done;
}

int main(void) {
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  uint8_t head[4];
  bool is_good = arena != NULL && add_types();
  while (is_good && read_all(head, sizeof head)) {
    is_good = serve(head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24, arena);
  }
  stoa_arena_destroy(arena);
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
