/* server/metrics/process.h: what the kernel knows about this process, for the metrics that Prometheus's own libraries
 * have too.
 *
 * Does not know: metrics. Thread: any.
 */
#ifndef STOA_SERVER_METRICS_PROCESS_H
#define STOA_SERVER_METRICS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct stoa_process {
  uint64_t cpu_ns;
  uint64_t resident_bytes, virtual_bytes;
  uint64_t started_ms; /* since 1970-01-01 UTC */
  uint64_t open_fds, max_fds;
  bool has_stat;    /* the first four: /proc/self/stat and /proc/stat could be read */
  bool has_fds;     /* open_fds: /proc/self/fd could be read */
  bool has_max_fds; /* and there is a limit */
};

/* Read it now; what cannot be read is not there. */
void stoa_process_read(struct stoa_process *out_process);

#endif
