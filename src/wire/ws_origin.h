/* wire/ws_origin.h: which page a request comes from (RFC 6454), and how that is compared with hosts and lists.
 *
 * Scheme, host and port are compared exactly after lower-casing; a default port (80, 443) may be left out on either
 * side. Which comparisons let a page in is the caller's to say (server/origin.h).
 *
 * Does not know: configuration, connections. Thread: any.
 */
#ifndef STOA_WIRE_WS_ORIGIN_H
#define STOA_WIRE_WS_ORIGIN_H

#include "wire/authority.h"

/* scheme://host[:port], taken apart (RFC 6454 6.2). Views into the text. */
struct stoa_ws_origin {
  struct stoa_string scheme;
  struct stoa_string host; /* as written: case kept, IPv6 with its brackets */
  uint32_t port;           /* where none is written, the scheme's own, or STOA_PORT_NONE */
  struct stoa_string authority;
};

/* False for anything else: "null", a path, an empty host, user information. */
bool stoa_ws_origin_parse(struct stoa_string text, struct stoa_ws_origin *out_origin);

/* What an Origin field may hold beside that: "null" (a sandbox, a file), or a scheme that has no hosts ("file://"). */
bool stoa_ws_origin_is_opaque(struct stoa_string text);

/* Is the scheme this one? Without case. */
bool stoa_ws_origin_has_scheme(const struct stoa_ws_origin *origin, const char *scheme);

/* Is it a page of that host, over http or https? The host's default port is taken to be that of the page's scheme.
 *
 * host  "host[:port]", as a Host field or a configuration has it; anything else is no page's */
bool stoa_ws_origin_is_of(const struct stoa_ws_origin *origin, struct stoa_string host);

/* Does the list name it? An entry that is scheme://host[:port] is compared as above, any other byte by byte, and "*"
 * names every origin there is, "null" and what breaks the grammar too. */
bool stoa_ws_origin_is_listed(struct stoa_string origin, const struct stoa_string *list, size_t count);

#endif
