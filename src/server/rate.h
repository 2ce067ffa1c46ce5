/* server/rate.h: limits what one session may send: two token buckets, for messages and for bytes.
 *
 * Pure: the caller passes the time. Thread: the session's worker's.
 */
#ifndef STOA_SERVER_RATE_H
#define STOA_SERVER_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages beyond the limits are counted over this time. */
#define STOA_RATE_EXCESS_MS 10000u

/* The amount that each bucket gets a second, up to its burst; 0 a second is no limit. */
struct stoa_rate_limits {
  uint32_t messages_per_s, messages_burst;
  uint32_t bytes_per_s, bytes_burst;
  uint32_t excess_max; /* messages beyond the limits, within STOA_RATE_EXCESS_MS */
};

/* A zeroed struct has not begun. */
struct stoa_rate {
  bool begun;
  uint32_t at_ms;    /* when the buckets were filled last, low 32 bits */
  uint64_t messages; /* what is left, in thousandths */
  uint64_t bytes;
  uint32_t excess, excess_ms; /* since when */
};

static inline bool stoa_rate_is_limited(const struct stoa_rate_limits *limits) {
  return limits->messages_per_s > 0 || limits->bytes_per_s > 0;
}

/* Count one message of so many bytes. Returns 0 when it is within the limits, and takes it from both buckets. Otherwise
 * counts it as excess and returns after how many milliseconds it would be within them, at least 1. */
uint32_t stoa_rate_take(struct stoa_rate *rate, const struct stoa_rate_limits *limits, size_t bytes, uint32_t now_ms);
/* Count a message that another limit refuses as excess. */
void stoa_rate_count_excess(struct stoa_rate *rate, uint32_t now_ms);
/* Has the excess reached its limit? */
static inline bool stoa_rate_is_abused(const struct stoa_rate *rate, const struct stoa_rate_limits *limits) {
  return rate->excess > limits->excess_max;
}

#endif
