/* Converts messages of any type between binary and JSON, for corpus.py, which writes corpus_types.h: the includes, and
 * `types`, an array of the messages.
 *
 * First it prints the full names of the types, one a line, and an empty line. Then, until the input ends, a request is
 * the index of a type, what is wanted, and a length, four bytes each in little-endian order, and the message; an answer
 * is a status, a length and the message, or the error's text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <stoa/json.h>
#include <stoa/types.h>
#include <string.h>

#include "corpus_types.h"

#define MESSAGE_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define ARENA_BYTES_MAX ((size_t)256 * 1024 * 1024)

enum { FROM_JSON = 1, TO_JSON = 2 };

static bool read_number(uint32_t *out_number) {
  uint8_t bytes[4];
  if (fread(bytes, 1, sizeof bytes, stdin) != sizeof bytes) {
    return false;
  }
  *out_number = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
  return true;
}

static void write_number(uint32_t number) {
  const uint8_t bytes[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), (uint8_t)(number >> 24)};
  fwrite(bytes, 1, sizeof bytes, stdout);
}

static void answer(int status, const void *data, size_t len) {
  write_number((uint32_t)status);
  write_number((uint32_t)len);
  if (len > 0) {
    fwrite(data, 1, len, stdout);
  }
  fflush(stdout);
}

static int convert(const struct stoa_message_type *type, uint32_t wanted, struct stoa_bytes input,
                   struct stoa_arena *arena, struct stoa_buffer *out, struct stoa_codec_error *error) {
  const struct stoa_json_options options = {.reject_unknown = true};
  void *message = stoa_arena_calloc(arena, type->size);
  if (message == NULL) {
    return STOA_E_MEMORY;
  }
  int status = (wanted & FROM_JSON) != 0 ? stoa_json_decode_with(&options, type, input, arena, message, error)
                                         : stoa_codec_proto.decode(type, input, arena, message, error);
  if (status != STOA_OK) {
    return status;
  }
  return (wanted & TO_JSON) != 0 ? stoa_json_encode_with(&options, type, message, out)
                                 : stoa_codec_proto.encode(type, message, out);
}

static bool serve(uint32_t index, uint32_t wanted, size_t len, struct stoa_arena *arena) {
  uint8_t *input = len > MESSAGE_BYTES_MAX ? NULL : malloc(len == 0 ? 1 : len);
  if (input == NULL || index >= sizeof types / sizeof types[0] || fread(input, 1, len, stdin) != len) {
    free(input);
    return false;
  }
  struct stoa_codec_error error = {.text = ""};
  struct stoa_buffer out;
  stoa_buffer_init(&out, 4 * MESSAGE_BYTES_MAX);
  int status = convert(types[index], wanted, stoa_bytes_make(input, len), arena, &out, &error);
  if (status == STOA_OK) {
    answer(status, out.data, out.len);
  } else {
    answer(status, error.text, strlen(error.text));
  }
  stoa_buffer_fini(&out);
  stoa_arena_reset(arena);
  free(input);
  return true;
}

int main(void) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    printf("%s\n", types[i]->full_name);
    if (stoa_types_add(types[i]) != STOA_OK) {
      return 1;
    }
  }
  printf("\n");
  fflush(stdout);
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  uint32_t index;
  uint32_t wanted;
  uint32_t len;
  bool is_served = arena != NULL;
  while (is_served && read_number(&index) && read_number(&wanted) && read_number(&len)) {
    is_served = serve(index, wanted, len, arena);
  }
  stoa_arena_destroy(arena);
  return is_served ? 0 : 1;
}
