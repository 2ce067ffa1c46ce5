/* Servers with rooms and their clients, in one thread and from a seed. */
#include "room_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 100u
#define TAIL_BYTES 3000u

static struct room_world_counts sum;

static void add(const struct room_world_counts *counts) {
  sum.joins += counts->joins;
  sum.recoveries += counts->recoveries;
  sum.pages += counts->pages;
  sum.posts += counts->posts;
  sum.acknowledged += counts->acknowledged;
  sum.repeated += counts->repeated;
  sum.failed += counts->failed;
  sum.resets += counts->resets;
  sum.kills += counts->kills;
  sum.cuts += counts->cuts;
  sum.faults += counts->faults;
}

static void run_well(bool is_local, uint64_t seed, struct trace *out_trace) {
  struct room_world_counts counts;
  room_world_run(is_local, seed, ROOM_WORLD_TURNS, out_trace, &counts);
  if (out_trace->failure[0] != '\0') {
    size_t from = out_trace->len > TAIL_BYTES ? out_trace->len - TAIL_BYTES : 0;
    fprintf(stderr, "%s\n# to repeat: ./dev simulate rooms%s %llu\n", out_trace->text + from, is_local ? "-local" : "",
            (unsigned long long)seed);
    fail_msg("seed %llu: %s", (unsigned long long)seed, out_trace->failure);
  }
  add(&counts);
}

static void run_seeds(bool is_local) {
  memset(&sum, 0, sizeof sum);
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct trace trace;
    run_well(is_local, seed, &trace);
    trace_release(&trace);
  }
  print_message(
      "# joins %u, recoveries %u, pages %u, posts %u, acknowledged %u, repeated %u, failed %u, resets %u, "
      "kills %u, cuts %u, faults %u\n",
      sum.joins, sum.recoveries, sum.pages, sum.posts, sum.acknowledged, sum.repeated, sum.failed, sum.resets,
      sum.kills, sum.cuts, sum.faults);
  /* The test is no emptier than it looks. */
  assert_true(sum.recoveries > SEEDS && sum.pages > SEEDS && sum.posts > 20 * SEEDS);
  assert_true(sum.acknowledged > 10 * SEEDS && sum.repeated > 0 && sum.failed > 0 && sum.resets > SEEDS);
}

static void one_seed_writes_one_trace(void **state) {
  (void)state;
  for (int is_local = 0; is_local < 2; is_local++) {
    struct trace first, again;
    run_well(is_local == 1, 1, &first);
    run_well(is_local == 1, 1, &again);
    assert_true(trace_equal(&first, &again));
    trace_release(&first);
    trace_release(&again);
  }
}

static void rooms_in_memory_keep_their_promises(void **state) {
  (void)state;
  run_seeds(false);
}

static void stored_rooms_keep_their_promises_over_kills_power_cuts_and_failing_disks(void **state) {
  (void)state;
  run_seeds(true);
  assert_true(sum.kills > 10 && sum.cuts > 10 && sum.faults > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_seed_writes_one_trace),
      cmocka_unit_test(rooms_in_memory_keep_their_promises),
      cmocka_unit_test(stored_rooms_keep_their_promises_over_kills_power_cuts_and_failing_disks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
