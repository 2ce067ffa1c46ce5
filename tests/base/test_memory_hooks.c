/* An allocator of the program's own under base/memory.h. It is set once in a process, so the tests follow each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <stoa/memory.h>
#include <string.h>

#include "base/memory.h"

static struct {
  unsigned allocated, reallocated, released;
  size_t size;
  void *block;
  bool fails;
} calls;

static void *allocate(void *context, size_t size) {
  assert_ptr_equal(context, &calls);
  calls.allocated++;
  calls.size = size;
  void *block = calls.fails ? NULL : malloc(size);
  return block == NULL ? NULL : memset(block, 0xa5, size);
}

static void *reallocate(void *context, void *block, size_t size) {
  assert_ptr_equal(context, &calls);
  assert_non_null(block);
  calls.reallocated++;
  calls.size = size;
  return calls.fails ? NULL : realloc(block, size);
}

static void release(void *context, void *block) {
  assert_ptr_equal(context, &calls);
  assert_non_null(block);
  calls.released++;
  calls.block = block;
  free(block);
}

static const struct stoa_memory_hooks hooks = {allocate, reallocate, release, &calls};

static int begin(void **state) {
  (void)state;
  memset(&calls, 0, sizeof calls);
  return 0;
}

static void hooks_of_which_one_is_missing_are_refused(void **state) {
  struct stoa_memory_hooks some = hooks;
  (void)state;
  some.allocate = NULL;
  assert_int_equal(stoa_memory_set_hooks(&some), STOA_E_ARGUMENT);
  some = hooks;
  some.reallocate = NULL;
  assert_int_equal(stoa_memory_set_hooks(&some), STOA_E_ARGUMENT);
  some = hooks;
  some.release = NULL;
  assert_int_equal(stoa_memory_set_hooks(&some), STOA_E_ARGUMENT);
}

/* They may be replaced as long as nothing was allocated. */
static void every_call_goes_through_the_hooks(void **state) {
  const struct stoa_memory_hooks replaced = {allocate, reallocate, release, NULL};
  (void)state;
  assert_int_equal(stoa_memory_set_hooks(&replaced), STOA_OK);
  assert_int_equal(stoa_memory_set_hooks(&hooks), STOA_OK);
  void *block = stoa_alloc(10);
  assert_int_equal(calls.allocated, 1);
  assert_int_equal(calls.size, 10);
  block = stoa_realloc(block, 30);
  assert_int_equal(calls.reallocated, 1);
  assert_int_equal(calls.size, 30);
  assert_int_equal(stoa_memory_live_blocks(), 1);
  stoa_free(block);
  assert_ptr_equal(calls.block, block);
  assert_int_equal(calls.released, 1);
  assert_int_equal(stoa_memory_live_blocks(), 0);
}

static void it_is_too_late_for_hooks_once_something_was_allocated(void **state) {
  (void)state;
  const struct stoa_memory_hooks late = {allocate, reallocate, release, NULL};
  assert_int_equal(stoa_memory_set_hooks(&late), STOA_E_EXISTS);
  stoa_free(stoa_alloc(1)); /* by the ones that were there before */
  assert_int_equal(calls.released, 1);
}

static void calloc_clears_what_the_hook_gives(void **state) {
  static const char zeros[48];
  (void)state;
  char *block = stoa_calloc(3, 16);
  assert_int_equal(calls.size, 48);
  assert_memory_equal(block, zeros, sizeof zeros);
  stoa_free(block);
  volatile size_t half = SIZE_MAX / 2;
  assert_null(stoa_calloc(half, 3));
  assert_int_equal(calls.allocated, 1);
  stoa_free(stoa_calloc(0, 16));
  assert_int_equal(calls.size, 1);
}

static void realloc_without_a_block_is_an_allocation_and_free_without_one_is_nothing(void **state) {
  (void)state;
  void *block = stoa_realloc(NULL, 8);
  assert_int_equal(calls.allocated, 1);
  assert_int_equal(calls.reallocated, 0);
  stoa_free(block);
  stoa_free(NULL);
  assert_int_equal(calls.released, 1);
}

static void a_hook_that_fails_is_memory_that_is_out(void **state) {
  (void)state;
  char *block = stoa_alloc(4);
  memcpy(block, "abc", 4);
  calls.fails = true;
  assert_null(stoa_alloc(8));
  assert_null(stoa_calloc(1, 8));
  assert_null(stoa_realloc(NULL, 8));
  assert_null(stoa_realloc(block, 8));
  assert_string_equal(block, "abc");
  assert_int_equal(stoa_memory_live_blocks(), 1);
  stoa_free(block);
}

static void faults_of_tests_come_before_the_hooks(void **state) {
  (void)state;
  stoa_memory_fail_at(1, false);
  assert_null(stoa_alloc(8));
  stoa_memory_fail_at(0, false);
  assert_int_equal(calls.allocated, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(hooks_of_which_one_is_missing_are_refused, begin),
      cmocka_unit_test_setup(every_call_goes_through_the_hooks, begin),
      cmocka_unit_test_setup(it_is_too_late_for_hooks_once_something_was_allocated, begin),
      cmocka_unit_test_setup(calloc_clears_what_the_hook_gives, begin),
      cmocka_unit_test_setup(realloc_without_a_block_is_an_allocation_and_free_without_one_is_nothing, begin),
      cmocka_unit_test_setup(a_hook_that_fails_is_memory_that_is_out, begin),
      cmocka_unit_test_setup(faults_of_tests_come_before_the_hooks, begin),
  };
  return cmocka_run_group_tests_name("memory hooks", tests, NULL, NULL);
}
