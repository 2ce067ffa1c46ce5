/* tools/stoa/bench_load.h: one run of `stoa bench`: connects, sends, checks and measures. */
#ifndef STOA_TOOL_BENCH_LOAD_H
#define STOA_TOOL_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_check.h"
#include "bench_histogram.h"
#include "bench_options.h"
#include "bench_process.h"

struct bench_result {
  double handshake_s; /* for all connections together */
  uint64_t handshake_cpu_ns;
  struct bench_memory memory_before; /* before the first connection */
  struct bench_memory memory_after;  /* with all connections open, at the end of the measured time */
  double window_s;
  uint64_t messages; /* sent in the window */
  uint64_t deliveries;
  uint64_t server_cpu_ns;
  uint64_t own_cpu_ns;
  struct bench_histogram latency;
  struct bench_faults faults; /* of the whole run */
  uint64_t foreign;
  uint64_t rewritten;  /* by the server, in other fields than the text */
  uint64_t inflated;   /* compressed messages in the whole run */
  unsigned close_code; /* the last one that the server sent; 0: none */
};

/* Returns false, with the reason on stderr, when there is nothing to report. Faults are reported. */
bool bench_load_run(const struct bench_options *options, struct bench_result *out_result);

#endif
