/* wire/proxy.h: the header that a proxy sends at the start of a connection to report the client's address (the PROXY
 * protocol of HAProxy's proxy-protocol.txt, versions 1 and 2).
 *
 * Bytes in, values out. The caller keeps the received bytes in one run from the connection's first byte and calls again
 * with the longer run. A verdict is the same for every longer run, so any split gives the same one.
 *
 * Does not know: who may send a header. Any peer can send one, so the caller accepts it from trusted addresses only. It
 * is not optional: where a header is expected, a connection without one is an error.
 * Thread: any.
 */
#ifndef STOA_WIRE_PROXY_H
#define STOA_WIRE_PROXY_H

#include "wire/ip.h"

#include <stoa/status.h>

/* The longest header that is accepted. Version 1 has at most 107 bytes. Version 2 has 232 with UNIX addresses, and
 * proxies add some hundred bytes (a server name, a certificate's subject, a cloud's endpoint). */
#define STOA_PROXY_BYTES_MAX 2048
/* Additions (TLVs) in one header. */
#define STOA_PROXY_ADDITIONS_MAX 64

enum stoa_proxy_family {
  STOA_PROXY_UNKNOWN, /* LOCAL, UNKNOWN, or not a stream protocol: use the connection's own addresses */
  STOA_PROXY_IP,
  STOA_PROXY_UNIX
};

struct stoa_proxy_header {
  enum stoa_proxy_family family;
  /* Zero unless the family is IP. */
  uint8_t source[STOA_IP_LEN];
  uint8_t destination[STOA_IP_LEN];
  uint16_t source_port;
  uint16_t destination_port;
  /* Views into the bytes; empty unless the family is UNIX, and possibly then too. */
  struct stoa_string source_path;
  struct stoa_string destination_path;
};

/* Read the header at the front.
 *
 * out_used  the bytes of the header; the connection's own data follows
 * Returns STOA_OK; both outputs are written only then.
 * Errors: STOA_E_AGAIN   incomplete: call again with more. Every other verdict is final
 *         STOA_E_SYNTAX  no header of version 1 or 2, or a malformed one: another version or command, addresses that
 *                        are invalid or do not fit the family, additions that do not fill the rest exactly
 *         STOA_E_LIMIT   more than STOA_PROXY_BYTES_MAX bytes or STOA_PROXY_ADDITIONS_MAX additions
 * Additions are skipped; a checksum (CRC32c) among them is not verified, because TCP has its own. */
int stoa_proxy_parse(const uint8_t *data, size_t len, struct stoa_proxy_header *out_header, size_t *out_used);

#endif
