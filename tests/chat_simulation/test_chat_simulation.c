/* The chat and its clients for a day, in one thread and from a seed. */
#include "chat_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 100u
#define TAIL_BYTES 3000u

static struct chat_world_counts sum;

/* All are unsigned. */
static void add(const struct chat_world_counts *counts) {
  const unsigned *from = (const unsigned *)counts;
  unsigned *to = (unsigned *)&sum;
  for (size_t i = 0; i < sizeof sum / sizeof(unsigned); i++) {
    to[i] += from[i];
  }
}

static void run_well(uint64_t seed, struct trace *out_trace) {
  struct chat_world_counts counts;
  chat_world_run(seed, CHAT_WORLD_TURNS, out_trace, &counts);
  if (out_trace->failure[0] != '\0') {
    size_t from = out_trace->len > TAIL_BYTES ? out_trace->len - TAIL_BYTES : 0;
    fprintf(stderr, "%s\n# to repeat: ./dev simulate chat %llu\n", out_trace->text + from, (unsigned long long)seed);
    fail_msg("seed %llu: %s", (unsigned long long)seed, out_trace->failure);
  }
  add(&counts);
}

static void one_seed_writes_one_trace(void **state) {
  struct trace first, again;
  (void)state;
  run_well(1, &first);
  run_well(1, &again);
  assert_true(trace_equal(&first, &again));
  trace_release(&first);
  trace_release(&again);
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
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct trace trace;
    run_well(seed, &trace);
    trace_release(&trace);
  }
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
