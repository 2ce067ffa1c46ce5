/* wire/forwarded.h: the client's address, as proxies report it in X-Forwarded-For and Forwarded (RFC 7239).
 *
 * Each proxy appends the address that its request came from, so the right end of the list is the nearest hop. A host
 * that is not a trusted proxy may write anything: everything to the left of the first such address is unverified.
 *
 * Does not know: which proxies are trusted; the caller has checked that the connection comes from one. Otherwise these
 * fields must not be used.
 * Thread: any.
 */
#ifndef STOA_WIRE_FORWARDED_H
#define STOA_WIRE_FORWARDED_H

#include "wire/http.h"
#include "wire/ip.h"

/* The most addresses that are read, from the right. Those farther left are ignored. */
#define STOA_FORWARDED_HOPS_MAX 16

struct stoa_forwarded_hop {
  bool is_known; /* false: "unknown", an obfuscated name ("_x"), an IPv6 zone, "::", or garbage */
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

/* All Forwarded fields as one list; the "for" of each element is read.
 * Errors: STOA_E_SYNTAX  a quoted string that is not closed, or text around one: a client sends such a field so that
 *         the text which the proxy appends becomes part of the string; *out_path is unchanged */
int stoa_forwarded_read(const struct stoa_http_head *head, const uint8_t *data, struct stoa_forwarded_path *out_path);

/* The client in front of the trusted proxies: the first address that is not trusted, beginning at the nearest hop. If
 * all are trusted, it is the farthest one. At a hop that is not known the search ends, and the result is the address
 * before it.
 *
 * If the request has both fields, they must give the same client. A proxy that writes one of them passes the other on
 * as the client wrote it, and the server cannot know which one that is.
 *
 * is_trusted  is it the address of a trusted proxy?
 * Errors: STOA_E_NOT_FOUND  neither field has one: use the connection's address
 *         STOA_E_SYNTAX     as stoa_forwarded_read(), or the fields differ: refuse the request with 400 */
int stoa_forwarded_client(const struct stoa_http_head *head, const uint8_t *data,
                          bool (*is_trusted)(const uint8_t address[STOA_IP_LEN], void *context), void *context,
                          uint8_t out_address[STOA_IP_LEN]);

/* Do fields say that the request came through a proxy (X-Forwarded-*, Forwarded, X-Real-IP, Via)? A script can add
 * these to a fetch of its own origin, but not to an upgrade to WebSocket. */
bool stoa_forwarded_present(const struct stoa_http_head *head, const uint8_t *data);

#endif
