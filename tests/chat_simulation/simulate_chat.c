/* tests/chat_simulation/simulate_chat.c: run one seed of the chat and show its trace, or run many. With --first it ends
 * with the first one that fails.
 *
 * simulate_chat chat SEED [TURNS]                      the trace on standard output
 * simulate_chat [--first] chat FIRST..LAST [TURNS]     one line for each seed that fails
 *
 * Exit status: 0 all is well, 1 a seed failed, 2 usage.
 */
#include "chat_world.h"
#include "simulation/seeds.h"

static void run(const char *name, uint64_t seed, unsigned turns, struct trace *out_trace) {
  struct chat_world_counts counts;
  (void)name;
  chat_world_run(seed, turns, out_trace, &counts);
}

int main(int argc, char **argv) {
  static const char *const worlds[] = {"chat", NULL};
  return seeds_main(argc, argv, worlds, CHAT_WORLD_TURNS, run);
}
