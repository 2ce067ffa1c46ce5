#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stoa/buffer.h>

#include "base/memory.h"

static int leave_no_block(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  return stoa_memory_live_blocks() == 0 ? 0 : -1;
}

static void assert_holds(const struct stoa_buffer *buffer, const char *text) {
  assert_int_equal(buffer->len, strlen(text));
  assert_memory_equal(buffer->data, text, strlen(text));
}

static void nothing_is_allocated_before_the_first_append(void **state) {
  (void)state;
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 100);
  assert_int_equal(stoa_buffer_append(&buffer, NULL, 0), STOA_OK);
  assert_null(buffer.data);
  assert_int_equal(stoa_memory_live_blocks(), 0);
  stoa_buffer_fini(&buffer);
  stoa_buffer_fini(NULL);
}

static void appends_follow_each_other(void **state) {
  (void)state;
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 1 << 20);
  for (uint32_t i = 0; i < 10000; i++) {
    assert_int_equal(stoa_buffer_append(&buffer, &i, sizeof i), STOA_OK);
  }
  assert_int_equal(buffer.len, 10000 * sizeof(uint32_t));
  for (uint32_t i = 0; i < 10000; i++) {
    assert_memory_equal(buffer.data + i * sizeof i, &i, sizeof i);
  }
  stoa_buffer_fini(&buffer);
}

static void a_buffer_fills_to_its_cap_and_not_a_byte_further(void **state) {
  (void)state;
  for (size_t len_max = 0; len_max < 200; len_max++) {
    struct stoa_buffer buffer;
    stoa_buffer_init(&buffer, len_max);
    for (size_t i = 0; i < len_max; i++) {
      assert_int_equal(stoa_buffer_append(&buffer, "x", 1), STOA_OK);
    }
    assert_int_equal(stoa_buffer_append(&buffer, "y", 1), STOA_E_LIMIT);
    assert_int_equal(buffer.len, len_max);
    assert_true(buffer.cap <= len_max);
    stoa_buffer_fini(&buffer);
  }
}

static void a_refused_append_writes_nothing(void **state) {
  (void)state;
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 8);
  assert_int_equal(stoa_buffer_append(&buffer, "abcd", 4), STOA_OK);
  assert_int_equal(stoa_buffer_append(&buffer, "efghi", 5), STOA_E_LIMIT);
  assert_int_equal(stoa_buffer_grow(&buffer, SIZE_MAX), STOA_E_LIMIT);
  assert_holds(&buffer, "abcd");
  assert_int_equal(stoa_buffer_append(&buffer, "efgh", 4), STOA_OK);
  assert_holds(&buffer, "abcdefgh");
  stoa_buffer_fini(&buffer);
}

static void an_append_without_memory_leaves_the_content(void **state) {
  (void)state;
  static const uint8_t many[1000];
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 4096);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_buffer_append(&buffer, "abcd", 4), STOA_E_MEMORY);
  assert_int_equal(stoa_buffer_append(&buffer, "abcd", 4), STOA_OK);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_buffer_append(&buffer, many, sizeof many), STOA_E_MEMORY);
  assert_holds(&buffer, "abcd");
  assert_int_equal(stoa_buffer_append(&buffer, many, sizeof many), STOA_OK);
  assert_int_equal(buffer.len, 4 + sizeof many);
  stoa_buffer_fini(&buffer);
}

static void reserved_space_is_filled_by_the_caller(void **state) {
  (void)state;
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 4096);
  assert_int_equal(stoa_buffer_reserve(&buffer, 300), STOA_OK);
  memset(buffer.data, 'x', 300);
  buffer.len += 300;
  assert_int_equal(stoa_buffer_grow(&buffer, 0), STOA_OK);
  assert_int_equal(stoa_buffer_append(&buffer, "y", 1), STOA_OK);
  assert_int_equal(buffer.data[299], 'x');
  assert_int_equal(buffer.data[300], 'y');
  stoa_buffer_fini(&buffer);
}

static void consuming_keeps_the_rest_in_order(void **state) {
  (void)state;
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 16);
  stoa_buffer_consume(&buffer, 0);
  assert_int_equal(stoa_buffer_append(&buffer, "abcdefgh", 8), STOA_OK);
  stoa_buffer_consume(&buffer, 0);
  stoa_buffer_consume(&buffer, 3);
  assert_holds(&buffer, "defgh");
  stoa_buffer_consume(&buffer, 5);
  assert_int_equal(buffer.len, 0);
  stoa_buffer_fini(&buffer);
}

static void a_finished_buffer_is_usable_again_with_the_same_cap(void **state) {
  (void)state;
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, 4);
  assert_int_equal(stoa_buffer_append(&buffer, "abcd", 4), STOA_OK);
  stoa_buffer_fini(&buffer);
  assert_int_equal(stoa_memory_live_blocks(), 0);
  assert_int_equal(stoa_buffer_append(&buffer, "abcde", 5), STOA_E_LIMIT);
  assert_int_equal(stoa_buffer_append(&buffer, "efgh", 4), STOA_OK);
  assert_holds(&buffer, "efgh");
  stoa_buffer_fini(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(nothing_is_allocated_before_the_first_append, leave_no_block),
      cmocka_unit_test_teardown(appends_follow_each_other, leave_no_block),
      cmocka_unit_test_teardown(a_buffer_fills_to_its_cap_and_not_a_byte_further, leave_no_block),
      cmocka_unit_test_teardown(a_refused_append_writes_nothing, leave_no_block),
      cmocka_unit_test_teardown(an_append_without_memory_leaves_the_content, leave_no_block),
      cmocka_unit_test_teardown(reserved_space_is_filled_by_the_caller, leave_no_block),
      cmocka_unit_test_teardown(consuming_keeps_the_rest_in_order, leave_no_block),
      cmocka_unit_test_teardown(a_finished_buffer_is_usable_again_with_the_same_cap, leave_no_block),
  };
  return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
