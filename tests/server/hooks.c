#include "hooks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <stoa/memory.h>

#define OURS UINT64_C(0x5ca1ab1e0ddba115)

/* What stands before each block. */
struct head {
  uint64_t mark;
  uint64_t reserved; /* for the alignment */
};

static _Atomic int64_t live;
static _Atomic uint64_t calls;
static _Atomic int64_t countdown;
static _Atomic uint64_t hits;
static atomic_bool is_armed, all_after_it;

static bool must_fail(void) {
  atomic_fetch_add(&calls, 1);
  if (!atomic_load(&is_armed)) {
    return false;
  }
  int64_t left = atomic_fetch_sub(&countdown, 1);
  bool hit = left == 1 || (left < 1 && atomic_load(&all_after_it));
  atomic_fetch_add(&hits, hit);
  return hit;
}

static struct head *head_of(void *block) {
  struct head *head = (struct head *)block - 1;
  if (head->mark != OURS) {
    abort();
  }
  return head;
}

static void *mark(struct head *head) {
  head->mark = OURS;
  return head + 1;
}

static void *allocate(void *context, size_t size) {
  (void)context;
  struct head *head = must_fail() ? NULL : malloc(sizeof *head + size);
  if (head == NULL) {
    return NULL;
  }
  atomic_fetch_add(&live, 1);
  return mark(head);
}

static void *reallocate(void *context, void *block, size_t size) {
  (void)context;
  struct head *head = head_of(block);
  head = must_fail() ? NULL : realloc(head, sizeof *head + size);
  return head == NULL ? NULL : mark(head);
}

static void release(void *context, void *block) {
  (void)context;
  struct head *head = head_of(block);
  head->mark = 0;
  free(head);
  atomic_fetch_sub(&live, 1);
}

/* Before the first test, so before the library has allocated. */
__attribute__((constructor)) static void set_hooks(void) {
  static const struct stoa_memory_hooks hooks = {allocate, reallocate, release, NULL};
  if (stoa_memory_set_hooks(&hooks) != STOA_OK) {
    abort();
  }
}

int64_t hooks_live_blocks(void) {
  return atomic_load(&live);
}

uint64_t hooks_calls(void) {
  return atomic_load(&calls);
}

void hooks_fail_at(uint64_t n, bool all_after) {
  atomic_store(&is_armed, false);
  if (n == 0) {
    return;
  }
  atomic_store(&all_after_it, all_after);
  atomic_store(&countdown, (int64_t)n);
  atomic_store(&hits, 0);
  atomic_store(&is_armed, true);
}

uint64_t hooks_fault_hits(void) {
  return atomic_load(&hits);
}
