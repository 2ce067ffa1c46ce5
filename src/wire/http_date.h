/* wire/http_date.h: points in time in the form of HTTP fields (RFC 9110 5.6.7).
 *
 * Does not know: the current time; callers pass it. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_DATE_H
#define STOA_WIRE_HTTP_DATE_H

#include <stoa/bytes.h>

#define STOA_HTTP_DATE_SIZE 30

/* IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT", terminated. Years outside 0000 to 9999 are clamped.
 *
 * wall_us  microseconds since 1970-01-01 UTC */
void stoa_http_date(int64_t wall_us, char out_text[STOA_HTTP_DATE_SIZE]);

/* Read one of the three forms that a recipient must take: IMF-fixdate, RFC 850's ("Sunday, 06-Nov-94 08:49:37 GMT") and
 * asctime's ("Sun Nov  6 08:49:37 1994"). The name of the day must be valid, but is not compared with the date.
 *
 * now_s  the present time: the two digits of RFC 850's year mean the last year with these digits that is at most 50
 *        years ahead of it
 * False for anything else, also for a date that does not exist; *out_s (seconds since 1970-01-01 UTC) is unchanged
 * then. */
bool stoa_http_date_parse(struct stoa_string text, int64_t now_s, int64_t *out_s);

#endif
