/* tests/server/test_linger.c: a held batch, with a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/group/linger.h"

#define MS UINT64_C(1000000)

static struct stoa_clock_fake time_now = {.monotonic_ns = 1000 * MS + 300};

static struct stoa_loop *make_loop(const struct stoa_clock *clock) {
  struct stoa_loop *loop = NULL;
  assert_int_equal(stoa_loop_create(clock, &loop), STOA_OK);
  return loop;
}

static void test_a_batch_is_held_to_the_nanosecond_of_the_loops_clock(void **state) {
  (void)state;
  struct stoa_clock clock = stoa_clock_fake_init(&time_now);
  struct stoa_loop *loop = make_loop(&clock);
  struct stoa_linger linger;
  stoa_linger_init(&linger, loop, 2, false);
  uint64_t due_ns = stoa_linger_due_ns(&linger, 0);
  assert_true(due_ns == time_now.monotonic_ns + 2 * MS);
  stoa_linger_wake_at(&linger, due_ns);
  assert_true(stoa_loop_due_ns(loop) == due_ns);
  time_now.monotonic_ns = due_ns;
  stoa_loop_turn(loop, -1); /* it is due, so this does not wait */
  assert_true(stoa_loop_due_ns(loop) == UINT64_MAX);
  stoa_loop_destroy(loop);
}

static void test_the_first_message_after_a_pause_is_not_held_when_that_is_asked_for(void **state) {
  (void)state;
  struct stoa_clock clock = stoa_clock_fake_init(&time_now);
  struct stoa_loop *loop = make_loop(&clock);
  struct stoa_linger linger;
  stoa_linger_init(&linger, loop, 2, true);
  uint64_t last_ns = time_now.monotonic_ns;
  assert_true(stoa_linger_due_ns(&linger, 0) == 0);
  assert_true(stoa_linger_due_ns(&linger, last_ns) == last_ns + 2 * MS);
  time_now.monotonic_ns += 2 * MS;
  assert_true(stoa_linger_due_ns(&linger, last_ns) == 0);
  stoa_loop_destroy(loop);
}

static void test_nothing_is_held_without_linger_ms(void **state) {
  (void)state;
  struct stoa_clock clock = stoa_clock_fake_init(&time_now);
  struct stoa_loop *loop = make_loop(&clock);
  struct stoa_linger linger;
  stoa_linger_init(&linger, loop, 0, false);
  assert_true(stoa_linger_due_ns(&linger, 1) == 0);
  assert_true(stoa_linger_now_ns(&linger) == 0);
  stoa_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_batch_is_held_to_the_nanosecond_of_the_loops_clock),
      cmocka_unit_test(test_the_first_message_after_a_pause_is_not_held_when_that_is_asked_for),
      cmocka_unit_test(test_nothing_is_held_without_linger_ms),
  };
  return cmocka_run_group_tests_name("linger", tests, NULL, NULL);
}
