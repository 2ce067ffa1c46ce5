/* wire/ws_origin.h: the origin of a request (RFC 6454), and its comparison with hosts and lists.
 *
 * Scheme, host and port are compared exactly, in lower case; a default port (80, 443) may be left out in either one.
 * The caller decides which comparisons admit a page (server/listener/origin.h).
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
  uint32_t port;           /* without one, the scheme's default, or STOA_PORT_NONE */
  struct stoa_string authority;
};

/* False for anything else: "null", a path, an empty host, user information. */
bool stoa_ws_origin_parse(struct stoa_string text, struct stoa_ws_origin *out_origin);

/* The other forms of an Origin field: "null" (a sandbox, a file), or a scheme without hosts ("file://"). */
bool stoa_ws_origin_is_opaque(struct stoa_string text);

/* Does the origin have this scheme? Compared without case. */
bool stoa_ws_origin_has_scheme(const struct stoa_ws_origin *origin, const char *scheme);

/* Is it a page of that host, over http or https? A host without port has the default port of the page's scheme.
 *
 * host  "host[:port]", from a Host field or a configuration; anything else matches no page */
bool stoa_ws_origin_is_of(const struct stoa_ws_origin *origin, struct stoa_string host);

/* Does an entry of the list match it? An entry scheme://host[:port] is compared as above, any other byte by byte. "*"
 * matches every origin, also "null" and malformed ones. */
bool stoa_ws_origin_is_listed(struct stoa_string origin, const struct stoa_string *list, size_t count);

#endif
