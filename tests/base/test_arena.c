#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stoa/arena.h>

#include "base/arena.h"
#include "base/memory.h"

#define KIB ((size_t)1024)

static int leave_no_block(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  return stoa_memory_live_blocks() == 0 ? 0 : -1;
}

static void allocations_are_aligned_and_do_not_overlap(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  uint8_t *blocks[300];
  for (size_t size = 0; size < 300; size++) {
    blocks[size] = stoa_arena_alloc(arena, size);
    assert_non_null(blocks[size]);
    assert_int_equal((uintptr_t)blocks[size] % 16, 0);
    memset(blocks[size], (int)(size & 0xff), size);
  }
  for (size_t size = 0; size < 300; size++) {
    for (size_t i = 0; i < size; i++) {
      assert_int_equal(blocks[size][i], size & 0xff);
    }
  }
  stoa_arena_destroy(arena);
}

static void empty_allocations_have_pointers_of_their_own(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(KIB);
  void *first = stoa_arena_alloc(arena, 0);
  void *second = stoa_arena_alloc(arena, 0);
  assert_non_null(first);
  assert_non_null(second);
  assert_ptr_not_equal(first, second);
  stoa_arena_destroy(arena);
}

static void an_allocation_larger_than_a_block_is_served(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  char *small = stoa_arena_alloc(arena, 10);
  char *large = stoa_arena_alloc(arena, 500 * KIB);
  char *after = stoa_arena_alloc(arena, 10);
  memset(small, 's', 10);
  memset(large, 'l', 500 * KIB);
  memset(after, 'a', 10);
  assert_int_equal(small[9], 's');
  assert_int_equal(large[500 * KIB - 1], 'l');
  stoa_arena_destroy(arena);
}

static void the_cap_is_reached_exactly_and_refuses_more(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(100 * KIB);
  for (int i = 0; i < 100; i++) {
    assert_non_null(stoa_arena_alloc(arena, KIB));
  }
  assert_int_equal(stoa_arena_used(arena), 100 * KIB);
  assert_null(stoa_arena_alloc(arena, 1));
  assert_null(stoa_arena_calloc(arena, 0));
  assert_null(stoa_arena_copy(arena, stoa_string_of("x")).data);
  assert_int_equal(stoa_arena_used(arena), 100 * KIB);
  stoa_arena_reset(arena);
  assert_non_null(stoa_arena_alloc(arena, 100 * KIB));
  stoa_arena_destroy(arena);
}

static void sizes_near_the_largest_number_are_refused(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(SIZE_MAX);
  assert_null(stoa_arena_alloc(arena, SIZE_MAX));
  assert_null(stoa_arena_alloc(arena, SIZE_MAX - 15));
  assert_null(stoa_arena_copy(arena, stoa_string_make("x", SIZE_MAX)).data);
  void *memory = stoa_arena_alloc(arena, 1);
  assert_null(stoa_arena_grow(arena, memory, 1, SIZE_MAX));
  stoa_arena_destroy(arena);
}

static void calloc_clears_memory_that_was_used_before(void **state) {
  (void)state;
  static const char zeros[100];
  struct stoa_arena *arena = stoa_arena_create(KIB);
  memset(stoa_arena_alloc(arena, 100), 'x', 100);
  stoa_arena_reset(arena);
  assert_memory_equal(stoa_arena_calloc(arena, 100), zeros, 100);
  stoa_arena_destroy(arena);
}

static void a_copy_ends_with_a_nul_and_keeps_embedded_nuls(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(KIB);
  struct stoa_string copy = stoa_arena_copy(arena, stoa_string_make("a\0b", 3));
  assert_int_equal(copy.len, 3);
  assert_memory_equal(copy.data, "a\0b", 4);
  struct stoa_string empty = stoa_arena_copy(arena, stoa_string_make(NULL, 0));
  assert_int_equal(empty.len, 0);
  assert_string_equal(empty.data, "");
  stoa_arena_destroy(arena);
}

static void a_steady_load_allocates_nothing_after_the_first_round(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  assert_int_equal(stoa_memory_live_blocks(), 1);
  assert_non_null(stoa_arena_alloc(arena, 10 * KIB));
  stoa_memory_fail_at(1, true);
  for (int i = 0; i < 100; i++) {
    stoa_arena_reset(arena);
    assert_non_null(stoa_arena_alloc(arena, 10 * KIB));
  }
  assert_int_equal(stoa_memory_fault_hits(), 0);
  stoa_arena_destroy(arena);
}

static void a_reset_keeps_the_first_block_only(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  stoa_arena_reset(arena);
  for (int i = 0; i < 10; i++) {
    assert_non_null(stoa_arena_alloc(arena, 50 * KIB));
  }
  assert_true(stoa_memory_live_blocks() > 2);
  stoa_arena_reset(arena);
  assert_int_equal(stoa_memory_live_blocks(), 2);
  assert_int_equal(stoa_arena_used(arena), 0);
  stoa_arena_destroy(arena);
}

static void the_newest_allocation_grows_and_shrinks_in_place(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(64 * KIB);
  char *text = stoa_arena_alloc(arena, 3);
  memcpy(text, "abc", 3);
  assert_ptr_equal(stoa_arena_grow(arena, text, 3, 1000), text);
  memset(text + 3, 'x', 997);
  assert_int_equal(stoa_arena_used(arena), 1008);
  assert_ptr_equal(stoa_arena_grow(arena, text, 1000, 20), text);
  assert_memory_equal(text, "abcxxxxxxxxxxxxxxxxx", 20);
  assert_int_equal(stoa_arena_used(arena), 32);
  char *next = stoa_arena_alloc(arena, 16);
  assert_ptr_equal(next, text + 32);
  stoa_arena_destroy(arena);
}

static void an_older_allocation_grows_by_a_copy(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(64 * KIB);
  char *text = stoa_arena_alloc(arena, 3);
  memcpy(text, "abc", 3);
  char *newest = stoa_arena_alloc(arena, 16);
  memcpy(newest, "0123456789abcde", 16);
  char *moved = stoa_arena_grow(arena, text, 3, 40);
  assert_ptr_not_equal(moved, text);
  assert_memory_equal(moved, "abc", 3);
  assert_ptr_equal(stoa_arena_grow(arena, text, 3, 2), text);
  assert_string_equal(newest, "0123456789abcde");
  stoa_arena_destroy(arena);
}

static void growing_past_the_block_moves_the_content(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  size_t size = 1;
  char *text = stoa_arena_alloc(arena, size);
  text[0] = 'a';
  for (; size < 256 * KIB; size *= 2) {
    text = stoa_arena_grow(arena, text, size, size * 2);
    assert_non_null(text);
    memset(text + size, 'b', size);
    assert_int_equal(text[0], 'a');
    assert_int_equal(text[size - 1], size == 1 ? 'a' : 'b');
  }
  stoa_arena_destroy(arena);
}

static void a_single_allocation_of_a_block_grows_without_keeping_the_old_block(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  assert_non_null(stoa_arena_alloc(arena, 16 * KIB));
  char *text = stoa_arena_alloc(arena, 32 * KIB);
  memset(text, 'a', 32 * KIB);
  for (size_t size = 32 * KIB; size < 512 * KIB; size *= 2) {
    text = stoa_arena_grow(arena, text, size, size * 2);
    assert_non_null(text);
    assert_int_equal((uintptr_t)text % 16, 0);
    memset(text + size, 'a', size);
    assert_int_equal(stoa_arena_used(arena), 16 * KIB + size * 2);
    assert_int_equal(stoa_memory_live_blocks(), 3);
  }
  assert_int_equal(text[0], 'a');
  assert_int_equal(text[512 * KIB - 1], 'a');
  stoa_memory_fail_at(1, false);
  assert_null(stoa_arena_grow(arena, text, 512 * KIB, 600 * KIB));
  stoa_memory_fail_at(0, false);
  assert_null(stoa_arena_grow(arena, text, 512 * KIB, 1009 * KIB));
  assert_int_equal(text[512 * KIB - 1], 'a');
  assert_non_null(stoa_arena_grow(arena, text, 512 * KIB, 1008 * KIB));
  assert_null(stoa_arena_alloc(arena, 1));
  stoa_arena_reset(arena);
  assert_int_equal(stoa_memory_live_blocks(), 2);
  stoa_arena_destroy(arena);
}

static void the_first_block_is_kept_and_does_not_grow(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  char *text = stoa_arena_alloc(arena, 16 * KIB);
  assert_non_null(stoa_arena_grow(arena, text, 16 * KIB, 512 * KIB));
  assert_int_equal(stoa_memory_live_blocks(), 3);
  stoa_arena_reset(arena);
  assert_int_equal(stoa_memory_live_blocks(), 2);
  stoa_memory_fail_at(1, false);
  assert_ptr_equal(stoa_arena_alloc(arena, 16 * KIB), text);
  assert_null(stoa_arena_alloc(arena, 1));
  stoa_arena_destroy(arena);
}

static void growing_past_the_cap_is_refused_and_changes_nothing(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(KIB);
  char *text = stoa_arena_alloc(arena, 4);
  memcpy(text, "abc", 4);
  assert_null(stoa_arena_grow(arena, text, 4, 2 * KIB));
  assert_string_equal(text, "abc");
  assert_ptr_equal(stoa_arena_grow(arena, text, 4, KIB), text);
  stoa_arena_destroy(arena);
}

static void reaching_the_cap_and_running_out_of_memory_are_different_errors(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(100 * KIB);
  assert_int_equal(stoa_arena_status(arena), STOA_OK);
  assert_null(stoa_arena_alloc(arena, 101 * KIB));
  assert_int_equal(stoa_arena_status(arena), STOA_E_LIMIT);
  stoa_memory_fail_at(1, false);
  assert_null(stoa_arena_alloc(arena, 1));
  assert_int_equal(stoa_arena_status(arena), STOA_E_MEMORY);
  char *text = stoa_arena_alloc(arena, 1);
  assert_int_equal(stoa_arena_status(arena), STOA_E_MEMORY);
  assert_null(stoa_arena_grow(arena, text, 1, 101 * KIB));
  assert_int_equal(stoa_arena_status(arena), STOA_E_LIMIT);
  stoa_memory_fail_at(1, false);
  assert_null(stoa_arena_grow(arena, text, 1, 50 * KIB));
  assert_int_equal(stoa_arena_status(arena), STOA_E_MEMORY);
  assert_null(stoa_arena_copy(arena, stoa_string_make("x", SIZE_MAX)).data);
  assert_int_equal(stoa_arena_status(arena), STOA_E_LIMIT);
  stoa_arena_reset(arena);
  assert_int_equal(stoa_arena_status(arena), STOA_OK);
  stoa_arena_destroy(arena);
}

static void a_rewind_forgets_what_came_after_the_mark_and_nothing_else(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  const struct stoa_arena_place empty = stoa_arena_mark(arena);
  char *text = stoa_arena_alloc(arena, 4);
  memcpy(text, "abc", 4);
  const struct stoa_arena_place mark = stoa_arena_mark(arena);
  for (size_t size = 1; size <= 200 * KIB; size *= 2) {
    assert_non_null(stoa_arena_alloc(arena, size));
  }
  stoa_arena_rewind(arena, &mark);
  assert_int_equal(stoa_arena_used(arena), 16);
  assert_string_equal(text, "abc");
  assert_ptr_equal(stoa_arena_alloc(arena, 1), text + 16);
  stoa_arena_rewind(arena, &empty);
  assert_int_equal(stoa_arena_used(arena), 0);
  assert_ptr_equal(stoa_arena_alloc(arena, 4), text);
  stoa_arena_destroy(arena);
}

static void every_failed_allocation_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  stoa_memory_fail_at(1, false);
  assert_null(stoa_arena_create(KIB));
  struct stoa_arena *arena = stoa_arena_create(1024 * KIB);
  stoa_memory_fail_at(1, true);
  assert_null(stoa_arena_alloc(arena, 1));
  assert_null(stoa_arena_calloc(arena, 1));
  assert_null(stoa_arena_copy(arena, stoa_string_of("x")).data);
  assert_int_equal(stoa_arena_used(arena), 0);
  stoa_memory_fail_at(0, false);
  char *text = stoa_arena_alloc(arena, 4);
  memcpy(text, "abc", 4);
  stoa_memory_fail_at(1, false);
  assert_null(stoa_arena_grow(arena, text, 4, 100 * KIB));
  assert_string_equal(text, "abc");
  assert_int_equal(stoa_arena_used(arena), 16);
  stoa_arena_destroy(arena);
  stoa_arena_destroy(NULL);
}

static void a_cap_can_be_raised_and_not_lowered(void **state) {
  (void)state;
  struct stoa_arena *arena = stoa_arena_create(16);
  assert_non_null(stoa_arena_alloc(arena, 16));
  assert_null(stoa_arena_alloc(arena, 16));
  stoa_arena_raise_max(arena, 48);
  assert_non_null(stoa_arena_alloc(arena, 16));
  stoa_arena_raise_max(arena, 16);
  assert_non_null(stoa_arena_alloc(arena, 16));
  assert_null(stoa_arena_alloc(arena, 16));
  stoa_arena_destroy(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cap_can_be_raised_and_not_lowered),
      cmocka_unit_test_teardown(allocations_are_aligned_and_do_not_overlap, leave_no_block),
      cmocka_unit_test_teardown(empty_allocations_have_pointers_of_their_own, leave_no_block),
      cmocka_unit_test_teardown(an_allocation_larger_than_a_block_is_served, leave_no_block),
      cmocka_unit_test_teardown(the_cap_is_reached_exactly_and_refuses_more, leave_no_block),
      cmocka_unit_test_teardown(sizes_near_the_largest_number_are_refused, leave_no_block),
      cmocka_unit_test_teardown(calloc_clears_memory_that_was_used_before, leave_no_block),
      cmocka_unit_test_teardown(a_copy_ends_with_a_nul_and_keeps_embedded_nuls, leave_no_block),
      cmocka_unit_test_teardown(a_steady_load_allocates_nothing_after_the_first_round, leave_no_block),
      cmocka_unit_test_teardown(a_reset_keeps_the_first_block_only, leave_no_block),
      cmocka_unit_test_teardown(the_newest_allocation_grows_and_shrinks_in_place, leave_no_block),
      cmocka_unit_test_teardown(an_older_allocation_grows_by_a_copy, leave_no_block),
      cmocka_unit_test_teardown(growing_past_the_block_moves_the_content, leave_no_block),
      cmocka_unit_test_teardown(a_single_allocation_of_a_block_grows_without_keeping_the_old_block, leave_no_block),
      cmocka_unit_test_teardown(the_first_block_is_kept_and_does_not_grow, leave_no_block),
      cmocka_unit_test_teardown(growing_past_the_cap_is_refused_and_changes_nothing, leave_no_block),
      cmocka_unit_test_teardown(reaching_the_cap_and_running_out_of_memory_are_different_errors, leave_no_block),
      cmocka_unit_test_teardown(a_rewind_forgets_what_came_after_the_mark_and_nothing_else, leave_no_block),
      cmocka_unit_test_teardown(every_failed_allocation_is_reported_and_leaks_nothing, leave_no_block),
  };
  return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
