#include "bench_histogram.h"

#include <math.h>

static uint64_t bucket_end_ns(unsigned index) {
  if (index < BENCH_HISTOGRAM_SUB) {
    return index;
  }
  unsigned exponent = index / BENCH_HISTOGRAM_SUB + 5;
  uint64_t mantissa = BENCH_HISTOGRAM_SUB + index % BENCH_HISTOGRAM_SUB;
  return ((mantissa + 1) << (exponent - 6)) - 1;
}

uint64_t bench_histogram_percentile_ns(const struct bench_histogram *histogram, double fraction) {
  uint64_t wanted = (uint64_t)ceil(fraction * (double)histogram->count);
  uint64_t seen = 0;
  for (unsigned i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
    seen += histogram->buckets[i];
    if (seen >= wanted && seen > 0) {
      uint64_t end_ns = bucket_end_ns(i);
      return end_ns < histogram->max_ns ? end_ns : histogram->max_ns;
    }
  }
  return 0;
}
