/* tests/simulation/seed_checks.h: what the tests of simulations do with seeds.
 *
 * A run that fails fails the test, after the end of its trace and the command that repeats it.
 */
#ifndef TESTS_SIMULATION_SEED_CHECKS_H
#define TESTS_SIMULATION_SEED_CHECKS_H

#include "seeds.h"

/* The seeds from 1 to `last` run well. */
void check_seeds(const char *world, unsigned last, unsigned turns, seeds_run *run);
/* One seed runs well, and writes the same trace when it runs again. */
void check_one_trace(const char *world, unsigned turns, seeds_run *run);

/* Adds each field of a struct that has nothing but fields of type unsigned. */
void add_counts(void *sum, const void *counts, size_t size);

#endif
