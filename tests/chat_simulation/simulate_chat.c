/* tests/chat_simulation/simulate_chat.c: run one seed of the chat and show its trace, or run many. With --first it ends
 * with the first one that fails.
 *
 * simulate_chat chat SEED [TURNS]                      the trace on standard output
 * simulate_chat [--first] chat FIRST..LAST [TURNS]     one line for each seed that fails
 *
 * Exit status: 0 all is well, 1 a seed failed, 2 usage.
 */
#include "chat_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool run(uint64_t seed, unsigned turns, bool is_many) {
  struct trace trace;
  struct chat_world_counts counts;
  chat_world_run(seed, turns, &trace, &counts);
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

int main(int argc, char **argv) {
  bool is_first = argc > 1 && strcmp(argv[1], "--first") == 0;
  argc -= is_first;
  argv += is_first;
  char *end = NULL;
  uint64_t first = argc < 3 ? 0 : strtoull(argv[2], &end, 10);
  unsigned turns = argc < 4 ? CHAT_WORLD_TURNS : (unsigned)strtoul(argv[3], NULL, 10);
  if (argc < 3 || argc > 4 || end == argv[2] || strcmp(argv[1], "chat") != 0 || turns == 0) {
    fprintf(stderr, "usage: simulate_chat [--first] chat SEED|FIRST..LAST [TURNS]\n");
    return 2;
  }
  bool is_many = strncmp(end, "..", 2) == 0;
  uint64_t last = is_many ? strtoull(end + 2, NULL, 10) : first;
  unsigned failed = 0;
  for (uint64_t seed = first; seed <= last && !(is_first && failed > 0); seed++) {
    failed += !run(seed, turns, is_many);
  }
  if (is_many) {
    printf("%llu seeds, %u failed\n", (unsigned long long)(last - first + 1), failed);
  }
  return failed > 0 ? 1 : 0;
}
