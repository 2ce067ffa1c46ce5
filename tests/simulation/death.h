/* tests/simulation/death.h: what a simulation prints when an assert or a sanitizer ends the process within a run: the
 * end of its trace, and the command that repeats it.
 *
 * Thread: one; there is one run at a time.
 */
#ifndef TESTS_SIMULATION_DEATH_H
#define TESTS_SIMULATION_DEATH_H

#include "trace.h"

/* A run begins. trace  borrowed until death_forget(); command  "rooms 7 1500", copied */
void death_watch(const struct trace *trace, const char *command);
/* It has ended. */
void death_forget(void);

#endif
