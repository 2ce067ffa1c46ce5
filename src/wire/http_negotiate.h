/* wire/http_negotiate.h: which version a client already has, and which codings it accepts (RFC 9110 12 and 13).
 *
 * Pure: fields in, answers out. A field that breaks its grammar never causes a 304 or a coding: the unreadable part is
 * ignored. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_NEGOTIATE_H
#define STOA_WIRE_HTTP_NEGOTIATE_H

#include "wire/http.h"

/* Does the value of an If-None-Match field name this version (RFC 9110 13.1.2)? Tags are compared weakly (8.8.3.2):
 * W/"x" and "x" are equal, because a proxy that compresses changes the second to the first. "*" names every version.
 *
 * value  a list of tags; those before an error in the grammar count
 * etag   with its quotes, with or without W/ */
bool stoa_http_etag_matches(struct stoa_string value, struct stoa_string etag);

/* The version that an answer would send. */
struct stoa_http_version {
  struct stoa_string etag; /* with its quotes; data NULL: none is known, and only "*" matches */
  int64_t modified_s;      /* since 1970-01-01 UTC */
  int64_t now_s;           /* the current time, for dates with a year of two digits */
};

/* Must this GET or HEAD be answered with 304 (RFC 9110 13.2.2)? All If-None-Match fields count as one list.
 * If-Modified-Since counts only without any of them, when it occurs once and its date is not in the future (13.1.3).
 */
bool stoa_http_not_modified(const struct stoa_http_head *head, const uint8_t *data,
                            const struct stoa_http_version *version);

/* May the answer have this content coding, for example "gzip" (RFC 9110 12.5.3)? All Accept-Encoding fields count as
 * one list; a coding that is not in it has the weight of "*". Weight 0 means no. "x-gzip" is "gzip" (8.4.1.3).
 *
 * "identity" is always allowed unless its name, or "*", has weight 0. Any other coding is allowed only for clients that
 * ask for it: not without the field, and not when identity is named with a greater weight. */
bool stoa_http_accepts(const struct stoa_http_head *head, const uint8_t *data, const char *coding);

#endif
