#include "frame.h"

#include "base/log_clock.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "death.h"
#include "net.h"

#include <stdio.h>
#include <stoa/log.h>
#include <string.h>
#include <unistd.h>

void frame_open(struct frame *out_frame, const char *world, uint64_t seed, unsigned turns, struct trace *out_trace) {
  char command[64];
  memset(out_trace, 0, sizeof *out_trace);
  *out_frame = (struct frame){.trace = out_trace, .blocks_before = stoa_memory_live_blocks()};
  snprintf(command, sizeof command, "%s %llu %u", world, (unsigned long long)seed, turns);
  death_watch(out_trace, command);
}

void frame_close(struct frame *frame) {
  death_forget();
  int64_t left = stoa_memory_live_blocks() - frame->blocks_before;
  if (left != 0) {
    trace_fail(frame->trace, "%lld blocks of memory are left", (long long)left);
  }
}

void machine_start(uint64_t seed, struct stoa_clock_fake *out_time, struct stoa_clock *out_clock,
                   void (*on_log)(void *context, const char *text, size_t len), void *context) {
  *out_time = (struct stoa_clock_fake){.monotonic_ns = UINT64_C(1000000000), .wall_us = INT64_C(1800000000000000)};
  *out_clock = stoa_clock_fake_init(out_time);
  net_start(seed, out_time);
  net_log_to(on_log, context);
  stoa_log_setup(NET_FD_LOG, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_use_clock(out_clock);
  stoa_log_writer_hold(true);
}

void machine_stop(struct trace *trace) {
  stoa_log_writer_hold(false);
  stoa_log_setup(STDERR_FILENO, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_use_clock(NULL);
  size_t open = net_stop();
  if (open > 0) {
    trace_fail(trace, "%zu descriptors are still open", open);
  }
}
