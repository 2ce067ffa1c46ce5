/* wire/http_route_path.h: the path of a request, cut into segments and decoded, as routes are matched with it.
 *
 * For wire/http_route.c only. Thread: any. Lifetime: views point into the path and into the text where it is decoded.
 */
#ifndef STOA_WIRE_HTTP_ROUTE_PATH_H
#define STOA_WIRE_HTTP_ROUTE_PATH_H

#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_HTTP_ROUTE_SEGMENTS_MAX 64

struct stoa_http_path_segment {
  struct stoa_string raw; /* in the path */
  struct stoa_string text;
};

struct stoa_http_path {
  struct stoa_http_path_segment segments[STOA_HTTP_ROUTE_SEGMENTS_MAX];
  size_t count;
  struct stoa_http_path_segment stem; /* the last segment up to its last colon; empty when it cannot have a verb */
  struct stoa_string verb;            /* what follows that colon */
};

/* Cut a path and decode its parts.
 *
 * text  in and out: where to decode; it takes at most path.len bytes
 * Errors: STOA_E_SYNTAX     a bad escape, a control byte, a backslash, text that is not UTF-8, or a part between
 * slashes that is "." or "..", after decoding STOA_E_NOT_FOUND  not what a route can match: no '/' at its start, an
 * empty segment, too many segments */
int stoa_http_path_cut(struct stoa_string path, char **text, struct stoa_http_path *out_path);

/* Decode the path from one segment to another one, both included, but leave "%2F" and "%2f" as they are. The path was
 * cut without an error, so nothing in it can be wrong.
 *
 * text  in and out, as above; the joined segments take at most their bytes in the path */
struct stoa_string stoa_http_path_join(const struct stoa_http_path *path, size_t first, size_t last, char **text);

#endif
