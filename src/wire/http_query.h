/* wire/http_query.h: the query of a target, or a form's body, as names with values (application/x-www-form-urlencoded,
 * URL standard 5.1), strictly.
 *
 * Does not know: what the names mean; a name may come more than once.
 * Thread: any. Lifetime: names and values lie in the arena that was given; the query's text is not needed any more.
 */
#ifndef STOA_WIRE_HTTP_QUERY_H
#define STOA_WIRE_HTTP_QUERY_H

#include <stoa/arena.h>
#include <stoa/bytes.h>
#include <stoa/status.h>

struct stoa_http_query_pair {
  struct stoa_string name; /* UTF-8 without NUL; may be empty */
  struct stoa_string value;
};

struct stoa_http_query {
  const struct stoa_http_query_pair *pairs; /* in the order of the text */
  size_t count;
};

/* Decode a query: pairs are separated by '&', and empty ones skipped; a name ends at the first '=', and without one the
 * value is empty; '+' is a blank, "%2B" a plus. A semicolon separates nothing.
 *
 * text       without the '?'
 * pairs_max  at most so many pairs
 * Errors (what was taken from the arena by then stays taken):
 *         STOA_E_SYNTAX  a '%' without two hexadecimal digits, or a NUL
 *         STOA_E_UTF8    a name or value is not UTF-8 after decoding
 *         STOA_E_LIMIT   more pairs than pairs_max, or the cap of the arena
 *         STOA_E_MEMORY */
int stoa_http_query_parse(struct stoa_string text, size_t pairs_max, struct stoa_arena *arena,
                          struct stoa_http_query *out_query);

/* The value of the first pair of that name, or a view with data NULL. `index` (may be NULL) holds where to go on: start
 * at 0. An empty value has data. */
struct stoa_string stoa_http_query_find(const struct stoa_http_query *query, struct stoa_string name, size_t *index);

#endif
