/* tests/simulation/frame.h: what a run of every simulation begins and ends with: the network, the clock and the log of
 * the simulated machine, and the checks that nothing is left.
 *
 * Does not know: servers, clients, disks, what a run does between its begin and its end.
 * Thread: one; there is one run at a time.
 * Lifetime: the struct is the caller's; what it borrows is used until frame_close().
 */
#ifndef TESTS_SIMULATION_FRAME_H
#define TESTS_SIMULATION_FRAME_H

#include "base/clock.h"
#include "trace.h"

#include <stdint.h>

struct frame {
  struct trace *trace;   /* borrowed */
  int64_t blocks_before; /* of memory */
};

/* A run begins: its trace is empty, and an end of the process prints the command that repeats it.
 *
 * world  its name for ./dev simulate */
void frame_open(struct frame *out_frame, const char *world, uint64_t seed, unsigned turns, struct trace *out_trace);
/* It has ended; it has failed when blocks of memory are left. */
void frame_close(struct frame *frame);

/* The machine starts: its clock, its network, and its log, which goes to `on_log`.
 *
 * out_clock  of `out_time`, which is borrowed until machine_stop() */
void machine_start(uint64_t seed, struct stoa_clock_fake *out_time, struct stoa_clock *out_clock,
                   void (*on_log)(void *context, const char *text, size_t len), void *context);
/* It has stopped; the run has failed when descriptors are still open. */
void machine_stop(struct trace *trace);

#endif
