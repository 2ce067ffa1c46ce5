#include <assert.h>
#include <libdeflate.h>
#include <string.h>

#include "base/memory.h"
#include "wire/ws_deflate.h"
#include "wire/ws_deflate_reopen.h"
#include "wire/zlib_memory.h"

/* RFC 7692 7.2.1: the end of a message's last block, which is empty and stored; it is removed. */
#define TAIL "\x00\x00\xff\xff"
#define TAIL_LEN 4

/* zlib's bound is for streams that end. A sync flush adds an empty block with its header, and zlib needs more than six
 * bytes of free room, otherwise it flushes twice. */
#define FLUSH_ROOM 16

/* libdeflate's fastest level needs a third of zlib's time for 1 KiB and a seventh for 64 KiB; its output is at most a
 * few percent longer. It writes one block for input with at most 8192 matches, of four bytes or more each. So a piece
 * of this length is one block, as stoa_ws_deflate_reopen() requires. */
#define FAST_LEVEL 1
#define FAST_PIECE_LEN ((size_t)32 * 1024)

/* zlib's stream takes 256 KiB, and few messages cannot use libdeflate: it is created for the first of them. */
struct stoa_deflater {
  int window_bits;
  struct libdeflate_compressor *fast;
  bool has_stream;
  z_stream stream;
};

enum fast_verdict { FAST_DONE, FAST_NO_ROOM, FAST_UNFIT };

/* libdeflate keeps its allocator in variables that all threads share, so it is set before a second thread exists. */
__attribute__((constructor)) static void set_libdeflate_memory(void) {
  libdeflate_set_memory_allocator(stoa_alloc, stoa_free);
}

struct stoa_deflater *stoa_deflater_create(int window_bits) {
  assert(window_bits >= 9 && window_bits <= 15);
  struct stoa_deflater *deflater = stoa_calloc(1, sizeof *deflater);
  if (deflater == NULL) {
    return NULL;
  }
  deflater->window_bits = window_bits;
  deflater->fast = libdeflate_alloc_compressor(FAST_LEVEL);
  if (deflater->fast == NULL) {
    stoa_free(deflater);
    return NULL;
  }
  return deflater;
}

void stoa_deflater_destroy(struct stoa_deflater *deflater) {
  if (deflater == NULL) {
    return;
  }
  if (deflater->has_stream) {
    deflateEnd(&deflater->stream);
  }
  libdeflate_free_compressor(deflater->fast);
  stoa_free(deflater);
}

/* libdeflate uses a window of 32 KiB and has no option for a smaller one. */
static bool window_suffices(const struct stoa_deflater *deflater, size_t len) {
  return deflater->window_bits == 15 || len <= (size_t)1 << deflater->window_bits;
}

/* Compress one piece, without the tail of its last block. out_len: bytes written; `out` has room for `room` bytes. */
static enum fast_verdict fast_piece(struct stoa_deflater *deflater, struct stoa_bytes piece, uint8_t *out, size_t room,
                                    size_t *out_len) {
  if (room <= TAIL_LEN) {
    return FAST_NO_ROOM;
  }
  size_t len = libdeflate_deflate_compress(deflater->fast, piece.data, piece.len, out, room - TAIL_LEN - 1);
  if (len == 0) {
    return FAST_NO_ROOM;
  }
  *out_len = stoa_ws_deflate_reopen(out, len);
  return *out_len == 0 ? FAST_UNFIT : FAST_DONE;
}

/* Writes after out's content and does not change its length. */
static enum fast_verdict fast_message(struct stoa_deflater *deflater, struct stoa_bytes message,
                                      struct stoa_buffer *out, size_t room, size_t *out_len) {
  uint8_t *to = out->data + out->len;
  size_t written = 0;
  for (size_t at = 0; at < message.len;) {
    size_t left = message.len - at;
    struct stoa_bytes piece = {message.data + at, left < FAST_PIECE_LEN ? left : FAST_PIECE_LEN};
    size_t len = 0;
    enum fast_verdict verdict = fast_piece(deflater, piece, to + written, room - written, &len);
    if (verdict != FAST_DONE) {
      return verdict;
    }
    at += piece.len;
    written += len;
    if (at < message.len) {
      memcpy(to + written, TAIL, TAIL_LEN);
      written += TAIL_LEN;
    }
  }
  assert(written <= room);
  *out_len = written;
  return FAST_DONE;
}

/* Make room for `len` bytes after out's content, or for as many as its cap allows. */
static int make_room(struct stoa_buffer *out, size_t len, size_t *out_room) {
  assert(out->len <= out->len_max);
  size_t left = out->len_max - out->len;
  *out_room = len < left ? len : left;
  return stoa_buffer_reserve(out, *out_room);
}

static int compress_fast(struct stoa_deflater *deflater, struct stoa_bytes message, struct stoa_buffer *out,
                         enum fast_verdict *out_verdict) {
  assert(message.len > 0);
  size_t pieces = (message.len + FAST_PIECE_LEN - 1) / FAST_PIECE_LEN;
  size_t piece_len = message.len < FAST_PIECE_LEN ? message.len : FAST_PIECE_LEN;
  size_t bound = libdeflate_deflate_compress_bound(deflater->fast, piece_len) + TAIL_LEN + 1;
  size_t room = 0;
  size_t len = 0;
  int status = make_room(out, pieces * bound, &room);
  if (status != STOA_OK) {
    return status;
  }
  *out_verdict = fast_message(deflater, message, out, room, &len);
  out->len += len;
  assert(out->len <= out->cap);
  return *out_verdict == FAST_NO_ROOM ? STOA_E_LIMIT : STOA_OK;
}

static int ensure_stream(struct stoa_deflater *deflater) {
  if (deflater->has_stream) {
    return STOA_OK;
  }
  deflater->stream = stoa_zlib_stream();
  if (deflateInit2(&deflater->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -deflater->window_bits, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return STOA_E_MEMORY;
  }
  deflater->has_stream = true;
  return STOA_OK;
}

static int compress_in_stream(struct stoa_deflater *deflater, struct stoa_bytes message, struct stoa_buffer *out) {
  z_stream *stream = &deflater->stream;
  size_t room = 0;
  int status = ensure_stream(deflater);
  if (status == STOA_OK) {
    status = make_room(out, deflateBound(stream, message.len) + FLUSH_ROOM, &room);
  }
  if (status != STOA_OK) {
    return status;
  }
  int result = deflateReset(stream);
  assert(result == Z_OK);
  stream->next_in = message.data;
  stream->avail_in = (uInt)message.len;
  stream->next_out = out->data + out->len;
  stream->avail_out = (uInt)room;
  result = deflate(stream, Z_SYNC_FLUSH);
  /* Output that fills the room may be incomplete. That cannot happen when the room is zlib's bound. */
  if (result != Z_OK || stream->avail_out == 0) {
    return STOA_E_LIMIT;
  }
  assert(room - stream->avail_out > TAIL_LEN);
  out->len += room - stream->avail_out - TAIL_LEN;
  return STOA_OK;
}

int stoa_deflater_message(struct stoa_deflater *deflater, struct stoa_bytes message, struct stoa_buffer *out) {
  if (message.len > UINT32_MAX / 2) {
    return STOA_E_LIMIT;
  }
  enum fast_verdict verdict = FAST_UNFIT;
  if (message.len > 0 && window_suffices(deflater, message.len)) {
    int status = compress_fast(deflater, message, out, &verdict);
    if (status != STOA_OK) {
      return status;
    }
  }
  return verdict == FAST_UNFIT ? compress_in_stream(deflater, message, out) : STOA_OK;
}
