#include "seed_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TAIL_BYTES 3000u

static void run_well(const char *world, uint64_t seed, unsigned turns, seeds_run *run, struct trace *out_trace) {
  run(world, seed, turns, out_trace);
  if (out_trace->failure[0] != '\0') {
    size_t from = out_trace->len > TAIL_BYTES ? out_trace->len - TAIL_BYTES : 0;
    fprintf(stderr, "%s\n# to repeat: ./dev simulate %s %llu\n", out_trace->text + from, world,
            (unsigned long long)seed);
    fail_msg("seed %llu: %s", (unsigned long long)seed, out_trace->failure);
  }
}

void check_seeds(const char *world, unsigned last, unsigned turns, seeds_run *run) {
  for (uint64_t seed = 1; seed <= last; seed++) {
    struct trace trace;
    run_well(world, seed, turns, run, &trace);
    trace_release(&trace);
  }
}

void check_one_trace(const char *world, unsigned turns, seeds_run *run) {
  struct trace first, again;
  run_well(world, 1, turns, run, &first);
  run_well(world, 1, turns, run, &again);
  assert_true(trace_equal(&first, &again));
  trace_release(&first);
  trace_release(&again);
}

void add_counts(void *sum, const void *counts, size_t size) {
  unsigned *to = sum;
  const unsigned *from = counts;
  for (size_t i = 0; i < size / sizeof *to; i++) {
    to[i] += from[i];
  }
}
