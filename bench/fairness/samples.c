#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

#include "tcp.h"

static void add_one(struct samples *samples, uint64_t ns) {
  if (samples->count == samples->capacity) {
    samples->capacity = 2 * samples->capacity + 1024;
    samples->ns = tcp_need(realloc(samples->ns, samples->capacity * sizeof *samples->ns));
  }
  samples->ns[samples->count++] = ns;
}

void samples_add(struct samples *samples, uint64_t wait_ns, uint64_t interval_ns) {
  add_one(samples, wait_ns);
  for (uint64_t after = interval_ns; after < wait_ns; after += interval_ns) {
    add_one(samples, wait_ns - after);
  }
}

static int compare(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a;
  uint64_t right = *(const uint64_t *)b;
  return (left > right) - (left < right);
}

/* The least time that this share of all pings did not exceed. */
static double rank_ms(const struct samples *samples, double share) {
  if (samples->count == 0) {
    return 0;
  }
  size_t rank = (size_t)(share * (double)samples->count);
  return (double)samples->ns[rank < samples->count ? rank : samples->count - 1] / 1e6;
}

void samples_print(struct samples *samples) {
  qsort(samples->ns, samples->count, sizeof *samples->ns, compare);
  printf("{\"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}", rank_ms(samples, 0.5), rank_ms(samples, 0.99),
         rank_ms(samples, 1));
}
