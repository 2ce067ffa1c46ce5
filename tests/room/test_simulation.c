/* Servers with rooms and their clients, in one thread and from a seed. */
#include "room_world.h"
#include "simulation/seed_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 100u

static struct room_world_counts sum;

static void run(const char *world, uint64_t seed, unsigned turns, struct trace *out_trace) {
  struct room_world_counts counts;
  room_world_run(strcmp(world, "rooms-local") == 0, seed, turns, out_trace, &counts);
  add_counts(&sum, &counts, sizeof sum);
}

static void run_seeds(const char *world) {
  memset(&sum, 0, sizeof sum);
  check_seeds(world, SEEDS, ROOM_WORLD_TURNS, run);
  print_message("# joins %u (undone %u), recoveries %u, pages %u, posts %u, notes %u, typings %u\n", sum.joins,
                sum.undone, sum.recoveries, sum.pages, sum.posts, sum.notes, sum.typings);
  print_message("# acknowledged %u, repeated %u, twins %u, failed %u, unknown %u, redactions %u\n", sum.acknowledged,
                sum.repeated, sum.twins, sum.failed, sum.unknown, sum.redactions);
  print_message(
      "# resets %u, stalls %u, kills %u, cuts %u, jumps %u, memory %u, full %u, writes %u, syncs %u, deaths %u\n",
      sum.resets, sum.stalls, sum.kills, sum.cuts, sum.jumps, sum.memory_faults, sum.full, sum.write_faults,
      sum.sync_faults, sum.deaths);
  /* The test is no emptier than it looks. */
  assert_true(sum.recoveries > SEEDS && sum.pages > SEEDS && sum.posts > 20 * SEEDS && sum.notes > SEEDS);
  assert_true(sum.acknowledged > 10 * SEEDS && sum.repeated > 10 && sum.twins > 10 && sum.failed > 10);
  assert_true(sum.undone > 10 && sum.typings > 10 && sum.redactions > 10 && sum.resets > SEEDS && sum.stalls > 10);
  assert_true(sum.kills > 10 && sum.jumps > 10 && sum.memory_faults > 10);
}

static void one_seed_writes_one_trace(void **state) {
  (void)state;
  check_one_trace("rooms", ROOM_WORLD_TURNS, run);
  check_one_trace("rooms-local", ROOM_WORLD_TURNS, run);
}

static void rooms_in_memory_keep_their_promises(void **state) {
  (void)state;
  run_seeds("rooms");
}

static void stored_rooms_keep_their_promises_over_kills_power_cuts_and_failing_disks(void **state) {
  (void)state;
  run_seeds("rooms-local");
  assert_true(sum.cuts > 10 && sum.unknown > 10);
  assert_true(sum.full > 10 && sum.write_faults > 10 && sum.sync_faults > 10 && sum.deaths > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_seed_writes_one_trace),
      cmocka_unit_test(rooms_in_memory_keep_their_promises),
      cmocka_unit_test(stored_rooms_keep_their_promises_over_kills_power_cuts_and_failing_disks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
