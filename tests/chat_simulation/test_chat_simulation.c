/* The chat and its clients for a day, in one thread and from a seed. */
#include "chat_world.h"
#include "simulation/seed_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 100u

static struct chat_world_counts sum;

static void run(const char *world, uint64_t seed, unsigned turns, struct trace *out_trace) {
  struct chat_world_counts counts;
  (void)world;
  chat_world_run(seed, turns, out_trace, &counts);
  add_counts(&sum, &counts, sizeof sum);
}

static void one_seed_writes_one_trace(void **state) {
  (void)state;
  check_one_trace("chat", CHAT_WORLD_TURNS, run);
}

static void tell_sum(void) {
  print_message("# checks %u, compared %u, folded %u, joins %u, recoveries %u, pages %u\n", sum.checks, sum.compared,
                sum.folded, sum.joins, sum.recoveries, sum.pages);
  print_message("# chats %u, events %u, typings %u, diffs %u, reads %u, activities %u, lefts %u\n", sum.chats,
                sum.events, sum.typings, sum.diffs, sum.reads, sum.activities, sum.lefts);
  print_message("# acknowledged %u, repeated %u, edits %u, deletions %u, reactions %u, topics %u, renames %u\n",
                sum.acknowledged, sum.repeated, sum.edits, sum.deletions, sum.reactions, sum.topics, sum.renames);
  print_message("# refused: muted %u, banned %u, slow %u, window %u; kicks %u, mutes %u, bans %u, lifts %u\n",
                sum.refused_muted, sum.refused_banned, sum.refused_slow, sum.refused_window, sum.kicks, sum.mutes,
                sum.bans, sum.lifts);
  print_message("# resets %u, stalls %u, kills %u, cuts %u, restarts %u, jumps %u, disk faults %u\n", sum.resets,
                sum.stalls, sum.kills, sum.cuts, sum.restarts, sum.jumps, sum.disk_faults);
}

static void each_client_knows_what_a_fresh_one_is_told(void **state) {
  (void)state;
  memset(&sum, 0, sizeof sum);
  check_seeds("chat", SEEDS, CHAT_WORLD_TURNS, run);
  tell_sum();
  /* The test is no emptier than it looks. */
  assert_true(sum.checks == 3 * SEEDS && sum.compared > 20 * SEEDS && sum.folded > 10 * SEEDS);
  assert_true(sum.recoveries > 5 * SEEDS && sum.pages > 10 * SEEDS && sum.typings > SEEDS && sum.diffs > 10 * SEEDS);
  assert_true(sum.reads > SEEDS && sum.activities > SEEDS / 4 && sum.lefts > 10);
  assert_true(sum.acknowledged > 10 * SEEDS && sum.repeated > SEEDS / 2 && sum.edits > SEEDS && sum.deletions > SEEDS);
  assert_true(sum.reactions > SEEDS && sum.topics > 10 && sum.renames > SEEDS);
  assert_true(sum.refused_muted > 10 && sum.refused_banned > 10 && sum.refused_slow > 10 && sum.refused_window > 10);
  assert_true(sum.kicks > 10 && sum.mutes > 10 && sum.bans > 10 && sum.lifts > 10);
  assert_true(sum.resets > SEEDS && sum.stalls > SEEDS / 2 && sum.kills > 10 && sum.cuts > 10 && sum.restarts > 10);
  assert_true(sum.jumps > 10 && sum.disk_faults > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_seed_writes_one_trace),
      cmocka_unit_test(each_client_knows_what_a_fresh_one_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
