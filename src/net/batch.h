/* net/batch.h: reference-counted output bytes: one writer, many receivers.
 *
 * A batch grows while its only writer appends to it. Once it is handed to another thread it never changes again.
 * Readers keep offsets, never addresses, because the bytes move while it grows.
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
/* NULL is fine. The last reference frees it. */
void stoa_batch_unref(struct stoa_batch *batch);
/* True when the caller has the only reference: it may append more or empty it. */
bool stoa_batch_sole(const struct stoa_batch *batch);

#endif
