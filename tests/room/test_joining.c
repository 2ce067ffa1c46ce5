/* Joins in progress, found by the ids of their sessions. */
#include "board.h"

#include "room/joining.h"

/* Two ids of one list, and one of another list. */
static const struct stoa_uuid ann = {{1, [14] = 7, [15] = 9}};
static const struct stoa_uuid bob = {{2, [14] = 7, [15] = 9}};
static const struct stoa_uuid eve = {{1, [14] = 7, [15] = 8}};

static struct stoa_room_joining joining_of(const char *room) {
  return (struct stoa_room_joining){.room = stoa_room_name_make(stoa_string_of(room))};
}

static void test_each_session_has_its_own_joins_also_in_a_shared_list(void **state) {
  struct stoa_room_joinings all = {0};
  struct stoa_room_joining of_ann[] = {joining_of("hall"), joining_of("library"), joining_of("garden")};
  struct stoa_room_joining of_bob[] = {joining_of("hall"), joining_of("library")};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    stoa_room_joining_add(&all, &ann, &of_ann[i]);
    stoa_room_joining_add(&all, &bob, &of_bob[i]);
  }
  stoa_room_joining_add(&all, &ann, &of_ann[2]);
  /* The newest first. */
  const struct stoa_room_joining *at = NULL;
  for (size_t i = 3; i > 0; i--) {
    at = stoa_room_joining_next(&all, &ann, at);
    assert_ptr_equal(at, &of_ann[i - 1]);
  }
  assert_null(stoa_room_joining_next(&all, &ann, at));
  assert_ptr_equal(stoa_room_joining_find(&all, &bob, stoa_string_of("hall")), &of_bob[0]);
  assert_ptr_equal(stoa_room_joining_find(&all, &ann, stoa_string_of("hall")), &of_ann[0]);
  assert_null(stoa_room_joining_find(&all, &bob, stoa_string_of("garden")));
  assert_null(stoa_room_joining_next(&all, &eve, NULL));
}

static void test_what_is_removed_is_not_found_and_the_others_are(void **state) {
  struct stoa_room_joinings all = {0};
  struct stoa_room_joining of_ann[] = {joining_of("hall"), joining_of("library"), joining_of("garden")};
  struct stoa_room_joining of_bob = joining_of("library");
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    stoa_room_joining_add(&all, &ann, &of_ann[i]);
  }
  stoa_room_joining_add(&all, &bob, &of_bob);
  stoa_room_joining_remove(&all, &of_ann[1]);
  assert_false(of_ann[1].is_listed);
  stoa_room_joining_remove(&all, &of_ann[1]); /* does nothing */
  assert_null(stoa_room_joining_find(&all, &ann, stoa_string_of("library")));
  assert_ptr_equal(stoa_room_joining_find(&all, &bob, stoa_string_of("library")), &of_bob);
  stoa_room_joining_remove(&all, &of_ann[2]);
  stoa_room_joining_remove(&all, &of_ann[0]);
  assert_null(stoa_room_joining_next(&all, &ann, NULL));
  stoa_room_joining_add(&all, &ann, &of_ann[1]); /* it tries again */
  assert_ptr_equal(stoa_room_joining_next(&all, &ann, NULL), &of_ann[1]);
  assert_ptr_equal(stoa_room_joining_next(&all, &bob, NULL), &of_bob);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_session_has_its_own_joins_also_in_a_shared_list),
      cmocka_unit_test(test_what_is_removed_is_not_found_and_the_others_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
