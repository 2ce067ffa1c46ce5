/* The ready list: first in, first out, through growing, wrapping round and memory that is out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stoa/status.h>

#include "base/memory.h"
#include "net/ready.h"

/* The list never looks into a stream. */
static struct stoa_stream *stream(uintptr_t number) {
  return (struct stoa_stream *)(number * 16);
}

static void test_streams_come_off_the_list_in_the_order_in_which_they_came(void **state) {
  (void)state;
  struct stoa_ready ready = {0};
  uintptr_t put = 1;
  uintptr_t taken = 1;
  srand(1);
  for (unsigned i = 0; i < 20000; i++) {
    /* Now it grows, now it is emptied, and the ring wraps round in between. */
    if (rand() % 100 < (i / 500 % 2 == 0 ? 60 : 40)) {
      assert_int_equal(stoa_ready_put(&ready, stream(put++)), STOA_OK);
    } else if (taken < put) {
      assert_ptr_equal(stoa_ready_take(&ready), stream(taken++));
    } else {
      assert_null(stoa_ready_take(&ready));
    }
    assert_int_equal(ready.count, put - taken);
  }
  while (taken < put) {
    assert_ptr_equal(stoa_ready_take(&ready), stream(taken++));
  }
  assert_null(stoa_ready_take(&ready));
  stoa_ready_fini(&ready);
}

static void test_without_memory_the_list_is_unchanged(void **state) {
  (void)state;
  struct stoa_ready ready = {0};
  stoa_memory_fail_at(1, true);
  assert_int_equal(stoa_ready_put(&ready, stream(1)), STOA_E_MEMORY);
  assert_int_equal(ready.count, 0);
  assert_null(stoa_ready_take(&ready));
  stoa_memory_fail_at(0, false);
  uintptr_t put = 1;
  assert_int_equal(stoa_ready_put(&ready, stream(put++)), STOA_OK);
  stoa_memory_fail_at(1, true);
  while (stoa_ready_put(&ready, stream(put)) == STOA_OK) {
    put++;
  }
  assert_int_equal(stoa_memory_fault_hits(), 1);
  stoa_memory_fail_at(0, false);
  assert_int_equal(ready.count, put - 1);
  assert_int_equal(stoa_ready_put(&ready, stream(put++)), STOA_OK);
  for (uintptr_t taken = 1; taken < put; taken++) {
    assert_ptr_equal(stoa_ready_take(&ready), stream(taken));
  }
  stoa_ready_fini(&ready);
}

static void test_an_empty_list_may_be_used_again_after_its_end(void **state) {
  (void)state;
  struct stoa_ready ready = {0};
  int64_t blocks = stoa_memory_live_blocks();
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(stoa_ready_put(&ready, stream(7)), STOA_OK);
    assert_ptr_equal(stoa_ready_take(&ready), stream(7));
    stoa_ready_fini(&ready);
    assert_int_equal(stoa_memory_live_blocks(), blocks);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_streams_come_off_the_list_in_the_order_in_which_they_came),
      cmocka_unit_test(test_without_memory_the_list_is_unchanged),
      cmocka_unit_test(test_an_empty_list_may_be_used_again_after_its_end),
  };
  return cmocka_run_group_tests_name("ready list", tests, NULL, NULL);
}
