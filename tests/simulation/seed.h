/* tests/simulation/seed.h: run one seed; whatever happens, the output says how to repeat it.
 */
#ifndef TESTS_SIMULATION_SEED_H
#define TESTS_SIMULATION_SEED_H

#include "world.h"

#define SEED_TURNS 1000u

/* As world_run(); an assert or a sanitizer that ends the process prints the command too. */
void seed_run(struct world *world, uint64_t seed, unsigned turns);
/* Say what failed, and print the end of the trace. */
void seed_report(const struct world *world);

#endif
