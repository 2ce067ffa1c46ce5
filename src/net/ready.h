/* net/ready.h: streams whose work needs more than one share of a turn, first in, first out.
 *
 * Thread: the worker's. Lifetime: a part of the stream host; streams are borrowed until taken.
 */
#ifndef STOA_NET_READY_H
#define STOA_NET_READY_H

#include <stdbool.h>
#include <stdint.h>

struct stoa_stream;

/* Zeroed is empty. */
struct stoa_ready {
  struct stoa_stream **slots; /* a ring */
  uint32_t first, count, capacity;
};

/* Errors: STOA_E_MEMORY; the list is as before. */
int stoa_ready_put(struct stoa_ready *ready, struct stoa_stream *stream);
/* The stream that waits longest, or NULL. */
struct stoa_stream *stoa_ready_take(struct stoa_ready *ready);
/* Release the memory; the list is empty. */
void stoa_ready_fini(struct stoa_ready *ready);

#endif
