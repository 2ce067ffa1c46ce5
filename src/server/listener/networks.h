/* server/listener/networks.h: a set of networks, as in server.trusted_proxies: "10.0.0.0/8", "::1", "unix".
 *
 * Thread: any, because it never changes after parsing. Lifetime: its items are in the arena given to parse.
 */
#ifndef STOA_SERVER_LISTENER_NETWORKS_H
#define STOA_SERVER_LISTENER_NETWORKS_H

#include "server/listener/peer.h"

#include <stoa/arena.h>

struct stoa_network;

struct stoa_networks {
  const struct stoa_network *items;
  size_t count;
  bool has_unix;
};

#define STOA_NETWORKS_MAX 256

/* An address without a prefix is a network of one address; bits outside of the prefix are ignored ("10.1.2.3/8" is
 * 10.0.0.0/8).
 * Errors: STOA_E_ARGUMENT  an item is not a network, or there are more than STOA_NETWORKS_MAX (logged, with the
 *         option's name and the value); STOA_E_MEMORY */
int stoa_networks_parse(const char *option, const struct stoa_string *items, size_t count, struct stoa_arena *arena,
                        struct stoa_networks *out_networks);

bool stoa_networks_contain(const struct stoa_networks *networks, const struct stoa_peer *peer);

#endif
