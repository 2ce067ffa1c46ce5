#include "server/listener/peer.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct stoa_peer stoa_peer_of(const struct sockaddr_storage *address) {
  struct stoa_peer peer = {{0}};
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
    memcpy(peer.bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(peer.bytes + sizeof mapped_prefix, &in->sin_addr, 4);
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    memcpy(peer.bytes, &in6->sin6_addr, sizeof peer.bytes);
  }
  return peer;
}

bool stoa_peer_is_ipv4(const struct stoa_peer *peer) {
  return memcmp(peer->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool stoa_peer_is_unix(const struct stoa_peer *peer) {
  static const struct stoa_peer zero = {{0}};
  return memcmp(peer, &zero, sizeof zero) == 0;
}

bool stoa_peer_is_loopback(const struct stoa_peer *peer) {
  static const struct stoa_peer loopback6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  return (stoa_peer_is_ipv4(peer) && peer->bytes[12] == 127) || memcmp(peer, &loopback6, sizeof loopback6) == 0;
}

bool stoa_peer_is_local(const struct stoa_peer *peer) {
  return stoa_peer_is_unix(peer) || stoa_peer_is_loopback(peer);
}

void stoa_peer_format(const struct stoa_peer *peer, char out_text[INET6_ADDRSTRLEN]) {
  if (stoa_peer_is_unix(peer)) {
    memcpy(out_text, "unix", sizeof "unix");
  } else if (stoa_peer_is_ipv4(peer)) {
    inet_ntop(AF_INET, peer->bytes + sizeof mapped_prefix, out_text, INET6_ADDRSTRLEN);
  } else {
    inet_ntop(AF_INET6, peer->bytes, out_text, INET6_ADDRSTRLEN);
  }
}
