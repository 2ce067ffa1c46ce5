/* wire/proxy.h: the header that a proxy puts in front of a connection to tell whose it is (the PROXY protocol of
 * HAProxy's proxy-protocol.txt, versions 1 and 2).
 *
 * Bytes in, values out. The caller keeps the received bytes in one run from the connection's first byte and calls again
 * with the longer run. A verdict that was given is that of every longer run too, so that any split gives the same one.
 *
 * Does not know: who may send one. Anybody can write a header, so the caller takes it from trusted addresses only, and
 * there it is not optional: where a header is expected, a connection without one is broken.
 * Thread: any.
 */
#ifndef STOA_WIRE_PROXY_H
#define STOA_WIRE_PROXY_H

#include "wire/ip.h"

#include <stoa/status.h>

/* The longest header that is taken. Version 1 has at most 107 bytes; one of version 2 with UNIX addresses has 232, and
 * what proxies add to it (a server name, a certificate's subject, a cloud's endpoint) is some hundred bytes. */
#define STOA_PROXY_BYTES_MAX 2048
/* Additions (TLVs) in one header. */
#define STOA_PROXY_ADDITIONS_MAX 64

enum stoa_proxy_family {
  STOA_PROXY_UNKNOWN, /* LOCAL, UNKNOWN, or a protocol that is not a stream's: the connection's own addresses count */
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
  /* Views into the bytes, empty unless the family is UNIX, where they may be empty too. */
  struct stoa_string source_path;
  struct stoa_string destination_path;
};

/* Read the header at the front.
 *
 * out_used  the bytes of the header; what is behind them is the connection's own
 * Returns STOA_OK; both outputs are written then, and only then.
 * Errors: STOA_E_AGAIN   incomplete: come back with more. Every other verdict is final
 *         STOA_E_SYNTAX  no header of version 1 or 2, or a broken one: another version or command, addresses that are
 *                        none or do not fit the family, additions that do not fill what is left
 *         STOA_E_LIMIT   more than STOA_PROXY_BYTES_MAX bytes or STOA_PROXY_ADDITIONS_MAX additions
 * Additions are passed over; a checksum (CRC32c) among them is not verified, for TCP has its own. */
int stoa_proxy_parse(const uint8_t *data, size_t len, struct stoa_proxy_header *out_header, size_t *out_used);

#endif
