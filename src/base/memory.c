/* base/memory.c: malloc or the hooks of the program, with faults on demand and live blocks counted per thread. */
#include "base/memory.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stoa/memory.h>
#include <string.h>

/* Blocks this thread allocated minus those it freed. A block may be freed by another thread than the one that allocated
 * it, so one thread's count can be negative; only the sum of all threads is meaningful. */
struct thread_count {
  _Atomic int64_t live; /* written by its own thread only, so it needs no locked instruction */
  enum { COUNT_NEW, COUNT_LISTED, COUNT_ENDED } state;
  struct thread_count *next;
  struct thread_count **link; /* the pointer to this one in the list */
};

static __thread struct thread_count thread_count;

static pthread_mutex_t counts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_count *counts; /* every listed thread, under counts_lock */
static _Atomic int64_t ended_live;  /* the sum of the threads that ended */

static atomic_bool is_used;            /* a thread has allocated: hooks may no longer be set */
static struct stoa_memory_hooks hooks; /* of the program */
static bool has_hooks;                 /* set before other threads start */

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its destructor runs at the end of a thread */
static bool key_made;

static atomic_bool fault_armed;
static atomic_bool fault_all_after;
static _Atomic int64_t fault_countdown;
static _Atomic uint64_t fault_hits;

static void count_end(void *context) {
  struct thread_count *mine = context;
  pthread_mutex_lock(&counts_lock);
  *mine->link = mine->next;
  if (mine->next != NULL) {
    mine->next->link = mine->link;
  }
  atomic_fetch_add_explicit(&ended_live, atomic_load_explicit(&mine->live, memory_order_relaxed), memory_order_relaxed);
  mine->state = COUNT_ENDED;
  pthread_mutex_unlock(&counts_lock);
}

static void make_key(void) {
  key_made = pthread_key_create(&key, count_end) == 0;
}

/* Add this thread to the list on its first allocation. A thread adds to the shared count instead when other destructors
 * free blocks after its count_end(), or when no key is left whose destructor could report its end. */
static void count_slowly(struct thread_count *mine, int64_t blocks) {
  if (mine->state == COUNT_NEW) {
    atomic_store(&is_used, true);
    pthread_once(&key_once, make_key);
    mine->state = key_made && pthread_setspecific(key, mine) == 0 ? COUNT_LISTED : COUNT_ENDED;
  }
  if (mine->state == COUNT_ENDED) {
    atomic_fetch_add_explicit(&ended_live, blocks, memory_order_relaxed);
    return;
  }
  atomic_store_explicit(&mine->live, blocks, memory_order_relaxed);
  pthread_mutex_lock(&counts_lock);
  mine->next = counts;
  mine->link = &counts;
  if (counts != NULL) {
    counts->link = &mine->next;
  }
  counts = mine;
  pthread_mutex_unlock(&counts_lock);
}

static inline void count(int64_t blocks) {
  struct thread_count *mine = &thread_count;
  if (__builtin_expect(mine->state != COUNT_LISTED, 0)) {
    count_slowly(mine, blocks);
    return;
  }
  int64_t live = atomic_load_explicit(&mine->live, memory_order_relaxed);
  atomic_store_explicit(&mine->live, live + blocks, memory_order_relaxed);
}

static bool fault_strikes(void) {
  int64_t left = atomic_fetch_sub(&fault_countdown, 1);
  bool hit = left == 1 || (left < 1 && fault_all_after);
  if (hit) {
    atomic_fetch_add(&fault_hits, 1);
  }
  return hit;
}

static inline bool must_fail(void) {
  return __builtin_expect(atomic_load_explicit(&fault_armed, memory_order_relaxed), 0) && fault_strikes();
}

/* The system's heap or the program's. */

static inline bool is_hooked(void) {
  return __builtin_expect(has_hooks, 0);
}

static void *take(size_t size) {
  return is_hooked() ? hooks.allocate(hooks.context, size) : malloc(size);
}

static void *take_cleared(size_t size) {
  if (!is_hooked()) {
    return calloc(1, size);
  }
  void *block = hooks.allocate(hooks.context, size > 0 ? size : 1);
  return block == NULL ? NULL : memset(block, 0, size);
}

static void *take_again(void *block, size_t size) {
  if (!is_hooked()) {
    return realloc(block, size);
  }
  return block == NULL ? hooks.allocate(hooks.context, size) : hooks.reallocate(hooks.context, block, size);
}

static void give(void *block) {
  if (is_hooked()) {
    hooks.release(hooks.context, block);
  } else {
    free(block);
  }
}

int stoa_memory_set_hooks(const struct stoa_memory_hooks *program_hooks) {
  if (program_hooks->allocate == NULL || program_hooks->reallocate == NULL || program_hooks->release == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (atomic_load(&is_used)) {
    return STOA_E_EXISTS;
  }
  hooks = *program_hooks;
  has_hooks = true;
  return STOA_OK;
}

void stoa_memory_trim(void) {
  if (!is_hooked()) {
    malloc_trim(0);
  }
}

/* The calls. */

void *stoa_alloc(size_t size) {
  assert(size > 0);
  void *block = must_fail() ? NULL : take(size);
  if (block != NULL) {
    count(1);
  }
  return block;
}

void *stoa_calloc(size_t count_of, size_t size) {
  size_t total;
  if (must_fail() || __builtin_mul_overflow(count_of, size, &total)) {
    return NULL;
  }
  void *block = take_cleared(total);
  if (block != NULL) {
    count(1);
  }
  return block;
}

void *stoa_realloc(void *block, size_t size) {
  assert(size > 0);
  bool is_new = block == NULL;
  void *moved = must_fail() ? NULL : take_again(block, size);
  if (moved != NULL && is_new) {
    count(1);
  }
  return moved;
}

void stoa_free(void *block) {
  if (block != NULL) {
    give(block);
    count(-1);
  }
}

void stoa_memory_fail_at(uint64_t n, bool all_after) {
  assert(n <= INT64_MAX);
  atomic_store(&fault_armed, false);
  if (n == 0) {
    return;
  }
  fault_all_after = all_after;
  atomic_store(&fault_countdown, (int64_t)n);
  atomic_store(&fault_hits, 0);
  atomic_store(&fault_armed, true);
}

uint64_t stoa_memory_fault_hits(void) {
  return atomic_load(&fault_hits);
}

int64_t stoa_memory_live_blocks(void) {
  pthread_mutex_lock(&counts_lock);
  int64_t live = atomic_load_explicit(&ended_live, memory_order_relaxed);
  for (struct thread_count *each = counts; each != NULL; each = each->next) {
    live += atomic_load_explicit(&each->live, memory_order_relaxed);
  }
  pthread_mutex_unlock(&counts_lock);
  return live;
}
