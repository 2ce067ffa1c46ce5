/* tools/stoa/now.h: the clock of deadlines and waits. */
#ifndef STOA_TOOL_NOW_H
#define STOA_TOOL_NOW_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, in milliseconds. */
static inline int64_t tool_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
