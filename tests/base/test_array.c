#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/memory.h"

/* An array of numbers, as a struct of the library has it. */
struct numbers {
  uint32_t *items;
  uint32_t capacity;
};

static int reserve(struct numbers *numbers, size_t count, uint32_t count_max) {
  return stoa_array_reserve(&numbers->items, sizeof *numbers->items, &numbers->capacity, count, count_max);
}

static int leave_no_block(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  return stoa_memory_live_blocks() == 0 ? 0 : -1;
}

static void the_items_of_an_array_are_counted(void **state) {
  (void)state;
  static const char *const names[] = {"one", "two", "three"};
  enum { COUNT = STOA_COUNT_OF(names) };
  uint8_t bytes[17];
  assert_int_equal(COUNT, 3);
  assert_int_equal(STOA_COUNT_OF(bytes), 17);
}

static void what_is_added_one_by_one_stays_and_costs_few_copies(void **state) {
  (void)state;
  struct numbers numbers = {0};
  uint32_t copies = 0;
  for (uint32_t i = 0; i < 10000; i++) {
    uint32_t before = numbers.capacity;
    assert_int_equal(reserve(&numbers, (size_t)i + 1, UINT32_MAX), STOA_OK);
    copies += numbers.capacity != before;
    numbers.items[i] = i;
  }
  for (uint32_t i = 0; i < 10000; i++) {
    assert_int_equal(numbers.items[i], i);
  }
  assert_in_range(copies, 1, 25);
  stoa_free(numbers.items);
}

static void what_there_is_room_for_allocates_nothing(void **state) {
  (void)state;
  struct numbers numbers = {0};
  assert_int_equal(reserve(&numbers, 100, 1000), STOA_OK);
  assert_true(numbers.capacity >= 100);
  const uint32_t *items = numbers.items;
  stoa_memory_fail_at(1, true);
  assert_int_equal(reserve(&numbers, 100, 1000), STOA_OK);
  assert_int_equal(reserve(&numbers, 0, 1000), STOA_OK);
  assert_ptr_equal(numbers.items, items);
  stoa_free(numbers.items);
}

static void there_is_never_room_for_more_than_the_limit(void **state) {
  (void)state;
  struct numbers numbers = {0};
  assert_int_equal(reserve(&numbers, 9, 10), STOA_OK);
  assert_int_equal(reserve(&numbers, 10, 10), STOA_OK);
  assert_int_equal(numbers.capacity, 10);
  const uint32_t *items = numbers.items;
  assert_int_equal(reserve(&numbers, 11, 10), STOA_E_LIMIT);
  assert_int_equal(numbers.capacity, 10);
  assert_ptr_equal(numbers.items, items);
  stoa_free(numbers.items);
}

static void without_memory_the_array_is_as_it_was(void **state) {
  (void)state;
  struct numbers numbers = {0};
  stoa_memory_fail_at(1, false);
  assert_int_equal(reserve(&numbers, 1, 100), STOA_E_MEMORY);
  assert_null(numbers.items);
  assert_int_equal(numbers.capacity, 0);
  assert_int_equal(reserve(&numbers, 1, 100), STOA_OK);
  numbers.items[0] = 7;
  uint32_t capacity = numbers.capacity;
  stoa_memory_fail_at(1, false);
  assert_int_equal(reserve(&numbers, 50, 100), STOA_E_MEMORY);
  assert_int_equal(numbers.capacity, capacity);
  assert_int_equal(numbers.items[0], 7);
  stoa_free(numbers.items);
}

static void bytes_that_cannot_be_counted_are_no_memory(void **state) {
  (void)state;
  uint64_t *items = NULL;
  assert_int_equal(stoa_array_resize(&items, sizeof *items, SIZE_MAX / 4), STOA_E_MEMORY);
  assert_null(items);
}

static void an_array_becomes_as_large_as_asked_and_smaller_too(void **state) {
  (void)state;
  uint64_t *items = NULL;
  assert_int_equal(stoa_array_resize(&items, sizeof *items, 1000), STOA_OK);
  items[0] = 1;
  items[999] = 2;
  assert_int_equal(stoa_array_resize(&items, sizeof *items, 1), STOA_OK);
  assert_int_equal(items[0], 1);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_array_resize(&items, sizeof *items, 2), STOA_E_MEMORY);
  assert_int_equal(items[0], 1);
  stoa_free(items);
}

#define TEST(name) cmocka_unit_test_teardown(name, leave_no_block)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_items_of_an_array_are_counted),
      TEST(what_is_added_one_by_one_stays_and_costs_few_copies),
      TEST(what_there_is_room_for_allocates_nothing),
      TEST(there_is_never_room_for_more_than_the_limit),
      TEST(without_memory_the_array_is_as_it_was),
      TEST(bytes_that_cannot_be_counted_are_no_memory),
      TEST(an_array_becomes_as_large_as_asked_and_smaller_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
