#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *const *worlds, const char *world) {
  while (*worlds != NULL && strcmp(*worlds, world) != 0) {
    worlds++;
  }
  return *worlds != NULL;
}

static int tell_usage(const char *const *worlds) {
  fputs("usage: [--first] WORLD SEED|FIRST..LAST [TURNS]; worlds:", stderr);
  for (; *worlds != NULL; worlds++) {
    fprintf(stderr, " %s", *worlds);
  }
  fputs("\n", stderr);
  return 2;
}

/* False: it failed. */
static bool run_one(const char *world, uint64_t seed, unsigned turns, bool is_many, seeds_run *run) {
  struct trace trace;
  run(world, seed, turns, &trace);
  bool is_well = trace.failure[0] == '\0';
  if (!is_many) {
    fputs(trace.text, stdout);
  }
  if (!is_well) {
    fprintf(is_many ? stdout : stderr, "seed %llu: %s\n", (unsigned long long)seed, trace.failure);
    fflush(stdout);
  }
  trace_release(&trace);
  return is_well;
}

int seeds_main(int argc, char **argv, const char *const *worlds, unsigned turns_default, seeds_run *run) {
  bool is_first = argc > 1 && strcmp(argv[1], "--first") == 0;
  argc -= is_first;
  argv += is_first;
  char *end = NULL;
  uint64_t first = argc < 3 ? 0 : strtoull(argv[2], &end, 10);
  unsigned turns = argc < 4 ? turns_default : (unsigned)strtoul(argv[3], NULL, 10);
  if (argc < 3 || argc > 4 || end == argv[2] || turns == 0 || !is_one_of(worlds, argv[1])) {
    return tell_usage(worlds);
  }
  bool is_many = strncmp(end, "..", 2) == 0;
  uint64_t last = is_many ? strtoull(end + 2, NULL, 10) : first;
  unsigned failed = 0;
  for (uint64_t seed = first; seed <= last && !(is_first && failed > 0); seed++) {
    failed += !run_one(argv[1], seed, turns, is_many, run);
  }
  if (is_many) {
    printf("%llu seeds, %u failed\n", (unsigned long long)last - first + 1, failed);
  }
  return failed > 0 ? 1 : 0;
}
