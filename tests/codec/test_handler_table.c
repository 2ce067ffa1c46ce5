/* Handlers by the number of their type. */
#include "base/memory.h"
#include "codec/handler_table.h"
#include "kit.h"

#define TYPE_MAX 0x3fffffffu
#define COUNT_MAX 40

struct handler {
  uint32_t type;
  const char *name;
};

static void init(struct stoa_handler_table *table) {
  stoa_handler_table_init(table, sizeof(struct handler), COUNT_MAX, TYPE_MAX);
}

static int add(struct stoa_handler_table *table, uint32_t type) {
  const struct handler handler = {type, "first"};
  return stoa_handler_table_add(table, &(struct stoa_handler_key){.type = type}, &handler);
}

static void check_there(const struct stoa_handler_table *table, uint32_t type) {
  const struct handler *handler = stoa_handler_table_find(table, type);
  assert_non_null(handler);
  assert_int_equal(handler->type, type);
}

static void a_handler_is_found_by_its_type_in_whatever_order_it_came(void **state) {
  static const uint32_t types[] = {7, 3, TYPE_MAX, 0, 5, 4, 100, 6, 2, 1, 99};
  struct stoa_handler_table table;
  (void)state;
  init(&table);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    assert_null(stoa_handler_table_find(&table, types[i]));
    assert_int_equal(add(&table, types[i]), STOA_OK);
    for (size_t k = 0; k <= i; k++) {
      check_there(&table, types[k]);
    }
  }
  assert_null(stoa_handler_table_find(&table, 8));
  stoa_handler_table_fini(&table);
}

static void the_first_handler_of_a_type_stays(void **state) {
  struct stoa_handler_table table;
  const struct handler second = {4, "second"};
  (void)state;
  init(&table);
  assert_int_equal(add(&table, 4), STOA_OK);
  assert_int_equal(stoa_handler_table_add(&table, &(struct stoa_handler_key){.type = 4}, &second), STOA_E_EXISTS);
  const struct handler *there = stoa_handler_table_find(&table, 4);
  assert_string_equal(there->name, "first");
  assert_int_equal(table.count, 1);
  stoa_handler_table_fini(&table);
}

static void a_number_that_no_frame_carries_is_refused(void **state) {
  struct stoa_handler_table table;
  (void)state;
  init(&table);
  assert_int_equal(add(&table, TYPE_MAX + 1), STOA_E_ARGUMENT);
  assert_int_equal(add(&table, TYPE_MAX), STOA_OK);
  stoa_handler_table_fini(&table);
}

static void tables_of_another_abi_are_refused(void **state) {
  static const struct stoa_message_type old = {.abi = STOA_DESCRIPTOR_ABI - 1};
  static const struct stoa_message_type new = {.abi = STOA_DESCRIPTOR_ABI};
  const struct stoa_handler_key keys[] = {{1, &old, NULL}, {1, &new, &old}, {1, &new, &new}};
  const struct handler handler = {1, "first"};
  struct stoa_handler_table table;
  (void)state;
  init(&table);
  assert_int_equal(stoa_handler_table_add(&table, &keys[0], &handler), STOA_E_ARGUMENT);
  assert_int_equal(stoa_handler_table_add(&table, &keys[1], &handler), STOA_E_ARGUMENT);
  assert_int_equal(stoa_handler_table_add(&table, &keys[2], &handler), STOA_OK);
  stoa_handler_table_fini(&table);
}

static void a_full_table_takes_no_more_and_keeps_what_it_has(void **state) {
  struct stoa_handler_table table;
  (void)state;
  init(&table);
  for (uint32_t type = 0; type < COUNT_MAX; type++) {
    assert_int_equal(add(&table, type), STOA_OK);
  }
  assert_int_equal(add(&table, COUNT_MAX), STOA_E_LIMIT);
  assert_null(stoa_handler_table_find(&table, COUNT_MAX));
  check_there(&table, COUNT_MAX - 1);
  stoa_handler_table_fini(&table);
}

/* The last round needs no more memory than is there, so its fault is not met. */
static void each_allocation_may_fail_and_the_same_handler_can_be_added_again(void **state) {
  uint64_t n = 0;
  uint64_t hits;
  (void)state;
  do {
    struct stoa_handler_table table;
    int64_t live_before = stoa_memory_live_blocks();
    init(&table);
    stoa_memory_fail_at(++n, false);
    for (uint32_t type = 0; type < COUNT_MAX; type++) {
      size_t count = table.count;
      int status = add(&table, type);
      if (status != STOA_OK) {
        assert_int_equal(status, STOA_E_MEMORY);
        assert_int_equal(table.count, count);
        assert_int_equal(add(&table, type), STOA_OK);
      }
      check_there(&table, type);
    }
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    stoa_handler_table_fini(&table);
    assert_int_equal(stoa_memory_live_blocks(), live_before);
  } while (hits > 0);
  assert_true(n > 2);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_handler_is_found_by_its_type_in_whatever_order_it_came),
      cmocka_unit_test(the_first_handler_of_a_type_stays),
      cmocka_unit_test(a_number_that_no_frame_carries_is_refused),
      cmocka_unit_test(tables_of_another_abi_are_refused),
      cmocka_unit_test(a_full_table_takes_no_more_and_keeps_what_it_has),
      cmocka_unit_test(each_allocation_may_fail_and_the_same_handler_can_be_added_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
