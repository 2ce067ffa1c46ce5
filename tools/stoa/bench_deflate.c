#include "bench_deflate.h"

#define ZLIB_CONST /* next_in points at const bytes */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* RFC 7692 7.2.1: the end of a message's last block, which is removed. */
enum { TAIL_LEN = 4, RAW_WINDOW = -15, MEMORY_LEVEL = 8 };

struct bench_inflater {
  z_stream stream;
};

size_t bench_deflate_bound(size_t len) {
  return len + len / 64 + 64;
}

/* RFC 1951 3.2.4: a stored block that is not the last, its length, and the complement of the length. */
static size_t write_stored(const uint8_t *data, size_t len, uint8_t *out) {
  const uint8_t head[BENCH_STORED_HEAD] = {0, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len, (uint8_t)(~len >> 8)};
  memcpy(out, head, sizeof head);
  memcpy(out + sizeof head, data, len);
  return sizeof head + len;
}

size_t bench_deflate_pack(const uint8_t *message, size_t len, size_t stored_len, uint8_t *out) {
  z_stream stream = {0};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
    return 0;
  }
  size_t at = write_stored(message, stored_len, out);
  size_t room = bench_deflate_bound(len) - at;
  stream.next_in = message + stored_len;
  stream.avail_in = (uInt)(len - stored_len);
  stream.next_out = out + at;
  stream.avail_out = (uInt)room;
  int result = deflate(&stream, Z_SYNC_FLUSH);
  size_t packed_len = at + room - stream.avail_out - TAIL_LEN;
  bool whole = result == Z_OK && stream.avail_out > 0;
  deflateEnd(&stream);
  return whole ? packed_len : 0;
}

struct bench_inflater *bench_inflater_create(void) {
  struct bench_inflater *inflater = calloc(1, sizeof *inflater);
  if (inflater != NULL && inflateInit2(&inflater->stream, RAW_WINDOW) != Z_OK) {
    free(inflater);
    return NULL;
  }
  return inflater;
}

void bench_inflater_destroy(struct bench_inflater *inflater) {
  if (inflater != NULL) {
    inflateEnd(&inflater->stream);
    free(inflater);
  }
}

/* RFC 7692 7.2.3.4: a block with the last bit ends the deflate stream, not the message. */
static bool inflate_all(z_stream *stream, const uint8_t *data, size_t len) {
  stream->next_in = data;
  stream->avail_in = (uInt)len;
  while (stream->avail_in > 0 && stream->avail_out > 0) {
    int result = inflate(stream, Z_SYNC_FLUSH);
    if (result == Z_STREAM_END) {
      inflateReset(stream);
    } else if (result != Z_OK) {
      return false;
    }
  }
  return stream->avail_out > 0;
}

bool bench_inflater_message(struct bench_inflater *inflater, const uint8_t *data, size_t len, uint8_t *out,
                            size_t len_max, size_t *out_len) {
  static const uint8_t tail[TAIL_LEN] = {0x00, 0x00, 0xff, 0xff};
  z_stream *stream = &inflater->stream;
  inflateReset(stream);
  stream->next_out = out;
  stream->avail_out = (uInt)len_max + 1;
  if (!inflate_all(stream, data, len) || !inflate_all(stream, tail, sizeof tail)) {
    return false;
  }
  *out_len = len_max + 1 - stream->avail_out;
  return true;
}
