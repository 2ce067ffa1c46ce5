/* bench/fairness/samples.h: how long pings waited, in nanoseconds.
 *
 * A ping that was due while another had no answer yet counts as answered together with it. So a server that stops for a
 * second counts as slow for that whole second, not for one ping.
 */
#ifndef STOA_BENCH_FAIRNESS_SAMPLES_H
#define STOA_BENCH_FAIRNESS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
  uint64_t *ns;
  size_t count, capacity;
};

/* Add a ping that waited `wait_ns`, and those that were due meanwhile, each `interval_ns` later, with their shorter
 * times. */
void samples_add(struct samples *samples, uint64_t wait_ns, uint64_t interval_ns);

/* Print {"p50": ..., "p99": ..., "max": ...} with times in milliseconds; zeros without a sample. */
void samples_print(struct samples *samples);

#endif
