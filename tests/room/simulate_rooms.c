/* tests/room/simulate_rooms.c: run one seed of rooms and show its trace, or run many. With --first it ends with the
 * first one that fails.
 *
 * simulate_rooms rooms|rooms-local SEED [TURNS]            the trace on standard output
 * simulate_rooms [--first] rooms|rooms-local FIRST..LAST [TURNS]     one line for each seed that fails
 *
 * Exit status: 0 all is well, 1 a seed failed, 2 usage.
 */
#include "room_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  bool is_first = argc > 1 && strcmp(argv[1], "--first") == 0;
  argc -= is_first;
  argv += is_first;
  char *end = NULL;
  uint64_t first = argc < 3 ? 0 : strtoull(argv[2], &end, 10);
  unsigned turns = argc < 4 ? ROOM_WORLD_TURNS : (unsigned)strtoul(argv[3], NULL, 10);
  if (argc < 3 || argc > 4 || end == argv[2] || turns == 0) {
    fprintf(stderr, "usage: simulate_rooms [--first] rooms|rooms-local SEED|FIRST..LAST [TURNS]\n");
    return 2;
  }
  bool is_many = strncmp(end, "..", 2) == 0;
  uint64_t last = is_many ? strtoull(end + 2, NULL, 10) : first;
  unsigned failed = 0;
  for (uint64_t seed = first; seed <= last && !(is_first && failed > 0); seed++) {
    struct trace trace;
    struct room_world_counts counts;
    room_world_run(strcmp(argv[1], "rooms-local") == 0, seed, turns, &trace, &counts);
    if (!is_many) {
      fputs(trace.text, stdout);
    }
    if (trace.failure[0] != '\0') {
      failed++;
      fprintf(is_many ? stdout : stderr, "seed %llu: %s\n", (unsigned long long)seed, trace.failure);
    }
    trace_release(&trace);
  }
  if (is_many) {
    uint64_t count = last - first + 1;
    printf("%llu seeds, %u failed\n", (unsigned long long)count, failed);
  }
  return failed > 0 ? 1 : 0;
}
