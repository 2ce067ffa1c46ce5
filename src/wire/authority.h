/* wire/authority.h: "host[:port]" as in Host fields, absolute targets and origins (RFC 3986 3.2).
 *
 * For this layer only. Thread: any.
 */
#ifndef STOA_WIRE_AUTHORITY_H
#define STOA_WIRE_AUTHORITY_H

#include <stoa/bytes.h>

#define STOA_PORT_NONE UINT32_MAX

struct stoa_authority {
  struct stoa_string host; /* as written: case kept, IPv6 with its brackets */
  uint32_t port;           /* STOA_PORT_NONE when there is none */
};

/* False for anything else: an empty host, user information, a port above 65535, a bad escape. */
bool stoa_authority_parse(struct stoa_string text, struct stoa_authority *out_authority);

#endif
