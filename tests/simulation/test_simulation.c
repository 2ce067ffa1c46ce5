/* Whole servers with their clients, in one thread and from a seed. */
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/sys.h"
#include "net/dial.h"
#include "server/worker/stepping.h"

#include <stoa/log.h>

#define SEEDS 200u

static void run_well(struct world *world, uint64_t seed) {
  seed_run(world, seed, SEED_TURNS);
  if (world->trace.failure[0] != '\0') {
    seed_report(world);
    fail_msg("seed %llu: %s", (unsigned long long)seed, world->trace.failure);
  }
  assert_true(world->counts.turns >= SEED_TURNS);
}

static void one_seed_writes_one_trace_and_another_seed_another(void **state) {
  struct world first, again, other;
  (void)state;
  run_well(&first, 1);
  run_well(&again, 1);
  run_well(&other, 2);
  assert_true(trace_equal(&first.trace, &again.trace));
  assert_false(trace_equal(&first.trace, &other.trace));
  world_release(&first);
  world_release(&again);
  world_release(&other);
}

/* So that the other test is no emptier than it looks. */
static void every_kind_of_event_happens_in_a_run(void **state) {
  struct world_counts sum = {0};
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct world world;
    run_well(&world, seed);
    sum.connections += world.counts.connections;
    sum.messages += world.counts.messages;
    sum.replies += world.counts.replies;
    sum.errors += world.counts.errors;
    sum.lost += world.counts.lost;
    sum.resets += world.counts.resets;
    sum.stalls += world.counts.stalls;
    sum.closes += world.counts.closes;
    sum.waits += world.counts.waits;
    world_release(&world);
  }
  print_message(
      "# connections %u, messages %u, replies %u, errors %u, lost %u, resets %u, stalls %u, closes %u, waits %u\n",
      sum.connections, sum.messages, sum.replies, sum.errors, sum.lost, sum.resets, sum.stalls, sum.closes, sum.waits);
  assert_true(sum.connections > 100);
  assert_true(sum.messages > 2000);
  assert_true(sum.replies > 100);
  assert_true(sum.errors > 0 && sum.lost > 0);
  assert_true(sum.resets > 10 && sum.stalls > 10 && sum.closes > 10);
  assert_true(sum.waits > 100);
}

static void every_seed_delivers_in_order_without_gaps_and_ends_cleanly(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct world world;
    run_well(&world, seed);
    world_release(&world);
  }
}

/* Its waits move the clock, so nobody else has to. */
static void a_server_without_threads_drains_while_it_is_waited_for(void **state) {
  static const struct stoa_string addresses[] = {STOA_STR("10.0.0.1:7700")};
  const struct stoa_server_config config = {
      .addresses = {addresses, 1}, .workers = 2, .io_uring = STOA_IO_URING_OFF, .drain_ms = 1000};
  struct stoa_clock_fake time = {.monotonic_ns = 1, .wall_us = 1700000000000000};
  struct stoa_clock clock = stoa_clock_fake_init(&time);
  struct stoa_server *server;
  (void)state;
  net_start(1, &time);
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  assert_int_equal(stoa_server_create(&config, &server), STOA_OK);
  stoa_server_use_clock(server, &clock);
  assert_int_equal(stoa_server_bind(server), STOA_OK);
  assert_string_equal(stoa_server_address(server, 0), "10.0.0.1:7700");
  assert_int_equal(stoa_server_wall_ms(server), 1700000000000);
  assert_int_equal(stoa_server_begin_stepped(server), STOA_OK);
  /* A connection that never asks for anything holds the drain up until its end. */
  int fd = stoa_sys.socket(AF_INET, SOCK_STREAM, 0);
  struct stoa_address address;
  assert_true(stoa_dial_literal("10.0.0.1", 7700, &address));
  assert_int_equal(stoa_sys.connect(fd, &address.socket.any, address.len), -1);
  while (stoa_server_connection_count(server) == 0) {
    assert_true(stoa_worker_turn(stoa_server_worker(server, 0), 1));
    assert_true(stoa_worker_turn(stoa_server_worker(server, 1), 1));
  }
  stoa_server_drain(server);
  stoa_server_wait(server);
  assert_false(stoa_worker_turn(stoa_server_worker(server, 0), 0));
  assert_true(time.monotonic_ns < UINT64_C(1100000000));
  stoa_sys.close(fd);
  stoa_server_destroy(server);
  assert_int_equal(net_stop(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_seed_writes_one_trace_and_another_seed_another),
      cmocka_unit_test(a_server_without_threads_drains_while_it_is_waited_for),
      cmocka_unit_test(every_kind_of_event_happens_in_a_run),
      cmocka_unit_test(every_seed_delivers_in_order_without_gaps_and_ends_cleanly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
