/* wire/http_negotiate.h: what a client has already, and what it takes (RFC 9110 12 and 13).
 *
 * Pure: fields in, answers out. A field that breaks its grammar never makes an answer shorter or stranger: what cannot
 * be read is taken as not said. Thread: any.
 */
#ifndef STOA_WIRE_HTTP_NEGOTIATE_H
#define STOA_WIRE_HTTP_NEGOTIATE_H

#include "wire/http.h"

/* Does the value of an If-None-Match field name this version (RFC 9110 13.1.2)? Tags are compared weakly (8.8.3.2):
 * W/"x" and "x" are one, for a proxy that compresses makes the second the first. "*" names every version.
 *
 * value  a list of tags, of which the ones before a break of the grammar count
 * etag   with its quotes, and W/ or not */
bool stoa_http_etag_matches(struct stoa_string value, struct stoa_string etag);

/* The version that an answer would be of. */
struct stoa_http_version {
  struct stoa_string etag; /* with its quotes; data NULL: none is known, and only "*" names it */
  int64_t modified_s;      /* since 1970-01-01 UTC */
  int64_t now_s;           /* the present time, for dates with two digits of a year */
};

/* Is 304 the answer to this GET or HEAD (RFC 9110 13.2.2)? All If-None-Match fields count as one list.
 * If-Modified-Since counts where there is none of them and it came once, with a date that is not ahead of now (13.1.3).
 */
bool stoa_http_not_modified(const struct stoa_http_head *head, const uint8_t *data,
                            const struct stoa_http_version *version);

/* May the answer be in this content coding, "gzip" for instance (RFC 9110 12.5.3)? All Accept-Encoding fields count as
 * one list; a coding that is not in it has the weight of "*". Weight 0 is no. "x-gzip" is "gzip" (8.4.1.3).
 *
 * "identity" is what may always be sent but where it is refused by name, or by a "*" of weight 0. Any other coding is
 * for clients that ask for it: not without the field, and not where identity has the greater weight by name. */
bool stoa_http_accepts(const struct stoa_http_head *head, const uint8_t *data, const char *coding);

#endif
