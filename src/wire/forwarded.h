/* wire/forwarded.h: whose request it is, as proxies tell in X-Forwarded-For and Forwarded (RFC 7239).
 *
 * Each proxy writes the address that it was asked from behind those that stand there already, so the right end is the
 * nearest. Whoever is not a trusted proxy may have written anything, and what stands left of the first such address is
 * his word.
 *
 * Does not know: which proxies are trusted; the caller has made sure that the connection comes from one. Where it does
 * not, these fields must not be looked at.
 * Thread: any.
 */
#ifndef STOA_WIRE_FORWARDED_H
#define STOA_WIRE_FORWARDED_H

#include "wire/http.h"
#include "wire/ip.h"

/* Addresses that are looked at. What stands farther left is as if it was not there. */
#define STOA_FORWARDED_HOPS_MAX 16

struct stoa_forwarded_hop {
  bool is_known; /* false: "unknown", an obfuscated name ("_x"), an IPv6 zone, or garbage */
  uint8_t address[STOA_IP_LEN];
};

/* Nearest first. */
struct stoa_forwarded_path {
  size_t count;
  struct stoa_forwarded_hop hops[STOA_FORWARDED_HOPS_MAX];
};

/* All X-Forwarded-For fields as one list of addresses, with or without a port. */
void stoa_forwarded_read_list(const struct stoa_http_head *head, const uint8_t *data,
                              struct stoa_forwarded_path *out_path);

/* All Forwarded fields as one list; of each element its "for".
 * Errors: STOA_E_SYNTAX  a quoted string that is not closed, or text around one: a client sends such a field to swallow
 *         what the proxy writes behind it; *out_path is as before */
int stoa_forwarded_read(const struct stoa_http_head *head, const uint8_t *data, struct stoa_forwarded_path *out_path);

/* The client behind the trusted proxies: from the nearest hop on, the first address that is not trusted; of trusted
 * ones alone the farthest. The walk ends at a hop that is not known, with the address before it.
 *
 * Where both fields are there, both must give the same client. A proxy that writes one of them passes the other on as
 * the client wrote it, and nobody can tell from outside which one that is.
 *
 * is_trusted  is it the address of a trusted proxy?
 * Errors: STOA_E_NOT_FOUND  neither field tells one: the connection's own address counts
 *         STOA_E_SYNTAX     as stoa_forwarded_read(), or the fields disagree: refuse the request, with 400 */
int stoa_forwarded_client(const struct stoa_http_head *head, const uint8_t *data,
                          bool (*is_trusted)(const uint8_t address[STOA_IP_LEN], void *context), void *context,
                          uint8_t out_address[STOA_IP_LEN]);

/* Did the request come through a proxy, as its fields have it (X-Forwarded-*, Forwarded, X-Real-IP, Via)? A script can
 * add these to a fetch of its own origin, but not to an upgrade to WebSocket. */
bool stoa_forwarded_present(const struct stoa_http_head *head, const uint8_t *data);

#endif
