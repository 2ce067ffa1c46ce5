/* Compressed messages: any pieces give the same bytes or the same error, never more than the limit; and what we
 * compress comes back. */
#include "base/memory.h"
#include "must.h"
#include "wire/ws_deflate.h"

#define LIMIT 4096

static int inflate_in(const uint8_t *data, size_t len, size_t piece, struct stoa_buffer *out) {
  struct stoa_inflater *inflater = stoa_inflater_create();
  int status = STOA_OK;
  bool last = false;
  stoa_buffer_init(out, LIMIT);
  must(inflater != NULL);
  for (size_t at = 0; status == STOA_OK && !last;) {
    size_t part = len - at < piece ? len - at : piece;
    last = at + part == len;
    status = stoa_inflater_step(inflater, stoa_bytes_make(data + at, part), last, out);
    at += part;
    must(out->len <= LIMIT && out->cap <= LIMIT);
  }
  stoa_inflater_destroy(inflater);
  return status;
}

static void pieces_agree(const uint8_t *data, size_t len) {
  struct stoa_buffer whole, pieces, single;
  int status = inflate_in(data, len, SIZE_MAX, &whole);
  must(inflate_in(data, len, 1 + len % 7, &pieces) == status);
  must(inflate_in(data, len, 1, &single) == status);
  if (status == STOA_OK) {
    must(stoa_bytes_equal(stoa_bytes_make(whole.data, whole.len), stoa_bytes_make(pieces.data, pieces.len)));
    must(stoa_bytes_equal(stoa_bytes_make(whole.data, whole.len), stoa_bytes_make(single.data, single.len)));
  }
  stoa_buffer_fini(&whole);
  stoa_buffer_fini(&pieces);
  stoa_buffer_fini(&single);
}

static void comes_back(const uint8_t *data, size_t len) {
  struct stoa_buffer compressed, out;
  struct stoa_deflater *deflater = stoa_deflater_create(9 + (int)(len % 7));
  must(deflater != NULL);
  stoa_buffer_init(&compressed, 2 * LIMIT);
  must(stoa_deflater_message(deflater, stoa_bytes_make(data, len), &compressed) == STOA_OK);
  must(inflate_in(compressed.data, compressed.len, 1 + len % 5, &out) == STOA_OK);
  must(stoa_bytes_equal(stoa_bytes_make(out.data, out.len), stoa_bytes_make(data, len)));
  stoa_buffer_fini(&compressed);
  stoa_buffer_fini(&out);
  stoa_deflater_destroy(deflater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  int64_t before = stoa_memory_live_blocks();
  pieces_agree(data, len);
  if (len <= LIMIT) {
    comes_back(data, len);
  }
  must(stoa_memory_live_blocks() == before);
  return 0;
}
