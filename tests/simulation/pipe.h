/* tests/simulation/pipe.h: one direction of a connection of the simulated network: bytes on their way and unread.
 *
 * How long and in which pieces they travel, chance.h decides.
 */
#ifndef TESTS_SIMULATION_PIPE_H
#define TESTS_SIMULATION_PIPE_H

#include "chance.h"

#define PIPE_CHUNKS_MAX 64
#define PIPE_BYTES_MAX 65536u

/* What travels to one end: bytes that nobody has read yet, the newest of them still on their way. */
struct pipe {
  uint8_t data[PIPE_BYTES_MAX];
  size_t len, cap;
  struct {
    size_t len;
    uint64_t at_ns;
  } chunks[PIPE_CHUNKS_MAX]; /* the bytes that have not been seen to arrive, in order */
  size_t chunk_count, arrived;
  uint64_t total; /* bytes that were ever sent */
  uint64_t last_ns;
  uint64_t fin_ns; /* UINT64_MAX: none was sent */
  size_t piece_max;
};

void pipe_init(struct pipe *pipe);
/* Count what has arrived by now. */
void pipe_update(struct pipe *pipe);
/* Bytes that have not arrived. */
size_t pipe_in_flight(struct pipe *pipe);
/* Has the FIN arrived, and all before it? */
bool pipe_has_fin(struct pipe *pipe);
/* When what is sent now arrives: after what was sent before. */
uint64_t pipe_arrival_ns(struct pipe *pipe);
/* Send: no more than fits. */
void pipe_put(struct pipe *pipe, const uint8_t *data, size_t len);
/* What is on its way takes so much longer. */
void pipe_stall(struct pipe *pipe, uint64_t ns);

#endif
