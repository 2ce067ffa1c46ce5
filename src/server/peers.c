#include "server/peers.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <assert.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct count {
  struct stoa_peer peer;
  uint32_t connections;
};

static struct stoa_bytes key_of(const void *object) {
  const struct count *count = object;
  return stoa_bytes_make(count->peer.bytes, sizeof count->peer.bytes);
}

int stoa_peers_init(struct stoa_peers *peers) {
  if (pthread_mutex_init(&peers->mutex, NULL) != 0) {
    return STOA_E_SYSTEM;
  }
  return stoa_map_init(&peers->counts, key_of);
}

void stoa_peers_fini(struct stoa_peers *peers) {
  size_t cursor = 0;
  for (void *count = stoa_map_next(&peers->counts, &cursor); count != NULL;
       count = stoa_map_next(&peers->counts, &cursor)) {
    stoa_free(count);
  }
  stoa_map_fini(&peers->counts);
  pthread_mutex_destroy(&peers->mutex);
}

static struct count *add_address(struct stoa_peers *peers, const struct stoa_peer *peer) {
  struct count *count = stoa_calloc(1, sizeof *count);
  if (count == NULL) {
    return NULL;
  }
  count->peer = *peer;
  if (stoa_map_insert(&peers->counts, count) != STOA_OK) {
    stoa_free(count);
    return NULL;
  }
  return count;
}

int stoa_peers_add(struct stoa_peers *peers, const struct stoa_peer *peer, uint32_t *out_count) {
  int status = STOA_E_MEMORY;
  pthread_mutex_lock(&peers->mutex);
  struct count *count = stoa_map_find(&peers->counts, stoa_bytes_make(peer->bytes, sizeof peer->bytes));
  if (count == NULL) {
    count = add_address(peers, peer);
  }
  if (count != NULL) {
    count->connections++;
    *out_count = count->connections;
    status = STOA_OK;
  }
  pthread_mutex_unlock(&peers->mutex);
  return status;
}

uint32_t stoa_peers_count(struct stoa_peers *peers, const struct stoa_peer *peer) {
  pthread_mutex_lock(&peers->mutex);
  const struct count *count = stoa_map_find(&peers->counts, stoa_bytes_make(peer->bytes, sizeof peer->bytes));
  uint32_t connections = count == NULL ? 0 : count->connections;
  pthread_mutex_unlock(&peers->mutex);
  return connections;
}

void stoa_peers_remove(struct stoa_peers *peers, const struct stoa_peer *peer) {
  struct stoa_bytes key = stoa_bytes_make(peer->bytes, sizeof peer->bytes);
  pthread_mutex_lock(&peers->mutex);
  struct count *count = stoa_map_find(&peers->counts, key);
  assert(count != NULL && count->connections > 0);
  count->connections--;
  if (count->connections == 0) {
    stoa_map_remove(&peers->counts, key);
    stoa_free(count);
  }
  pthread_mutex_unlock(&peers->mutex);
}

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

static bool is_mapped(const struct stoa_peer *peer) {
  return memcmp(peer->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static bool is_unix(const struct stoa_peer *peer) {
  static const struct stoa_peer zero = {{0}};
  return memcmp(peer, &zero, sizeof zero) == 0;
}

bool stoa_peer_is_loopback(const struct stoa_peer *peer) {
  static const struct stoa_peer loopback6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  return is_unix(peer) || (is_mapped(peer) && peer->bytes[12] == 127) ||
         memcmp(peer, &loopback6, sizeof loopback6) == 0;
}

void stoa_peer_format(const struct stoa_peer *peer, char out_text[INET6_ADDRSTRLEN]) {
  if (is_unix(peer)) {
    memcpy(out_text, "unix", sizeof "unix");
  } else if (is_mapped(peer)) {
    inet_ntop(AF_INET, peer->bytes + sizeof mapped_prefix, out_text, INET6_ADDRSTRLEN);
  } else {
    inet_ntop(AF_INET6, peer->bytes, out_text, INET6_ADDRSTRLEN);
  }
}
