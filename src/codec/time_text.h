/* codec/time_text.h: points in time and durations in proto3 JSON. */
#ifndef STOA_CODEC_TIME_TEXT_H
#define STOA_CODEC_TIME_TEXT_H

#include <stoa/bytes.h>

/* The fields of google.protobuf.Timestamp, since 1970, and of Duration. In a duration both have the same sign, or are
 * 0. */
struct stoa_time {
  int64_t seconds;
  int32_t nanos;
};

#define STOA_TIME_TEXT_MAX 40

/* `2026-01-31T12:00:00.5Z` or with an offset, `+01:00` (RFC 3339 5.6, in capitals, seconds up to 59); years 1 to 9999
 * in UTC. False when it is something else. */
bool stoa_time_read_point(struct stoa_string text, struct stoa_time *out_time);
/* `-1.5s`, at most 10,000 years. */
bool stoa_time_read_span(struct stoa_string text, struct stoa_time *out_time);

/* Write with 0, 3, 6 or 9 digits of a fraction; points in time in UTC. Returns the length, or 0 when the time is out of
 * range. */
size_t stoa_time_write_point(struct stoa_time time, char out_text[STOA_TIME_TEXT_MAX]);
size_t stoa_time_write_span(struct stoa_time time, char out_text[STOA_TIME_TEXT_MAX]);

#endif
