#include "server/listener/networks.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stoa/log.h>

#define BITS 128u
#define IPV4_BITS 32u

/* IPv4 addresses are mapped into IPv6, so an IPv4 network's prefix has 96 bits more. */
struct stoa_network {
  struct stoa_peer base;
  uint32_t bits;
};

static bool parse_bits(struct stoa_string text, uint32_t highest, uint32_t *out_bits) {
  uint32_t bits = 0;
  if (text.len == 0 || text.len > 3 || (text.len > 1 && text.data[0] == '0')) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    bits = bits * 10 + (uint32_t)(text.data[i] - '0');
  }
  *out_bits = bits;
  return bits <= highest;
}

static bool parse_address(struct stoa_string text, struct stoa_peer *out_peer, uint32_t *out_bits) {
  char terminated[INET6_ADDRSTRLEN];
  struct in_addr in;
  struct in6_addr in6;
  if (text.len == 0 || text.len >= sizeof terminated || memchr(text.data, '\0', text.len) != NULL) {
    return false;
  }
  memcpy(terminated, text.data, text.len);
  terminated[text.len] = '\0';
  struct sockaddr_storage address = {.ss_family = AF_INET6};
  *out_bits = BITS;
  if (inet_pton(AF_INET, terminated, &in) == 1) {
    address.ss_family = AF_INET;
    ((struct sockaddr_in *)(void *)&address)->sin_addr = in;
    *out_bits = IPV4_BITS;
  } else if (inet_pton(AF_INET6, terminated, &in6) == 1) {
    ((struct sockaddr_in6 *)(void *)&address)->sin6_addr = in6;
  } else {
    return false;
  }
  *out_peer = stoa_peer_of(&address);
  return true;
}

static bool parse_network(struct stoa_string text, struct stoa_network *out_network) {
  const char *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
  struct stoa_string host = {text.data, slash == NULL ? text.len : (size_t)(slash - text.data)};
  uint32_t width;
  if (!parse_address(host, &out_network->base, &width)) {
    return false;
  }
  uint32_t bits = width;
  if (slash != NULL && !parse_bits(stoa_string_make(slash + 1, text.len - host.len - 1), width, &bits)) {
    return false;
  }
  out_network->bits = BITS - width + bits;
  return true;
}

int stoa_networks_parse(const char *option, const struct stoa_string *items, size_t count, struct stoa_arena *arena,
                        struct stoa_networks *out_networks) {
  struct stoa_networks networks = {0};
  if (count > STOA_NETWORKS_MAX) {
    stoa_log(STOA_LOG_ERROR, "too many networks", STOA_F_STR("option", option), STOA_F_INT("count", count),
             STOA_F_INT("highest", STOA_NETWORKS_MAX));
    return STOA_E_ARGUMENT;
  }
  struct stoa_network *parsed = stoa_arena_calloc(arena, (count + 1) * sizeof *parsed);
  if (parsed == NULL) {
    return STOA_E_MEMORY;
  }
  for (size_t i = 0; i < count; i++) {
    if (stoa_string_equal(items[i], stoa_string_of("unix"))) {
      networks.has_unix = true;
    } else if (parse_network(items[i], &parsed[networks.count])) {
      networks.count++;
    } else {
      stoa_log(STOA_LOG_ERROR, "not a network; write 10.0.0.0/8, 2001:db8::/32, an address, or unix",
               STOA_F_TEXT(option, items[i]));
      return STOA_E_ARGUMENT;
    }
  }
  networks.items = parsed;
  *out_networks = networks;
  return STOA_OK;
}

static bool is_in(const struct stoa_network *network, const struct stoa_peer *peer) {
  uint32_t bytes = network->bits / 8;
  uint32_t rest = network->bits % 8;
  assert(network->bits <= BITS);
  if (memcmp(network->base.bytes, peer->bytes, bytes) != 0) {
    return false;
  }
  return rest == 0 || ((network->base.bytes[bytes] ^ peer->bytes[bytes]) >> (8 - rest)) == 0;
}

bool stoa_networks_contain(const struct stoa_networks *networks, const struct stoa_peer *peer) {
  if (stoa_peer_is_unix(peer)) {
    return networks->has_unix;
  }
  /* "::/0" means every IPv6 address, but not IPv4, whose addresses are mapped into ::ffff:0:0/96 here. */
  for (size_t i = 0; i < networks->count; i++) {
    bool same_family = stoa_peer_is_ipv4(&networks->items[i].base) == stoa_peer_is_ipv4(peer);
    if (same_family && is_in(&networks->items[i], peer)) {
      return true;
    }
  }
  return false;
}
