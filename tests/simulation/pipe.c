#include "pipe.h"

#include <assert.h>
#include <string.h>

void pipe_update(struct pipe *pipe) {
  size_t count = 0;
  while (count < pipe->chunk_count && pipe->chunks[count].at_ns <= chance_now_ns()) {
    pipe->arrived += pipe->chunks[count++].len;
  }
  pipe->chunk_count -= count;
  memmove(pipe->chunks, pipe->chunks + count, pipe->chunk_count * sizeof pipe->chunks[0]);
}

size_t pipe_in_flight(struct pipe *pipe) {
  pipe_update(pipe);
  return pipe->len - pipe->arrived;
}

bool pipe_has_fin(struct pipe *pipe) {
  pipe_update(pipe);
  return pipe->fin_ns <= chance_now_ns() && pipe->chunk_count == 0;
}

uint64_t pipe_arrival_ns(struct pipe *pipe) {
  uint64_t at_ns = chance_now_ns() + chance_delay_ns();
  pipe->last_ns = at_ns > pipe->last_ns ? at_ns : pipe->last_ns;
  return pipe->last_ns;
}

void pipe_put(struct pipe *pipe, const uint8_t *data, size_t len) {
  assert(len <= pipe->cap - pipe->len);
  pipe_update(pipe);
  memcpy(pipe->data + pipe->len, data, len);
  pipe->len += len;
  pipe->total += len;
  while (len > 0) {
    bool full = pipe->chunk_count == PIPE_CHUNKS_MAX;
    size_t piece = full ? len : 1 + chance_below(pipe->piece_max);
    piece = piece < len ? piece : len;
    uint64_t at_ns = pipe_arrival_ns(pipe);
    pipe->chunk_count += full ? 0 : 1;
    pipe->chunks[pipe->chunk_count - 1].len += full ? piece : 0;
    if (!full) {
      pipe->chunks[pipe->chunk_count - 1].len = piece;
    }
    pipe->chunks[pipe->chunk_count - 1].at_ns = at_ns;
    len -= piece;
  }
}

void pipe_init(struct pipe *pipe) {
  static const size_t caps[] = {300, 1500, 9000, PIPE_BYTES_MAX};
  static const size_t pieces[] = {3, 40, 1500, PIPE_BYTES_MAX};
  pipe->cap = caps[chance_below(4)];
  pipe->piece_max = pieces[chance_below(4)];
  pipe->fin_ns = UINT64_MAX;
}

void pipe_stall(struct pipe *pipe, uint64_t ns) {
  pipe_update(pipe);
  pipe->last_ns = (pipe->last_ns > chance_now_ns() ? pipe->last_ns : chance_now_ns()) + ns;
  for (size_t i = 0; i < pipe->chunk_count; i++) {
    pipe->chunks[i].at_ns += ns;
  }
  if (pipe->fin_ns != UINT64_MAX && pipe->fin_ns > chance_now_ns()) {
    pipe->fin_ns += ns;
  }
}
