/* tools/stoa/bench_histogram.h: latencies in fixed memory.
 *
 * Each power of two is cut into 64 buckets, so a percentile is at most 1.6 % too high, from 1 ns to 2^40 ns (18
 * minutes); longer ones count as 2^40 ns.
 */
#ifndef STOA_TOOL_BENCH_HISTOGRAM_H
#define STOA_TOOL_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { BENCH_HISTOGRAM_SUB = 64, BENCH_HISTOGRAM_BITS = 40, BENCH_HISTOGRAM_BUCKETS = 35 * BENCH_HISTOGRAM_SUB };

struct bench_histogram {
  uint64_t count;
  uint64_t max_ns;
  uint64_t buckets[BENCH_HISTOGRAM_BUCKETS];
};

/* Below 64 ns a bucket is 1 ns wide; above, bucket 64 * (e - 5) + m holds the values whose highest bit is e and whose
 * next six bits are m. */
static inline unsigned bench_histogram_index(uint64_t ns) {
  if (ns < BENCH_HISTOGRAM_SUB) {
    return (unsigned)ns;
  }
  if (ns >> BENCH_HISTOGRAM_BITS != 0) {
    return BENCH_HISTOGRAM_BUCKETS - 1;
  }
  unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
  return BENCH_HISTOGRAM_SUB * (exponent - 5) + ((unsigned)(ns >> (exponent - 6)) & (BENCH_HISTOGRAM_SUB - 1));
}

/* Count `times` values of `ns`. */
static inline void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns, uint64_t times) {
  histogram->count += times;
  histogram->buckets[bench_histogram_index(ns)] += times;
  if (ns > histogram->max_ns) {
    histogram->max_ns = ns;
  }
}

/* The upper end of the smallest bucket that at least `fraction` (0 to 1) of the values do not exceed; 0 without
 * values. */
uint64_t bench_histogram_percentile_ns(const struct bench_histogram *histogram, double fraction);

#endif
