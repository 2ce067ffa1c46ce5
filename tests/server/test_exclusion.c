/* The list of what, in a batch, is not for which session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stoa/status.h>

#include "base/memory.h"
#include "server/group/exclusion.h"

static void test_a_range_that_goes_on_needs_no_room(void **state) {
  (void)state;
  struct stoa_exclusions list = {0};
  struct stoa_exclusion out[4];
  const struct stoa_uuid one = {{[15] = 1}};
  const struct stoa_uuid two = {{[15] = 2}};
  assert_int_equal(stoa_exclusions_reserve(&list), STOA_OK);
  assert_int_equal(stoa_exclusions_add(&list, &one, 0, 10), sizeof(struct stoa_exclusion));
  assert_int_equal(stoa_exclusions_add(&list, &one, 10, 20), 0);
  assert_int_equal(stoa_exclusions_add(&list, &one, 30, 40), sizeof(struct stoa_exclusion));
  assert_int_equal(stoa_exclusions_add(&list, &two, 40, 50), sizeof(struct stoa_exclusion));
  assert_int_equal(list.count, 3);
  assert_int_equal(stoa_exclusions_of_worker(&list, 1, 3, NULL), 2);
  assert_int_equal(stoa_exclusions_of_worker(&list, 1, 3, out), 2);
  assert_int_equal(out[0].end, 20);
  assert_int_equal(out[1].start, 30);
  assert_int_equal(stoa_exclusions_of_worker(&list, 0, 3, out), 0);
  assert_int_equal(stoa_exclusions_clear(&list), 3 * sizeof(struct stoa_exclusion));
  assert_int_equal(stoa_exclusions_clear(&list), 0);
}

static void test_a_list_of_exclusions_without_memory_stays_as_it_was(void **state) {
  (void)state;
  struct stoa_exclusions list = {0};
  const struct stoa_uuid ids_of_two[2] = {{{1}}, {{2}}};
  uint32_t count = 0;
  while (list.count < list.capacity || count == 0) {
    assert_int_equal(stoa_exclusions_reserve(&list), STOA_OK);
    assert_true(stoa_exclusions_add(&list, &ids_of_two[count % 2], count, count + 1) > 0);
    count++;
  }
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_exclusions_reserve(&list), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_int_equal(list.count, count);
  assert_int_equal(list.items[count - 1].end, count);
  assert_int_equal(stoa_exclusions_clear(&list), count * sizeof(struct stoa_exclusion));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_range_that_goes_on_needs_no_room),
      cmocka_unit_test(test_a_list_of_exclusions_without_memory_stays_as_it_was),
  };
  return cmocka_run_group_tests_name("exclusion", tests, NULL, NULL);
}
