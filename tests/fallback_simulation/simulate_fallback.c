/* tests/fallback_simulation/simulate_fallback.c: run one seed of the HTTP fallback and show its trace, or run many.
 * With
 * --first it ends with the first one that fails.
 *
 * simulate_fallback fallback SEED [TURNS]                      the trace on standard output
 * simulate_fallback [--first] fallback FIRST..LAST [TURNS]     one line for each seed that fails
 *
 * Exit status: 0 all is well, 1 a seed failed, 2 usage.
 */
#include "fallback_world.h"
#include "simulation/seeds.h"

static void run(const char *name, uint64_t seed, unsigned turns, struct trace *out_trace) {
  struct fallback_world_counts counts;
  (void)name;
  fallback_world_run(seed, turns, out_trace, &counts);
}

int main(int argc, char **argv) {
  static const char *const worlds[] = {"fallback", NULL};
  return seeds_main(argc, argv, worlds, FALLBACK_WORLD_TURNS, run);
}
