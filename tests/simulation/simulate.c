/* tests/simulation/simulate.c: run one seed and show its trace, or run many.
 *
 * simulate SEED [TURNS]            the trace on standard output
 * simulate FIRST..LAST [TURNS]     one line for each seed that fails
 *
 * Exit status: 0 all is well, 1 a seed failed, 2 usage.
 */
#include "seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int show(uint64_t seed, unsigned turns) {
  struct world world;
  seed_run(&world, seed, turns);
  bool failed = world.trace.failure[0] != '\0';
  fputs(world.trace.text, stdout);
  if (failed) {
    fflush(stdout);
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, world.trace.failure);
  }
  world_release(&world);
  return failed ? 1 : 0;
}

static int run_all(uint64_t first, uint64_t last, unsigned turns) {
  unsigned failed = 0;
  for (uint64_t seed = first; seed <= last; seed++) {
    struct world world;
    seed_run(&world, seed, turns);
    if (world.trace.failure[0] != '\0') {
      failed++;
      printf("seed %llu: %s\n", (unsigned long long)seed, world.trace.failure);
    }
    world_release(&world);
  }
  printf("%llu seeds, %u failed\n", (unsigned long long)(last - first + 1), failed);
  return failed > 0 ? 1 : 0;
}

int main(int argc, char **argv) {
  char *end = NULL;
  uint64_t first = argc < 2 ? 0 : strtoull(argv[1], &end, 10);
  unsigned turns = argc < 3 ? SEED_TURNS : (unsigned)strtoul(argv[2], NULL, 10);
  if (argc < 2 || argc > 3 || end == argv[1] || turns == 0) {
    fprintf(stderr, "usage: simulate SEED|FIRST..LAST [TURNS]\n");
    return 2;
  }
  if (strncmp(end, "..", 2) == 0) {
    return run_all(first, strtoull(end + 2, NULL, 10), turns);
  }
  return show(first, turns);
}
