/* tests/simulation/seeds.h: the command line of a simulation: run one seed and show its trace, or run many.
 *
 * simulate_X WORLD SEED [TURNS]                      the trace on standard output
 * simulate_X [--first] WORLD FIRST..LAST [TURNS]     one line for each seed that fails; with --first it ends with it
 */
#ifndef TESTS_SIMULATION_SEEDS_H
#define TESTS_SIMULATION_SEEDS_H

#include "trace.h"

#include <stdint.h>

/* Run one seed; the trace is the caller's to release. */
typedef void seeds_run(const char *world, uint64_t seed, unsigned turns, struct trace *out_trace);

/* worlds  their names, then NULL
 * Returns the exit status: 0 all is well, 1 a seed failed, 2 usage. */
int seeds_main(int argc, char **argv, const char *const *worlds, unsigned turns_default, seeds_run *run);

#endif
