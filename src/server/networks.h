/* server/networks.h: a set of networks, as server.trusted_proxies names them: "10.0.0.0/8", "::1", "unix".
 *
 * Thread: unchanging once it is made, so any. Lifetime: its items lie in the arena that parse was given.
 */
#ifndef STOA_SERVER_NETWORKS_H
#define STOA_SERVER_NETWORKS_H

#include "server/peer.h"

#include <stoa/arena.h>

struct stoa_network;

struct stoa_networks {
  const struct stoa_network *items;
  size_t count;
  bool has_unix;
};

#define STOA_NETWORKS_MAX 256

/* An address alone is a network of one; bits that the prefix leaves out do not count ("10.1.2.3/8" is 10.0.0.0/8).
 * Errors: STOA_E_ARGUMENT  an item is none of that, or there are more than STOA_NETWORKS_MAX (logged, with the option's
 *         name and the value); STOA_E_MEMORY */
int stoa_networks_parse(const char *option, const struct stoa_string *items, size_t count, struct stoa_arena *arena,
                        struct stoa_networks *out_networks);

bool stoa_networks_contain(const struct stoa_networks *networks, const struct stoa_peer *peer);

#endif
