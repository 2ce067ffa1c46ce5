/* base/log.c: which events are logged, and where they are written. */
#include <errno.h>
#include <stoa/log.h>

#include "base/log_clock.h"
#include "base/log_line.h"
#include "base/log_trace.h"
#include "base/log_writer.h"
#include "base/uninitialized.h"
#include "base/units.h"

#define LINES_PER_SECOND_MAX 10u
/* A site's state: the number of the clock, the second of the last event (the low bits of both), and how many events
 * there were in that second. */
#define COUNT_BITS 20
#define SECOND_BITS 26
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)
#define SECOND_MASK ((UINT64_C(1) << SECOND_BITS) - 1)

static struct stoa_log_output output = {.clock = &stoa_clock_system, .fd = 2, .style = STOA_LOG_LOGFMT};
static enum stoa_log_severity lowest_level = STOA_LOG_INFO;
static stoa_log_trace_source *trace_source; /* used with atomics only */
static uint64_t clock_number;               /* grows with each change of the clock */

void stoa_log_setup(int fd, enum stoa_log_severity level, enum stoa_log_format format) {
  output.fd = fd;
  output.style = format;
  stoa_log_set_level(level);
}

void stoa_log_set_level(enum stoa_log_severity level) {
  __atomic_store_n(&lowest_level, level, __ATOMIC_RELAXED);
}

void stoa_log_use_clock(const struct stoa_clock *clock) {
  output.clock = clock == NULL ? &stoa_clock_system : clock;
  clock_number++;
}

void stoa_log_set_trace_source(stoa_log_trace_source *source) {
  __atomic_store_n(&trace_source, source, __ATOMIC_RELEASE);
}

void stoa_log_set_sink(stoa_log_sink *sink, void *context) {
  stoa_log_writer_set_sink(sink, context);
}

bool stoa_log_enabled(enum stoa_log_severity level) {
  return level >= __atomic_load_n(&lowest_level, __ATOMIC_RELAXED) && level < STOA_LOG_OFF;
}

uint64_t stoa_log_dropped(void) {
  return stoa_log_writer_dropped();
}

/* Seconds of two clocks cannot be compared, so counts begin again with a new clock, whatever time it shows. */
static uint64_t this_second(void) {
  uint64_t second = stoa_clock_monotonic_ns(output.clock) / STOA_NS_PER_S;
  return (clock_number << SECOND_BITS | (second & SECOND_MASK)) << COUNT_BITS;
}

/* May this event be written? The first event of a new second always may, so it can report how many were suppressed
 * before. */
static bool admit(struct stoa_log_site *site, uint32_t *out_suppressed_count) {
  uint64_t now = this_second();
  uint64_t before = __atomic_load_n(&site->state, __ATOMIC_RELAXED);
  uint64_t after;
  uint32_t count;
  bool is_new_second;
  do {
    count = (uint32_t)(before & COUNT_MASK);
    is_new_second = now != (before & ~COUNT_MASK);
    after = is_new_second ? now | 1 : before + (count < COUNT_MASK);
  } while (!__atomic_compare_exchange_n(&site->state, &before, after, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  bool is_same_clock = (before ^ now) >> (COUNT_BITS + SECOND_BITS) == 0;
  *out_suppressed_count =
      is_new_second && is_same_clock && count > LINES_PER_SECOND_MAX ? count - LINES_PER_SECOND_MAX : 0;
  return is_new_second || count < LINES_PER_SECOND_MAX;
}

void stoa_log_write(struct stoa_log_site *site, enum stoa_log_severity level, const char *event,
                    const struct stoa_log_field *fields, size_t field_count) {
  struct stoa_log_head head = {.style = output.style, .level = level, .event = event};
  if (!stoa_log_enabled(level) || (site != NULL && !admit(site, &head.suppressed_count))) {
    return;
  }
  int errno_before = errno;
  char trace[STOA_LOG_TRACE_LEN + 1];
  stoa_log_trace_source *source = __atomic_load_n(&trace_source, __ATOMIC_ACQUIRE);
  head.trace = source != NULL && source(trace) ? trace : NULL;
  struct stoa_log_line line STOA_UNINITIALIZED;
  head.wall_us = stoa_clock_wall_us(output.clock);
  stoa_log_line_compose(&line, &head, fields, field_count);
  stoa_log_writer_put(&output, &line);
  errno = errno_before;
}
