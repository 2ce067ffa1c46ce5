/* bench/fairness/samples.h: how long pings waited, in nanoseconds.
 *
 * A ping that was due while another was still on its way is taken to be answered together with it, so that a server
 * that stands still for a second counts as slow for that whole second, not for one ping.
 */
#ifndef STOA_BENCH_FAIRNESS_SAMPLES_H
#define STOA_BENCH_FAIRNESS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
  uint64_t *ns;
  size_t count, capacity;
};

/* One ping waited `wait_ns`, and those that were due `interval_ns` after one another meanwhile so much less. */
void samples_add(struct samples *samples, uint64_t wait_ns, uint64_t interval_ns);

/* Print {"p50": ..., "p99": ..., "max": ...} with the times in milliseconds; zeros where there is no sample. */
void samples_print(struct samples *samples);

#endif
