/* server/middleware/address_rates.h: token buckets of clients' addresses, shared by all workers.
 *
 * An address has one set of the table, whose mutex is held for a few instructions. An IPv6 /64 is one address. At most
 * STOA_ADDRESS_RATES_MAX are kept: when more are active, the one of a set that was unused for the longest time starts
 * again with a full burst. Loopback and unix sockets have no limit, unless server.limits.limit_loopback is set, and
 * trusted proxies never have one.
 *
 * Does not know: what is counted. Thread: any. Lifetime: its owner's.
 */
#ifndef STOA_SERVER_MIDDLEWARE_ADDRESS_RATES_H
#define STOA_SERVER_MIDDLEWARE_ADDRESS_RATES_H

#include "server/listener/peer.h"
#include "server/rate.h"

#define STOA_ADDRESS_RATES_MAX 4096u

struct stoa_address_rates;
struct stoa_settings;

/* What is limited: an address has buckets of its own for each. */
enum stoa_address_rate { STOA_ADDRESS_RATE_ALL, STOA_ADDRESS_RATE_HTTP };

/* Errors: STOA_E_SYSTEM  no random bytes are available; STOA_E_MEMORY */
int stoa_address_rates_create(struct stoa_address_rates **out_rates);
/* NULL is fine. */
void stoa_address_rates_destroy(struct stoa_address_rates *rates);

/* One message. */
struct stoa_address_message {
  const struct stoa_settings *settings; /* of the worker, for who is exempt */
  const struct stoa_peer *peer;
  enum stoa_address_rate kind;
  size_t bytes;
};

/* Count it. Returns 0 when it is within the limits, else after how many milliseconds it would be. */
uint32_t stoa_address_rates_take(struct stoa_address_rates *rates, const struct stoa_address_message *message,
                                 const struct stoa_rate_limits *limits, uint32_t now_ms);

#endif
