/* tests/simulation/chance.h: what chance decides in the simulated network, and its time.
 *
 * Thread: one; there is one generator in a process.
 */
#ifndef TESTS_SIMULATION_CHANCE_H
#define TESTS_SIMULATION_CHANCE_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

/* The clock is borrowed until the next start. */
void chance_start(uint64_t seed, struct stoa_clock_fake *time);
uint64_t chance_now_ns(void);
void chance_move_to(uint64_t monotonic_ns);
/* 0 to count - 1; 0 for a count of 0. */
size_t chance_below(size_t count);
bool chance_one_in(size_t count);
/* How long something takes to arrive. */
uint64_t chance_delay_ns(void);

/* Seeds of other generators: neighbours have nothing in common, and none is 0, which xorshift would never leave. */
uint64_t chance_mix(uint64_t seed);

#endif
