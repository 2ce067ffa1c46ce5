/* What we compress comes back, whatever it is and however small the window, and no block of it ends the stream. A
 * finished stream that is made to go on is touched in its first byte only, and one byte after it. */
#include <string.h>

#include "base/memory.h"
#include "must.h"
#include "wire/ws_deflate.h"
#include "wire/ws_deflate_reopen.h"
#include "wire/zlib_memory.h"

#define LIMIT (256 * 1024)

/* Messages longer than a piece are rare among inputs, so the input is taken several times over. */
static struct stoa_buffer repeated(const uint8_t *data, size_t len, size_t times) {
  struct stoa_buffer message;
  stoa_buffer_init(&message, LIMIT);
  for (size_t i = 0; i < times && message.len + len <= LIMIT; i++) {
    must(stoa_buffer_append(&message, data, len) == STOA_OK);
  }
  return message;
}

/* As a client does it: with the window it asked for, and the tail put back. */
static void client_reads(const struct stoa_buffer *compressed, const struct stoa_buffer *message, int window_bits) {
  static uint8_t out[LIMIT + 1];
  static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
  z_stream stream = stoa_zlib_stream();
  must(inflateInit2(&stream, -window_bits) == Z_OK);
  stream.next_out = out;
  stream.avail_out = sizeof out;
  stream.next_in = compressed->data;
  stream.avail_in = (uInt)compressed->len;
  must(inflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0);
  stream.next_in = tail;
  stream.avail_in = sizeof tail;
  int result = inflate(&stream, Z_SYNC_FLUSH);
  must((result == Z_OK || result == Z_BUF_ERROR) && stream.avail_in == 0);
  must(sizeof out - stream.avail_out == message->len);
  must(message->len == 0 || memcmp(out, message->data, message->len) == 0);
  inflateEnd(&stream);
}

static void comes_back(const uint8_t *data, size_t len, int window_bits, size_t times) {
  struct stoa_buffer message = repeated(data, len, times);
  struct stoa_buffer compressed;
  struct stoa_deflater *deflater = stoa_deflater_create(window_bits);
  must(deflater != NULL);
  stoa_buffer_init(&compressed, (size_t)2 * LIMIT);
  must(stoa_deflater_message(deflater, stoa_bytes_make(message.data, message.len), &compressed) == STOA_OK);
  client_reads(&compressed, &message, window_bits);
  stoa_deflater_destroy(deflater);
  stoa_buffer_fini(&compressed);
  stoa_buffer_fini(&message);
}

static void reopens_within_bounds(const uint8_t *data, size_t len) {
  uint8_t *stream = malloc(len + 1);
  must(stream != NULL);
  memcpy(stream, data, len);
  size_t reopened = stoa_ws_deflate_reopen(stream, len);
  must(reopened == 0 || reopened == len || reopened == len + 1);
  must(stream[0] == (reopened == 0 ? data[0] : (data[0] & 0xfe)));
  must(memcmp(stream + 1, data + 1, len - 1) == 0);
  free(stream);
}

/* The first byte chooses the window and how often the rest is repeated. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  int64_t before = stoa_memory_live_blocks();
  if (len >= 2) {
    comes_back(data + 1, len - 1, 9 + data[0] % 7, (size_t)1 << data[0] / 7 % 8);
    reopens_within_bounds(data + 1, len - 1);
  }
  must(stoa_memory_live_blocks() == before);
  return 0;
}
