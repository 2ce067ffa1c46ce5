/* tests/simulation/world.h: a server with two workers and eight clients, in one thread, from one seed.
 *
 * The seed says who takes the next turn, how far the clock moves in between, what clients do (join and leave groups,
 * publish, broadcast, call, close), whose connection breaks or stalls, and how the network (net.h) behaves. All that is
 * seen and logged goes into a trace, and messages to an oracle.
 */
#ifndef TESTS_SIMULATION_WORLD_H
#define TESTS_SIMULATION_WORLD_H

#include "net.h"
#include "oracle.h"
#include "trace.h"

#include <stoa/server.h>

#define WORLD_WORKERS 2
#define WORLD_CLIENTS 8
#define WORLD_GROUPS 3 /* 'a', 'b', 'c'; '*' is all */

/* How much of everything there was, so that a test sees that something was tested. */
struct world_counts {
  unsigned turns, connections, messages, replies, errors, lost, resets, stalls, closes, waits;
};

struct world {
  uint64_t seed, random;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_server *server;
  struct trace trace;
  struct oracle oracle;
  struct world_counts counts;
  unsigned published[WORLD_GROUPS + 1]; /* by the program, publisher 0 */
  int invocations;                      /* messages that the middlewares have seen begin and not end */
  bool ending;                          /* the server drains, or has ended */
};

/* Run so many turns and then the end, which takes some more; traces and failures are in world->trace. */
void world_run(struct world *world, uint64_t seed, unsigned turns);
void world_release(struct world *world);

/* For the parts of the world. */
size_t world_below(struct world *world, size_t count);
bool world_one_in(struct world *world, size_t count);

#endif
