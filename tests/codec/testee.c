/* The other side of differential.py: converts messages of sample.Every between the codecs, one request after another.
 *
 * A request is a letter for the codec of the input (p or j), a length of four bytes, little-endian, and the input. The
 * answer is a status byte; after STOA_OK the message follows as binary and as JSON, otherwise the text of the error,
 * each with its length in the same way. The input ends with the last request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <stoa/codec.h>

#include "sample.h"

#define INPUT_BYTES_MAX (1024u * 1024)
#define ARENA_BYTES_MAX (64u * 1024 * 1024)

static bool read_all(void *data, size_t len) {
  return fread(data, 1, len, stdin) == len;
}

static bool write_run(const void *data, size_t len) {
  uint8_t head[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};
  return fwrite(head, 1, sizeof head, stdout) == sizeof head && fwrite(data, 1, len, stdout) == len;
}

static bool write_encoded(const struct stoa_codec *codec, const struct sample_every *message) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, 16 * INPUT_BYTES_MAX);
  bool is_done = codec->encode(&sample_every_type, message, &out) == STOA_OK &&
                 write_run(out.data == NULL ? (const uint8_t *)"" : out.data, out.len);
  stoa_buffer_fini(&out);
  return is_done;
}

static bool answer(const struct stoa_codec *codec, struct stoa_bytes input, struct stoa_arena *arena) {
  struct sample_every message = {0};
  struct stoa_codec_error error;
  int status = codec->decode(&sample_every_type, input, arena, &message, &error);
  bool is_done = fputc(status, stdout) != EOF;
  if (status == STOA_OK) {
    is_done = is_done && write_encoded(&stoa_codec_proto, &message) && write_encoded(&stoa_codec_json, &message);
  } else {
    is_done = is_done && write_run(error.text, strlen(error.text));
  }
  return is_done && fflush(stdout) == 0;
}

/* Memory of exactly the input's length, so that the sanitizer sees a read after its end. */
static bool serve(char letter, size_t len, struct stoa_arena *arena) {
  uint8_t *input = len > INPUT_BYTES_MAX ? NULL : malloc(len == 0 ? 1 : len);
  const struct stoa_codec *codec = letter == 'j' ? &stoa_codec_json : &stoa_codec_proto;
  bool is_done = input != NULL && read_all(input, len) && answer(codec, stoa_bytes_make(input, len), arena);
  free(input);
  stoa_arena_reset(arena);
  return is_done;
}

int main(void) {
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  uint8_t head[5];
  bool is_good = arena != NULL;
  while (is_good && read_all(head, sizeof head)) {
    size_t len = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;
    is_good = serve((char)head[0], len, arena);
  }
  stoa_arena_destroy(arena);
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
