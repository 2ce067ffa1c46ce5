#include "server/listener/peers.h"

#include "base/memory.h"
#include "server/listener/networks.h"

#include <assert.h>

/* A handshake counts as so many parts, so that a rate per second has no fraction per millisecond. */
#define HANDSHAKE_PARTS 1000u
#define BURST_SECONDS 2u

/* RFC 6052 2.1: the prefix of translated IPv4 addresses. */
static const uint8_t translated_prefix[12] = {0, 0x64, 0xff, 0x9b};

struct stoa_peer_entry {
  struct stoa_peer key;
  uint32_t connections;
  uint32_t sessions;
  uint64_t spent_parts; /* at spent_ms; decreases at the rate */
  uint64_t spent_ms;
  struct stoa_peer_entry *rest_before, *rest_after;
  bool resting;
};

static struct stoa_bytes key_of(const void *object) {
  const struct stoa_peer_entry *entry = object;
  return stoa_bytes_make(entry->key.bytes, sizeof entry->key.bytes);
}

/* In ::/64 are loopback, mapped IPv4 and unix sockets: each address has a key of its own. */
struct stoa_peer stoa_peers_key(const struct stoa_peer *peer) {
  static const uint8_t zero[8];
  struct stoa_peer key = *peer;
  bool whole = memcmp(peer->bytes, zero, sizeof zero) == 0 ||
               memcmp(peer->bytes, translated_prefix, sizeof translated_prefix) == 0;
  if (!whole) {
    memset(key.bytes + 8, 0, 8);
  }
  return key;
}

int stoa_peers_init(struct stoa_peers *peers) {
  *peers = (struct stoa_peers){0};
  if (pthread_mutex_init(&peers->mutex, NULL) != 0) {
    return STOA_E_SYSTEM;
  }
  return stoa_map_init(&peers->entries, key_of);
}

void stoa_peers_set_limits(struct stoa_peers *peers, const struct stoa_peers_limits *limits) {
  pthread_mutex_lock(&peers->mutex);
  peers->limits = *limits;
  pthread_mutex_unlock(&peers->mutex);
}

void stoa_peers_fini(struct stoa_peers *peers) {
  size_t cursor = 0;
  for (void *entry = stoa_map_next(&peers->entries, &cursor); entry != NULL;
       entry = stoa_map_next(&peers->entries, &cursor)) {
    stoa_free(entry);
  }
  stoa_map_fini(&peers->entries);
  pthread_mutex_destroy(&peers->mutex);
}

/* The list of entries at rest. */

static void rest(struct stoa_peers *peers, struct stoa_peer_entry *entry) {
  assert(!entry->resting);
  entry->resting = true;
  entry->rest_before = peers->rest_last;
  entry->rest_after = NULL;
  if (peers->rest_last != NULL) {
    peers->rest_last->rest_after = entry;
  } else {
    peers->rest_first = entry;
  }
  peers->rest_last = entry;
  peers->rest_count++;
}

static void wake(struct stoa_peers *peers, struct stoa_peer_entry *entry) {
  if (!entry->resting) {
    return;
  }
  if (entry->rest_before != NULL) {
    entry->rest_before->rest_after = entry->rest_after;
  } else {
    peers->rest_first = entry->rest_after;
  }
  if (entry->rest_after != NULL) {
    entry->rest_after->rest_before = entry->rest_before;
  } else {
    peers->rest_last = entry->rest_before;
  }
  assert(peers->rest_count > 0);
  entry->resting = false;
  peers->rest_count--;
}

static void forget(struct stoa_peers *peers, struct stoa_peer_entry *entry) {
  wake(peers, entry);
  stoa_map_remove(&peers->entries, key_of(entry));
  stoa_free(entry);
}

/* Without connections and sessions an entry is freed, at once or when its handshakes no longer limit the address. */
static void release(struct stoa_peers *peers, struct stoa_peer_entry *entry) {
  if (entry->connections > 0 || entry->sessions > 0) {
    return;
  }
  if (entry->spent_parts == 0) {
    forget(peers, entry);
    return;
  }
  rest(peers, entry);
  if (peers->rest_count > STOA_PEERS_RESTING_MAX) {
    forget(peers, peers->rest_first);
  }
}

static uint64_t left_parts(const struct stoa_peers *peers, const struct stoa_peer_entry *entry, uint64_t now_ms) {
  /* Workers' clocks differ by a turn at most; for the one that is behind no time has passed. */
  uint64_t passed_ms = now_ms > entry->spent_ms ? now_ms - entry->spent_ms : 0;
  uint64_t flowed = passed_ms >= BURST_SECONDS * 1000 ? UINT64_MAX : passed_ms * peers->limits.handshakes_per_s;
  return flowed >= entry->spent_parts ? 0 : entry->spent_parts - flowed;
}

/* The list is not sorted by expiry, but no entry rests for longer than BURST_SECONDS. */
static void forget_rested(struct stoa_peers *peers, uint64_t now_ms) {
  while (peers->rest_first != NULL && left_parts(peers, peers->rest_first, now_ms) == 0) {
    forget(peers, peers->rest_first);
  }
}

/* Entries. */

static struct stoa_peer_entry *find(const struct stoa_peers *peers, const struct stoa_peer *peer) {
  const struct stoa_peer key = stoa_peers_key(peer);
  return stoa_map_find(&peers->entries, stoa_bytes_make(key.bytes, sizeof key.bytes));
}

static struct stoa_peer_entry *find_or_add(struct stoa_peers *peers, const struct stoa_peer *peer) {
  struct stoa_peer_entry *entry = find(peers, peer);
  if (entry != NULL) {
    wake(peers, entry);
    return entry;
  }
  entry = stoa_calloc(1, sizeof *entry);
  if (entry == NULL) {
    return NULL;
  }
  entry->key = stoa_peers_key(peer);
  if (stoa_map_insert(&peers->entries, entry) != STOA_OK) {
    stoa_free(entry);
    return NULL;
  }
  return entry;
}

static bool is_exempt(const struct stoa_peers *peers, const struct stoa_peer *peer) {
  const struct stoa_peers_limits *limits = &peers->limits;
  return (!limits->limit_loopback && stoa_peer_is_local(peer)) ||
         (limits->trusted != NULL && stoa_networks_contain(limits->trusted, peer));
}

/* Counting. */

static uint32_t *counter(struct stoa_peer_entry *entry, bool of_sessions) {
  return of_sessions ? &entry->sessions : &entry->connections;
}

static int count_up(struct stoa_peers *peers, const struct stoa_peer *peer, bool of_sessions) {
  int status = STOA_E_MEMORY;
  pthread_mutex_lock(&peers->mutex);
  uint32_t max = of_sessions ? peers->limits.sessions_max : peers->limits.connections_max;
  bool limited = max > 0 && !is_exempt(peers, peer);
  struct stoa_peer_entry *entry = find_or_add(peers, peer);
  if (entry != NULL) {
    uint32_t *count = counter(entry, of_sessions);
    status = limited && *count >= max ? STOA_E_LIMIT : STOA_OK;
    *count += status == STOA_OK ? 1 : 0;
    release(peers, entry);
  }
  pthread_mutex_unlock(&peers->mutex);
  return status;
}

static void count_down(struct stoa_peers *peers, const struct stoa_peer *peer, bool of_sessions) {
  pthread_mutex_lock(&peers->mutex);
  struct stoa_peer_entry *entry = find(peers, peer);
  assert(entry != NULL);
  assert(!entry->resting);
  uint32_t *count = counter(entry, of_sessions);
  assert(*count > 0);
  --*count;
  release(peers, entry);
  pthread_mutex_unlock(&peers->mutex);
}

int stoa_peers_connect(struct stoa_peers *peers, const struct stoa_peer *peer) {
  return count_up(peers, peer, false);
}

void stoa_peers_disconnect(struct stoa_peers *peers, const struct stoa_peer *peer) {
  count_down(peers, peer, false);
}

int stoa_peers_session_begin(struct stoa_peers *peers, const struct stoa_peer *peer) {
  return count_up(peers, peer, true);
}

void stoa_peers_session_end(struct stoa_peers *peers, const struct stoa_peer *peer) {
  count_down(peers, peer, true);
}

static uint32_t look_up(struct stoa_peers *peers, const struct stoa_peer *peer, bool of_sessions) {
  pthread_mutex_lock(&peers->mutex);
  struct stoa_peer_entry *entry = find(peers, peer);
  uint32_t count = entry == NULL ? 0 : *counter(entry, of_sessions);
  pthread_mutex_unlock(&peers->mutex);
  return count;
}

uint32_t stoa_peers_connections(struct stoa_peers *peers, const struct stoa_peer *peer) {
  return look_up(peers, peer, false);
}

uint32_t stoa_peers_sessions(struct stoa_peers *peers, const struct stoa_peer *peer) {
  return look_up(peers, peer, true);
}

/* Handshakes. */

static int spend(const struct stoa_peers *peers, struct stoa_peer_entry *entry, uint64_t now_ms,
                 uint32_t *out_retry_ms) {
  uint64_t rate = peers->limits.handshakes_per_s;
  assert(rate > 0);
  uint64_t most = rate * BURST_SECONDS * HANDSHAKE_PARTS;
  uint64_t spent = left_parts(peers, entry, now_ms) + HANDSHAKE_PARTS;
  if (spent > most) {
    *out_retry_ms = (uint32_t)((spent - most + rate - 1) / rate);
    return STOA_E_LIMIT;
  }
  entry->spent_parts = spent;
  entry->spent_ms = now_ms > entry->spent_ms ? now_ms : entry->spent_ms;
  return STOA_OK;
}

int stoa_peers_admit_handshake(struct stoa_peers *peers, const struct stoa_peer *peer, uint64_t now_ms,
                               uint32_t *out_retry_ms) {
  int status = STOA_E_MEMORY;
  pthread_mutex_lock(&peers->mutex);
  if (peers->limits.handshakes_per_s == 0 || is_exempt(peers, peer)) {
    pthread_mutex_unlock(&peers->mutex);
    return STOA_OK;
  }
  forget_rested(peers, now_ms);
  struct stoa_peer_entry *entry = find_or_add(peers, peer);
  if (entry != NULL) {
    status = spend(peers, entry, now_ms, out_retry_ms);
    release(peers, entry);
  }
  pthread_mutex_unlock(&peers->mutex);
  return status;
}
