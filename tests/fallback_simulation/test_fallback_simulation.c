/* The HTTP fallback of a whole server, in one thread and from a seed. */
#include "fallback_world.h"
#include "simulation/seed_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 100u

static struct fallback_world_counts sum;

static void run(const char *world, uint64_t seed, unsigned turns, struct trace *out_trace) {
  struct fallback_world_counts counts;
  (void)world;
  fallback_world_run(seed, turns, out_trace, &counts);
  add_counts(&sum, &counts, sizeof sum);
}

static void one_seed_writes_one_trace(void **state) {
  (void)state;
  check_one_trace("fallback", FALLBACK_WORLD_TURNS, run);
}

static void messages_come_once_and_in_order_whatever_becomes_of_posts_and_events(void **state) {
  (void)state;
  memset(&sum, 0, sizeof sum);
  check_seeds("fallback", SEEDS, FALLBACK_WORLD_TURNS, run);
  print_message("# sessions %u, messages %u, events %u, pauses %u, leaves %u\n", sum.sessions, sum.messages, sum.events,
                sum.pauses, sum.leaves);
  print_message(
      "# answered %u, unanswered %u, repeated %u, superseded %u, late %u, eager %u, busy %u, out of order %u\n",
      sum.answered, sum.unanswered, sum.repeated, sum.superseded, sum.late, sum.eager, sum.busy, sum.out_of_order);
  print_message("# gone %u, other bodies %u, wrong numbers %u, wrong keys %u, halves %u, malformed %u\n", sum.gone,
                sum.other_bodies, sum.wrong_numbers, sum.wrong_keys, sum.halves, sum.malformed);
  print_message("# resets %u, stalls %u, slow %u, drains %u, posts in them %u, refused in them %u\n", sum.resets,
                sum.stalls, sum.slow, sum.drains, sum.drained_posts, sum.refused_opens);
  /* The test is no emptier than it looks. */
  assert_true(sum.sessions > 5 * SEEDS && sum.messages > 50 * SEEDS && sum.events > 100 * SEEDS && sum.pauses > SEEDS);
  assert_true(sum.answered > 50 * SEEDS && sum.repeated > 5 * SEEDS && sum.unanswered > SEEDS);
  assert_true(sum.superseded > 20 && sum.late > 20 && sum.eager > 20 && sum.busy > 10 && sum.out_of_order > 10);
  assert_true(sum.gone > 20 && sum.other_bodies > 20 && sum.wrong_numbers > 20 && sum.wrong_keys > 20);
  assert_true(sum.halves > 20 && sum.malformed > 10 && sum.resets > 50 && sum.stalls > 20 && sum.slow > 5);
  assert_true(sum.leaves > 10 && sum.drains > 10 && sum.drained_posts > 10 && sum.refused_opens > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_seed_writes_one_trace),
      cmocka_unit_test(messages_come_once_and_in_order_whatever_becomes_of_posts_and_events),
  };
  return cmocka_run_group_tests_name("simulation: the HTTP fallback", tests, NULL, NULL);
}
