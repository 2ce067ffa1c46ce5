#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/memory.h"

static int leave_no_block(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  return stoa_memory_live_blocks() == 0 ? 0 : -1;
}

static void only_the_nth_allocation_fails(void **state) {
  (void)state;
  stoa_memory_fail_at(3, false);
  for (int i = 1; i <= 6; i++) {
    void *block = stoa_alloc(8);
    assert_int_equal(block == NULL, i == 3);
    stoa_free(block);
  }
  assert_int_equal(stoa_memory_fault_hits(), 1);
}

static void the_nth_and_all_after_it_fail_when_asked(void **state) {
  (void)state;
  stoa_memory_fail_at(2, true);
  for (int i = 1; i <= 5; i++) {
    void *block = stoa_alloc(8);
    assert_int_equal(block == NULL, i >= 2);
    stoa_free(block);
  }
  assert_int_equal(stoa_memory_fault_hits(), 4);
}

static void turning_faults_off_lets_all_succeed_and_keeps_the_hits(void **state) {
  (void)state;
  stoa_memory_fail_at(1, true);
  assert_null(stoa_alloc(8));
  stoa_memory_fail_at(0, true);
  void *block = stoa_alloc(8);
  assert_non_null(block);
  stoa_free(block);
  assert_int_equal(stoa_memory_fault_hits(), 1);
  stoa_memory_fail_at(100, false);
  assert_int_equal(stoa_memory_fault_hits(), 0);
}

static void every_way_to_allocate_counts_towards_the_fault(void **state) {
  (void)state;
  stoa_memory_fail_at(1, false);
  assert_null(stoa_calloc(2, 8));
  stoa_memory_fail_at(1, false);
  assert_null(stoa_realloc(NULL, 8));
  assert_int_equal(stoa_memory_fault_hits(), 1);
}

static void a_failed_realloc_leaves_the_block_as_it_was(void **state) {
  (void)state;
  char *block = stoa_alloc(4);
  memcpy(block, "abc", 4);
  stoa_memory_fail_at(1, false);
  assert_null(stoa_realloc(block, 1000));
  assert_string_equal(block, "abc");
  assert_int_equal(stoa_memory_live_blocks(), 1);
  block = stoa_realloc(block, 1000);
  assert_string_equal(block, "abc");
  assert_int_equal(stoa_memory_live_blocks(), 1);
  stoa_free(block);
}

static void calloc_clears_and_refuses_a_product_that_overflows(void **state) {
  (void)state;
  static const char zeros[48];
  char *block = stoa_calloc(3, 16);
  assert_memory_equal(block, zeros, sizeof zeros);
  stoa_free(block);
  /* The compiler would refuse a product that it sees to overflow. */
  volatile size_t half = SIZE_MAX / 2;
  assert_null(stoa_calloc(half, 3));
}

static void freeing_null_counts_nothing(void **state) {
  (void)state;
  stoa_free(NULL);
  assert_int_equal(stoa_memory_live_blocks(), 0);
}

#define THREAD_COUNT 4
#define ROUNDS 2000

/* Blocks travel: each thread frees what another allocated, and keeps one of its own for later. */
struct thread_work {
  pthread_t thread;
  void **shelf; /* where the threads exchange blocks */
  void *kept;
};

static void *allocate_and_exchange(void *context) {
  struct thread_work *work = context;
  for (int i = 0; i < ROUNDS; i++) {
    void *block = stoa_alloc(16);
    stoa_free(__atomic_exchange_n(work->shelf, block, __ATOMIC_ACQ_REL));
  }
  work->kept = stoa_alloc(16);
  return NULL;
}

static void blocks_are_counted_when_another_thread_frees_them(void **state) {
  (void)state;
  void *shelf = NULL;
  struct thread_work works[THREAD_COUNT];
  for (int i = 0; i < THREAD_COUNT; i++) {
    works[i] = (struct thread_work){.shelf = &shelf};
    assert_int_equal(pthread_create(&works[i].thread, NULL, allocate_and_exchange, &works[i]), 0);
  }
  for (int i = 0; i < THREAD_COUNT; i++) {
    assert_int_equal(pthread_join(works[i].thread, NULL), 0);
  }
  assert_int_equal(stoa_memory_live_blocks(), THREAD_COUNT + 1);
  for (int i = 0; i < THREAD_COUNT; i++) {
    stoa_free(works[i].kept);
  }
  stoa_free(shelf);
  assert_int_equal(stoa_memory_live_blocks(), 0);
}

static pthread_key_t early_key;
static pthread_key_t late_key;

static void *hold_blocks_to_the_end(void *context) {
  (void)context;
  /* One key was made before the first allocation of the process and one after it, so that one of the two destructors
   * frees its block after the thread's count was closed. */
  pthread_setspecific(early_key, stoa_alloc(8));
  pthread_setspecific(late_key, stoa_alloc(8));
  return NULL;
}

static void blocks_freed_while_a_thread_ends_are_counted(void **state) {
  (void)state;
  assert_int_equal(pthread_key_create(&late_key, stoa_free), 0);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, hold_blocks_to_the_end, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(stoa_memory_live_blocks(), 0);
  pthread_key_delete(late_key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(only_the_nth_allocation_fails, leave_no_block),
      cmocka_unit_test_teardown(the_nth_and_all_after_it_fail_when_asked, leave_no_block),
      cmocka_unit_test_teardown(turning_faults_off_lets_all_succeed_and_keeps_the_hits, leave_no_block),
      cmocka_unit_test_teardown(every_way_to_allocate_counts_towards_the_fault, leave_no_block),
      cmocka_unit_test_teardown(a_failed_realloc_leaves_the_block_as_it_was, leave_no_block),
      cmocka_unit_test_teardown(calloc_clears_and_refuses_a_product_that_overflows, leave_no_block),
      cmocka_unit_test_teardown(freeing_null_counts_nothing, leave_no_block),
      cmocka_unit_test_teardown(blocks_are_counted_when_another_thread_frees_them, leave_no_block),
      cmocka_unit_test_teardown(blocks_freed_while_a_thread_ends_are_counted, leave_no_block),
  };
  if (pthread_key_create(&early_key, stoa_free) != 0) {
    return 1;
  }
  return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
