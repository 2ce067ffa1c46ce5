/* wire/ip.h: strict parsing of IP addresses, and the kind of network they belong to.
 *
 * An address is 16 bytes in network order, IPv4 mapped into IPv6 (::ffff:a.b.c.d, RFC 4291 2.5.5.2).
 *
 * Does not know: names, sockets, zones. Thread: any.
 */
#ifndef STOA_WIRE_IP_H
#define STOA_WIRE_IP_H

#include <stoa/bytes.h>

#define STOA_IP_LEN 16
#define STOA_IPV4_LEN 4

/* "192.0.2.1": four decimal numbers without leading zeros, which some parsers read as octal. Output on true only. */
bool stoa_ip_parse_v4(struct stoa_string text, uint8_t out_address[STOA_IP_LEN]);
/* RFC 4291 2.2, without brackets; an address with a zone ("%eth0") is refused. Output on true only. */
bool stoa_ip_parse_v6(struct stoa_string text, uint8_t out_address[STOA_IP_LEN]);
/* An address of either version. */
bool stoa_ip_parse(struct stoa_string text, uint8_t out_address[STOA_IP_LEN]);

/* Is it "::", which no host has (RFC 4291 2.5.2)? 0.0.0.0 is another: it is mapped. */
bool stoa_ip_is_unspecified(const uint8_t address[STOA_IP_LEN]);

/* Is it an address that outside hosts cannot reach but browsers on this machine can: loopback, private (RFC 1918, RFC
 * 4193, and RFC 6598, the shared addresses of a provider or a VPN) or link-local? */
bool stoa_ip_is_private(const uint8_t address[STOA_IP_LEN]);

#endif
