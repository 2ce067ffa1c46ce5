/* tools/stoa/bench_process.h: the cost of the measured processes, from /proc. */
#ifndef STOA_TOOL_BENCH_PROCESS_H
#define STOA_TOOL_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_options.h"

struct bench_memory {
  int64_t private_dirty_bytes;
  int64_t rss_bytes;
};

/* CPU time of all threads of all processes of the options together; 0 when there are none. Returns false, with the
 * reason on stderr, when one of them cannot be read. */
bool bench_process_cpu_ns(const struct bench_options *options, uint64_t *out_ns);
bool bench_process_memory(const struct bench_options *options, struct bench_memory *out_memory);

/* CPU time of this process. */
uint64_t bench_own_cpu_ns(void);

#endif
