/* Rules of fields, through generated tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <stoa/codec.h>
#include <stoa/status.h>

#include "rules.stoa.h"

static const struct rules_v1_item cheap = {.price = 100};
static const struct rules_v1_item dear = {.price = 101};
static const struct stoa_string word = STOA_STR("a");

/* Keeps to every rule. */
static struct rules_v1_order good_order(void) {
  struct rules_v1_order order = {
      .nick = STOA_STR("n"),
      .key = {(const uint8_t *)"kk", 2},
      .has_share = true,
      .main = &cheap,
      .ratio = 0.1,
      .agreed = true,
      .words = {&word, 1},
  };
  return order;
}

static void check_is(const struct stoa_message_type *type, const void *message, int wanted, const char *why) {
  struct stoa_codec_error error = {.text = "not touched"};
  assert_int_equal(stoa_message_check(type, message, &error), wanted);
  assert_string_equal(error.text, why);
  assert_int_equal(stoa_message_check(type, message, NULL), wanted);
}

static void is_good(const struct rules_v1_order *order) {
  check_is(&rules_v1_order_type, order, STOA_OK, "");
}

static void is_bad(const struct rules_v1_order *order, const char *why) {
  check_is(&rules_v1_order_type, order, STOA_E_TYPE, why);
}

static void a_string_is_measured_in_characters(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  static const char thirty_two[] = "ääääääääääääääääääääääääääääää👍a";
  order.nick = stoa_string_of(thirty_two);
  is_good(&order);
  order.nick = (struct stoa_string){0};
  is_bad(&order, "nick: at least 1 character, got 0");
  order.nick = stoa_string_of("123456789012345678901234567890123");
  is_bad(&order, "nick: at most 32 characters, got 33");
}

static void bytes_are_measured_in_bytes(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  order.key.len = 1;
  is_bad(&order, "key: at least 2 bytes, got 1");
  order.key = stoa_bytes_make("\xc3\xa4\xc3", 3);
  is_bad(&order, "key: at most 2 bytes, got 3");
}

static void lists_and_maps_are_measured_in_entries(void **state) {
  (void)state;
  static const struct rules_v1_item items[4];
  static const struct rules_v1_order_by_name_entry entries[3];
  struct rules_v1_order order = good_order();
  order.items.items = items;
  order.items.count = 3;
  is_good(&order);
  order.items.count = 4;
  is_bad(&order, "items: at most 3 entries, got 4");
  order = good_order();
  order.by_name.items = entries;
  order.by_name.count = 3;
  is_bad(&order, "by_name: at most 2 entries, got 3");
  order = good_order();
  order.words.count = 0;
  is_bad(&order, "words: at least 1 entry, got 0");
}

static void bounds_of_whole_numbers_are_inclusive(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  order.count = -3;
  is_good(&order);
  order.count = -4;
  is_bad(&order, "count: at least -3, got -4");
  order.count = 100;
  order.least = INT64_MIN;
  order.total = UINT64_MAX - 1;
  is_good(&order);
  order.count = 101;
  is_bad(&order, "count: at most 100, got 101");
}

static void bounds_beyond_a_double_are_exact(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  order.total = UINT64_MAX;
  is_bad(&order, "total: at most 18446744073709551614, got 18446744073709551615");
  order.total = 0;
  order.least = 9007199254740993;
  is_bad(&order, "least: at most 9007199254740992, got 9007199254740993");
}

static void nan_is_in_no_range(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  order.ratio = 0;
  is_bad(&order, "ratio: at least 0.1, got 0");
  order.ratio = INFINITY;
  is_bad(&order, "ratio: at most 1e+300, got inf");
  order.ratio = NAN;
  is_bad(&order, "ratio: at least 0.1, got NaN");
  order.ratio = 1;
  order.share = NAN;
  is_bad(&order, "share: at most 0.5, got NaN");
}

static void what_is_required_is_set(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  order.has_share = false;
  is_bad(&order, "share: required");
  order = good_order();
  order.main = NULL;
  is_bad(&order, "main: required");
  order = good_order();
  order.agreed = false;
  is_bad(&order, "agreed: required");
}

static void members_of_a_oneof_that_are_not_set_are_not_checked(void **state) {
  (void)state;
  struct rules_v1_order order = good_order();
  order.kind_case = 12;
  order.kind.text = stoa_string_of("fiver");
  is_bad(&order, "text: at most 4 characters, got 5");
  order.kind_case = 13;
  order.kind.number = 6;
  is_bad(&order, "number: at least 7, got 6");
  order.kind_case = 0;
  is_good(&order);
}

static void each_number_of_a_list_is_checked_against_the_bounds(void **state) {
  (void)state;
  static const int64_t steps[] = {0, 10, -1};
  struct rules_v1_order order = good_order();
  order.steps.items = steps;
  order.steps.count = 2;
  is_bad(&order, "steps[1]: at most 9, got 10");
  order.steps.count = 3;
  is_bad(&order, "steps: at most 2 entries, got 3");
}

static void the_path_names_list_indexes_and_map_keys(void **state) {
  (void)state;
  const struct rules_v1_item items[2] = {{.price = 1}, {.price = 1, .parts = {&dear, 1}}};
  const struct rules_v1_order_by_name_entry by_name = {.key = STOA_STR("a\n"), .value = &items[1]};
  const struct rules_v1_order_by_name_entry empty = {.key = STOA_STR("b"), .value = NULL};
  const struct rules_v1_order_by_number_entry by_number = {.key = -7, .value = &dear};
  const struct rules_v1_order_by_flag_entry by_flag = {.key = true, .value = &dear};
  const struct rules_v1_order_by_id_entry by_id = {.key = UINT64_MAX, .value = &dear};
  struct rules_v1_order order = good_order();
  order.items.items = items;
  order.items.count = 2;
  is_bad(&order, "items[1].parts[0].price: at most 100, got 101");
  order = good_order();
  order.by_name.items = &empty;
  order.by_name.count = 1;
  is_good(&order);
  order.by_name.items = &by_name;
  is_bad(&order, "by_name[\"a\\x0a\"].parts[0].price: at most 100, got 101");
  order = good_order();
  order.by_number.items = &by_number;
  order.by_number.count = 1;
  is_bad(&order, "by_number[\"-7\"].price: at most 100, got 101");
  order = good_order();
  order.by_flag.items = &by_flag;
  order.by_flag.count = 1;
  is_bad(&order, "by_flag[\"true\"].price: at most 100, got 101");
  order = good_order();
  order.by_id.items = &by_id;
  order.by_id.count = 1;
  is_bad(&order, "by_id[\"18446744073709551615\"].price: at most 100, got 101");
}

static void a_message_without_rules_is_searched_for_nested_rules(void **state) {
  (void)state;
  assert_int_equal(rules_v1_plain_type.has_rules, 0);
  assert_int_equal(rules_v1_outer_type.has_rules, 1);
  assert_int_equal(rules_v1_middle_type.has_rules, 1);
  const struct common_v1_bounded bounded = {.small = 10};
  const struct rules_v1_far far = {.bounded = &bounded};
  check_is(&rules_v1_far_type, &far, STOA_E_TYPE, "bounded.small: at most 9, got 10");
  struct rules_v1_order order = good_order();
  order.main = &dear;
  const struct rules_v1_middle middle = {.order = &order};
  const struct rules_v1_outer inner = {.middle = &middle};
  const struct rules_v1_outer outer = {.again = &inner};
  check_is(&rules_v1_outer_type, &outer, STOA_E_TYPE, "again.middle.order.main.price: at most 100, got 101");
}

static void a_message_deeper_than_the_decoding_limit_is_refused(void **state) {
  (void)state;
  struct rules_v1_outer chain[STOA_CODEC_DEPTH_MAX + 1] = {{0}};
  for (size_t i = 0; i + 1 < STOA_CODEC_DEPTH_MAX; i++) {
    chain[i].again = &chain[i + 1];
  }
  check_is(&rules_v1_outer_type, &chain[0], STOA_OK, "");
  chain[STOA_CODEC_DEPTH_MAX - 1].again = &chain[STOA_CODEC_DEPTH_MAX];
  assert_int_equal(stoa_message_check(&rules_v1_outer_type, &chain[0], NULL), STOA_E_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_string_is_measured_in_characters),
      cmocka_unit_test(bytes_are_measured_in_bytes),
      cmocka_unit_test(lists_and_maps_are_measured_in_entries),
      cmocka_unit_test(bounds_of_whole_numbers_are_inclusive),
      cmocka_unit_test(bounds_beyond_a_double_are_exact),
      cmocka_unit_test(nan_is_in_no_range),
      cmocka_unit_test(what_is_required_is_set),
      cmocka_unit_test(members_of_a_oneof_that_are_not_set_are_not_checked),
      cmocka_unit_test(each_number_of_a_list_is_checked_against_the_bounds),
      cmocka_unit_test(the_path_names_list_indexes_and_map_keys),
      cmocka_unit_test(a_message_without_rules_is_searched_for_nested_rules),
      cmocka_unit_test(a_message_deeper_than_the_decoding_limit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
