#include <assert.h>

#include "base/memory.h"
#include "wire/ws_deflate.h"
#include "wire/zlib_memory.h"

/* RFC 7692 7.2.1: what a sync flush ends with, and what is taken off. */
#define FLUSH_TAIL_LEN 4

/* What a sync flush adds to the bound of zlib, which is for streams that end: an empty block with its header, and
 * more than the six bytes of room that zlib wants left lest it flush twice. */
#define FLUSH_ROOM 16

struct stoa_deflater {
  z_stream stream;
};

struct stoa_deflater *stoa_deflater_create(int window_bits) {
  assert(window_bits >= 9 && window_bits <= 15);
  struct stoa_deflater *deflater = stoa_calloc(1, sizeof *deflater);
  if (deflater == NULL) {
    return NULL;
  }
  deflater->stream = stoa_zlib_stream();
  if (deflateInit2(&deflater->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    stoa_free(deflater);
    return NULL;
  }
  return deflater;
}

void stoa_deflater_destroy(struct stoa_deflater *deflater) {
  if (deflater != NULL) {
    deflateEnd(&deflater->stream);
    stoa_free(deflater);
  }
}

int stoa_deflater_message(struct stoa_deflater *deflater, struct stoa_bytes message, struct stoa_buffer *out) {
  z_stream *stream = &deflater->stream;
  int result = deflateReset(stream);
  assert(result == Z_OK);
  if (message.len > UINT32_MAX / 2) {
    return STOA_E_LIMIT;
  }
  size_t room = out->len_max - out->len;
  size_t wanted = deflateBound(stream, message.len) + FLUSH_ROOM;
  wanted = wanted < room ? wanted : room;
  int status = stoa_buffer_reserve(out, wanted);
  if (status != STOA_OK) {
    return status;
  }
  stream->next_in = message.data;
  stream->avail_in = (uInt)message.len;
  stream->next_out = out->data + out->len;
  stream->avail_out = (uInt)wanted;
  result = deflate(stream, Z_SYNC_FLUSH);
  /* Output that fills the room to its end may not be all of it; with room of zlib's own bound that cannot be. */
  if (result != Z_OK || stream->avail_out == 0) {
    return STOA_E_LIMIT;
  }
  out->len += wanted - stream->avail_out - FLUSH_TAIL_LEN;
  return STOA_OK;
}
