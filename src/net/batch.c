#include "net/batch.h"

#include "base/memory.h"

#include <assert.h>

struct stoa_batch *stoa_batch_create(size_t len_max) {
  struct stoa_batch *batch = stoa_alloc(sizeof *batch);
  if (batch != NULL) {
    atomic_init(&batch->refs, 1);
    stoa_buffer_init(&batch->bytes, len_max);
  }
  return batch;
}

struct stoa_batch *stoa_batch_ref(struct stoa_batch *batch) {
  unsigned before = atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
  return batch;
}

void stoa_batch_unref(struct stoa_batch *batch) {
  if (batch == NULL) {
    return;
  }
  unsigned before = atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel);
  assert(before > 0);
  if (before == 1) {
    stoa_buffer_fini(&batch->bytes);
    stoa_free(batch);
  }
}

bool stoa_batch_sole(const struct stoa_batch *batch) {
  return atomic_load_explicit(&batch->refs, memory_order_acquire) == 1;
}
