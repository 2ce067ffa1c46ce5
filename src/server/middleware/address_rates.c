#include "server/middleware/address_rates.h"

#include "base/memory.h"
#include "base/siphash.h"
#include "base/sys.h"
#include "server/server_private.h"

#define SETS 512u
#define WAYS 8u

_Static_assert(SETS *WAYS == STOA_ADDRESS_RATES_MAX, "as many as the header tells");

struct address {
  struct stoa_peer key;
  uint8_t kind;
  bool used;
  struct stoa_rate rate;
};

struct set {
  pthread_mutex_t mutex;
  struct address ways[WAYS];
};

struct stoa_address_rates {
  uint64_t seed[2];
  uint32_t set_count; /* whose mutexes exist */
  struct set sets[SETS];
};

int stoa_address_rates_create(struct stoa_address_rates **out_rates) {
  struct stoa_address_rates *rates = stoa_calloc(1, sizeof *rates);
  if (rates == NULL) {
    return STOA_E_MEMORY;
  }
  int status = stoa_random_pooled(rates->seed, sizeof rates->seed);
  while (status == STOA_OK && rates->set_count < SETS) {
    status = pthread_mutex_init(&rates->sets[rates->set_count].mutex, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
    rates->set_count += status == STOA_OK ? 1 : 0;
  }
  if (status != STOA_OK) {
    stoa_address_rates_destroy(rates);
    return status;
  }
  *out_rates = rates;
  return STOA_OK;
}

void stoa_address_rates_destroy(struct stoa_address_rates *rates) {
  for (uint32_t i = 0; rates != NULL && i < rates->set_count; i++) {
    pthread_mutex_destroy(&rates->sets[i].mutex);
  }
  stoa_free(rates);
}

/* The way of an address, or the one that was unused for the longest time. With the set's mutex. */
static struct address *way_of(struct set *set, const struct stoa_peer *key, uint8_t kind, uint32_t now_ms) {
  struct address *oldest = &set->ways[0];
  for (size_t i = 0; i < WAYS; i++) {
    struct address *way = &set->ways[i];
    if (way->used && way->kind == kind && memcmp(way->key.bytes, key->bytes, sizeof key->bytes) == 0) {
      return way;
    }
    if (oldest->used && (!way->used || now_ms - way->rate.at_ms > now_ms - oldest->rate.at_ms)) {
      oldest = way;
    }
  }
  *oldest = (struct address){.key = *key, .kind = kind, .used = true};
  return oldest;
}

static bool is_exempt(const struct stoa_settings *settings, const struct stoa_peer *peer) {
  bool is_local = stoa_peer_is_local(peer);
  return (is_local && !settings->limits.limit_loopback) || stoa_networks_contain(&settings->trusted_proxies, peer);
}

uint32_t stoa_address_rates_take(struct stoa_address_rates *rates, const struct stoa_address_message *message,
                                 const struct stoa_rate_limits *limits, uint32_t now_ms) {
  if (!stoa_rate_is_limited(limits) || is_exempt(message->settings, message->peer)) {
    return 0;
  }
  struct stoa_peer key = stoa_peers_key(message->peer);
  uint64_t hash = stoa_siphash13(rates->seed, stoa_bytes_make(key.bytes, sizeof key.bytes));
  struct set *set = &rates->sets[hash % SETS];
  pthread_mutex_lock(&set->mutex);
  struct stoa_rate *rate = &way_of(set, &key, (uint8_t)message->kind, now_ms)->rate;
  uint32_t retry_ms = stoa_rate_take(rate, limits, message->bytes, now_ms);
  pthread_mutex_unlock(&set->mutex);
  return retry_ms;
}
