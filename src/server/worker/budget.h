/* server/worker/budget.h: limits how many bytes are in transit at once.
 *
 * Thread: any; take and give are atomic.
 */
#ifndef STOA_SERVER_WORKER_BUDGET_H
#define STOA_SERVER_WORKER_BUDGET_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct stoa_budget {
  atomic_size_t taken;
  atomic_size_t bytes_max; /* what is taken already stays when it becomes less */
};

/* Is nothing left? Only a hint, to refuse early; take decides. */
static inline bool stoa_budget_is_full(const struct stoa_budget *budget) {
  return atomic_load_explicit(&budget->taken, memory_order_relaxed) >=
         atomic_load_explicit(&budget->bytes_max, memory_order_relaxed);
}

/* False when it does not fit. A size above the whole budget still fits when nothing else is in transit, so that the cap
 * may be less than the largest message. */
static inline bool stoa_budget_take(struct stoa_budget *budget, size_t bytes) {
  size_t taken = atomic_load_explicit(&budget->taken, memory_order_relaxed);
  size_t bytes_max = atomic_load_explicit(&budget->bytes_max, memory_order_relaxed);
  do {
    if (taken > 0 && (taken >= bytes_max || bytes > bytes_max - taken)) {
      return false;
    }
  } while (!atomic_compare_exchange_weak_explicit(&budget->taken, &taken, taken + bytes, memory_order_relaxed,
                                                  memory_order_relaxed));
  return true;
}

static inline void stoa_budget_give(struct stoa_budget *budget, size_t bytes) {
  size_t before = atomic_fetch_sub_explicit(&budget->taken, bytes, memory_order_relaxed);
  assert(before >= bytes);
  (void)before;
}

/* Any thread. */
static inline void stoa_budget_set(struct stoa_budget *budget, size_t bytes_max) {
  atomic_store_explicit(&budget->bytes_max, bytes_max, memory_order_relaxed);
}

#endif
