/* net/batch.h: counted bytes on their way out: written by one, sent to many.
 *
 * A batch grows while its only writer appends to it; once it is handed to another thread it never changes again.
 * Readers refer to it by offsets, never by address, for the bytes move while it grows.
 * Thread: ref and unref on any; appending by the writer only.
 */
#ifndef STOA_NET_BATCH_H
#define STOA_NET_BATCH_H

#include <stdatomic.h>
#include <stoa/buffer.h>

struct stoa_batch {
  atomic_uint refs;
  struct stoa_buffer bytes;
};

/* One reference, the caller's. NULL when memory is out. */
struct stoa_batch *stoa_batch_create(size_t len_max);
struct stoa_batch *stoa_batch_ref(struct stoa_batch *batch);
/* NULL is fine. The last one frees it. */
void stoa_batch_unref(struct stoa_batch *batch);
/* The caller holds the only reference: it may be written on or emptied. */
bool stoa_batch_sole(const struct stoa_batch *batch);

#endif
