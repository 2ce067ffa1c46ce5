#include <assert.h>

#include "base/memory.h"
#include "wire/ws_deflate.h"
#include "wire/zlib_memory.h"

#define STEP_BYTES_MAX ((size_t)16 * 1024)
#define STEP_BYTES_MIN ((size_t)256)

/* A raw deflate stream with the largest window: it can read the output of any smaller window. */
#define RAW_WINDOW (-15)

struct stoa_inflater {
  z_stream stream;
  bool ended; /* the last block had BFINAL set, and nothing came after it */
};

struct stoa_inflater *stoa_inflater_create(void) {
  struct stoa_inflater *inflater = stoa_calloc(1, sizeof *inflater);
  if (inflater == NULL) {
    return NULL;
  }
  inflater->stream = stoa_zlib_stream();
  if (inflateInit2(&inflater->stream, RAW_WINDOW) != Z_OK) {
    stoa_free(inflater);
    return NULL;
  }
  return inflater;
}

void stoa_inflater_destroy(struct stoa_inflater *inflater) {
  if (inflater != NULL) {
    inflateEnd(&inflater->stream);
    stoa_free(inflater);
  }
}

void stoa_inflater_reset(struct stoa_inflater *inflater) {
  int result = inflateReset(&inflater->stream);
  assert(result == Z_OK);
  inflater->ended = false;
}

/* Room for one step after out's content: about the size that the pending input needs, within bounds. When out is full,
 * the first byte beyond the limit goes to `probe`. */
static int step_room(struct stoa_inflater *inflater, struct stoa_buffer *out, uint8_t *probe) {
  assert(out->len <= out->len_max);
  size_t room = out->len_max - out->len;
  size_t wanted = (size_t)inflater->stream.avail_in * 4;
  wanted = wanted < STEP_BYTES_MIN ? STEP_BYTES_MIN : wanted;
  wanted = wanted > STEP_BYTES_MAX ? STEP_BYTES_MAX : wanted;
  wanted = wanted > room ? room : wanted;
  if (wanted == 0) {
    inflater->stream.next_out = probe;
    inflater->stream.avail_out = 1;
    return STOA_OK;
  }
  int status = stoa_buffer_reserve(out, wanted);
  if (status == STOA_OK) {
    inflater->stream.next_out = out->data + out->len;
    inflater->stream.avail_out = (uInt)wanted;
  }
  return status;
}

/* Inflate once. *out_more: the same input may give more output. */
static int step(struct stoa_inflater *inflater, struct stoa_buffer *out, bool *out_more) {
  z_stream *stream = &inflater->stream;
  uint8_t probe;
  int status = step_room(inflater, out, &probe);
  if (status != STOA_OK) {
    return status;
  }
  bool full = stream->next_out == &probe;
  assert(stream->avail_out > 0);
  uInt room = stream->avail_out;
  int result = inflate(stream, Z_SYNC_FLUSH);
  size_t made = room - stream->avail_out;
  /* Checked first: zlib may find an error after the byte beyond the limit, and whether it reads that far depends on the
   * split of the input. */
  if (full && made > 0) {
    return STOA_E_LIMIT;
  }
  if (result == Z_MEM_ERROR) {
    return STOA_E_MEMORY;
  }
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    return STOA_E_SYNTAX;
  }
  out->len += full ? 0 : made;
  if (result == Z_STREAM_END) {
    /* RFC 7692 7.2.3.4: a block with BFINAL ends the stream, not the message. Another stream may follow. */
    stoa_inflater_reset(inflater);
    inflater->ended = stream->avail_in == 0;
  }
  *out_more = stream->avail_in > 0 || stream->avail_out == 0;
  return STOA_OK;
}

static int inflate_piece(struct stoa_inflater *inflater, const uint8_t *data, uInt len, struct stoa_buffer *out) {
  assert(len <= STEP_BYTES_MAX);
  z_stream *stream = &inflater->stream;
  stream->next_in = data;
  stream->avail_in = len;
  inflater->ended = inflater->ended && len == 0;
  bool more = len > 0;
  int status = STOA_OK;
  while (status == STOA_OK && more) {
    status = step(inflater, out, &more);
  }
  stream->next_in = NULL;
  stream->avail_in = 0;
  return status;
}

/* Between two blocks and on a byte boundary? zlib reports it in data_type: 128 when a block's header comes next, and in
 * the low bits the number of unused bits of the last byte. */
static bool at_block_edge(const z_stream *stream) {
  return (stream->data_type & 128) != 0 && (stream->data_type & 31) == 0;
}

int stoa_inflater_step(struct stoa_inflater *inflater, struct stoa_bytes piece, bool last, struct stoa_buffer *out) {
  /* RFC 7692 7.2.2: the bytes that the sender removed from the end. */
  static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
  const uint8_t *data = piece.data;
  size_t left = piece.len;
  while (left > 0) {
    uInt len = left < STEP_BYTES_MAX ? (uInt)left : (uInt)STEP_BYTES_MAX;
    int status = inflate_piece(inflater, data, len, out);
    if (status != STOA_OK) {
      return status;
    }
    data += len;
    left -= len;
  }
  /* After a last block with BFINAL a message should have one more byte, so that the tail is a block. Some senders omit
   * it. Then nothing is missing, and the tail would be only a part of a block. */
  if (!last || inflater->ended) {
    return STOA_OK;
  }
  int status = inflate_piece(inflater, tail, sizeof tail, out);
  if (status != STOA_OK) {
    return status;
  }
  return inflater->ended || at_block_edge(&inflater->stream) ? STOA_OK : STOA_E_SYNTAX;
}
