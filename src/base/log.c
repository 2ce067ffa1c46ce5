/* base/log.c: which events are written, and to where. */
#include <errno.h>
#include <stoa/log.h>

#include "base/log_clock.h"
#include "base/log_line.h"
#include "base/log_writer.h"

#define LINES_PER_SECOND_MAX 10u
#define NS_PER_SECOND 1000000000u

static struct stoa_log_output output = {.clock = &stoa_clock_system, .fd = 2, .style = STOA_LOG_LOGFMT};
static enum stoa_log_severity lowest_level = STOA_LOG_INFO;

void stoa_log_setup(int fd, enum stoa_log_severity level, enum stoa_log_style format) {
  output.fd = fd;
  output.style = format;
  lowest_level = level;
}

void stoa_log_use_clock(const struct stoa_clock *clock) {
  output.clock = clock == NULL ? &stoa_clock_system : clock;
}

bool stoa_log_wants(enum stoa_log_severity level) {
  return level >= lowest_level && level < STOA_LOG_OFF;
}

uint64_t stoa_log_dropped(void) {
  return stoa_log_writer_dropped();
}

/* May this event be written? The state holds the second of the last event in its upper half, and how many came in
 * that second in its lower. The first event of a later second is always written, so it tells what was suppressed. */
static bool admit(struct stoa_log_site *site, uint32_t *out_suppressed_count) {
  uint64_t now = stoa_clock_monotonic_ns(output.clock) / NS_PER_SECOND;
  uint64_t before = __atomic_load_n(&site->state, __ATOMIC_RELAXED);
  uint64_t after;
  uint32_t count;
  bool is_new_second;
  do {
    count = (uint32_t)before;
    is_new_second = now > before >> 32;
    after = is_new_second ? now << 32 | 1 : before + (count < UINT32_MAX);
  } while (!__atomic_compare_exchange_n(&site->state, &before, after, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  *out_suppressed_count = is_new_second && count > LINES_PER_SECOND_MAX ? count - LINES_PER_SECOND_MAX : 0;
  return is_new_second || count < LINES_PER_SECOND_MAX;
}

void stoa_log_write(struct stoa_log_site *site, enum stoa_log_severity level, const char *event,
                    const struct stoa_log_field *fields, size_t field_count) {
  struct stoa_log_head head = {.style = output.style, .level = level, .event = event};
  if (!stoa_log_wants(level) || (site != NULL && !admit(site, &head.suppressed_count))) {
    return;
  }
  int errno_before = errno;
  struct stoa_log_line line;
  head.wall_us = stoa_clock_wall_us(output.clock);
  stoa_log_line_compose(&line, &head, fields, field_count);
  stoa_log_writer_put(&output, &line);
  errno = errno_before;
}
