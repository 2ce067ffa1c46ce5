/* tests/room/simulate_rooms.c: run one seed of rooms and show its trace, or run many. With --first it ends with the
 * first one that fails.
 *
 * simulate_rooms rooms|rooms-local SEED [TURNS]            the trace on standard output
 * simulate_rooms [--first] rooms|rooms-local FIRST..LAST [TURNS]     one line for each seed that fails
 *
 * Exit status: 0 all is well, 1 a seed failed, 2 usage.
 */
#include "room_world.h"
#include "simulation/seeds.h"

#include <string.h>

static void run(const char *name, uint64_t seed, unsigned turns, struct trace *out_trace) {
  struct room_world_counts counts;
  room_world_run(strcmp(name, "rooms-local") == 0, seed, turns, out_trace, &counts);
}

int main(int argc, char **argv) {
  static const char *const worlds[] = {"rooms", "rooms-local", NULL};
  return seeds_main(argc, argv, worlds, ROOM_WORLD_TURNS, run);
}
