/* server/middleware_rate.c: token buckets for the messages of a selector (stoa/middleware.h).
 *
 * A session's buckets are in its account. Those of addresses are in a table of sets, which all workers share: an
 * address has one set, whose mutex is held for a few instructions.
 */
#include "base/array.h"
#include "base/siphash.h"
#include "base/sys.h"
#include "server/middleware_own.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/error.stoa.h>

#define SETS 512u
#define WAYS 8u
#define EXCESS_DEFAULT 40u

struct address {
  struct stoa_peer key;
  bool used;
  struct stoa_rate rate;
};

struct set {
  pthread_mutex_t mutex;
  struct address ways[WAYS];
};

struct rate_limit {
  struct stoa_rate_limits session, address;
  uint32_t index; /* which limiter of the server this is: its place in the sessions' accounts */
  uint64_t seed[2];
  uint32_t set_count; /* whose mutexes exist */
  struct set sets[SETS];
};

/* The way of an address, or the one that was unused for the longest time. With the set's mutex. */
static struct address *way_of(struct set *set, const struct stoa_peer *key, uint32_t now_ms) {
  struct address *oldest = &set->ways[0];
  for (size_t i = 0; i < WAYS; i++) {
    struct address *way = &set->ways[i];
    if (way->used && memcmp(way->key.bytes, key->bytes, sizeof key->bytes) == 0) {
      return way;
    }
    if (oldest->used && (!way->used || now_ms - way->rate.at_ms > now_ms - oldest->rate.at_ms)) {
      oldest = way;
    }
  }
  *oldest = (struct address){.key = *key, .used = true};
  return oldest;
}

/* When the address may send again, in milliseconds; 0: now. */
static uint32_t take_of_address(struct rate_limit *own, const struct stoa_session *session, uint32_t now_ms) {
  const struct stoa_peer *peer = stoa_server_session_client(stoa_server_session_of(session));
  const struct stoa_server *server = stoa_worker_of(session)->server;
  bool is_local = stoa_peer_is_local(peer);
  if (!stoa_rate_is_limited(&own->address) || (is_local && !server->limits.limit_loopback)) {
    return 0;
  }
  struct stoa_peer key = stoa_peers_key(peer);
  uint64_t hash = stoa_siphash13(own->seed, stoa_bytes_make(key.bytes, sizeof key.bytes));
  struct set *set = &own->sets[hash % SETS];
  pthread_mutex_lock(&set->mutex);
  uint32_t retry_ms = stoa_rate_take(&way_of(set, &key, now_ms)->rate, &own->address, 0, now_ms);
  pthread_mutex_unlock(&set->mutex);
  return retry_ms;
}

static const struct stoa_error *refuse(struct stoa_session *session, uint32_t retry_ms) {
  struct stoa_error *error = stoa_arena_calloc(stoa_session_arena(session), sizeof *error);
  if (error == NULL) {
    return stoa_session_error(session, STOA_ERROR_RATE, "TOO_MANY_REQUESTS", NULL);
  }
  error->code = STOA_ERROR_RATE;
  error->reason = stoa_string_of("TOO_MANY_REQUESTS");
  error->message = stoa_string_of("more than the rate of this operation allows");
  error->temporary = true;
  error->retry_ms = retry_ms;
  return error;
}

/* The session's buckets of this limiter; NULL without memory. */
static struct stoa_rate *rate_of(const struct rate_limit *own, struct stoa_session *session) {
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  if (account != NULL && account->rates == NULL) {
    account->rates = stoa_calloc(stoa_worker_of(session)->server->rate_limiter_count, sizeof *account->rates);
  }
  return account == NULL || account->rates == NULL ? NULL : &account->rates[own->index];
}

static const struct stoa_error *limit(void *user, struct stoa_invocation *invocation) {
  struct rate_limit *own = user;
  struct stoa_session *session = stoa_invocation_session(invocation);
  uint32_t now_ms = stoa_stream_now32(&session->stream);
  struct stoa_rate *rate = rate_of(own, session);
  if (rate == NULL) {
    return NULL; /* no memory for the counters */
  }
  uint32_t retry_ms = stoa_rate_take(rate, &own->session, 0, now_ms);
  if (retry_ms == 0) {
    retry_ms = take_of_address(own, session, now_ms);
    if (retry_ms > 0) {
      stoa_rate_count_excess(rate, now_ms);
    }
  }
  if (retry_ms == 0) {
    return NULL;
  }
  const struct stoa_error *error = refuse(session, retry_ms);
  if (stoa_rate_is_abused(rate, &own->session)) {
    int ignored = stoa_answer_error(session, &invocation->question, error);
    (void)ignored;
    stoa_session_close(session, STOA_CLOSE_RATE, "too many messages");
  }
  return error;
}

static void destroy(void *user) {
  struct rate_limit *own = user;
  for (uint32_t i = 0; own != NULL && i < own->set_count; i++) {
    pthread_mutex_destroy(&own->sets[i].mutex);
  }
  stoa_free(own);
}

static struct stoa_rate_limits limits_of(uint32_t per_s, uint32_t burst, uint32_t excess_max) {
  uint32_t twice = per_s > UINT32_MAX / 2 ? UINT32_MAX : per_s * 2;
  return (struct stoa_rate_limits){.messages_per_s = per_s,
                                   .messages_burst = burst == 0 ? twice : burst,
                                   .excess_max = excess_max == 0 ? EXCESS_DEFAULT : excess_max};
}

static int init(struct rate_limit *own, const struct stoa_rate_limit_options *options, uint32_t index) {
  own->session = limits_of(options->session_per_s, options->session_burst, options->excess_max);
  own->address = limits_of(options->address_per_s, options->address_burst, options->excess_max);
  own->index = index;
  int status = stoa_random_pooled(own->seed, sizeof own->seed);
  while (status == STOA_OK && own->set_count < SETS) {
    status = pthread_mutex_init(&own->sets[own->set_count].mutex, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
    own->set_count += status == STOA_OK ? 1 : 0;
  }
  return status;
}

int stoa_server_use_rate_limit(struct stoa_server *server, const struct stoa_selector *selector,
                               const struct stoa_rate_limit_options *options) {
  if (options == NULL || (options->session_per_s == 0 && options->address_per_s == 0)) {
    return STOA_E_ARGUMENT;
  }
  struct rate_limit *own = stoa_calloc(1, sizeof *own);
  int status = own == NULL ? STOA_E_MEMORY : init(own, options, server->rate_limiter_count);
  if (status != STOA_OK) {
    destroy(own);
    return status;
  }
  const struct stoa_middleware middleware = {.name = "rate", .before = limit, .user = own, .destroy = destroy};
  status = stoa_middleware_own(server, selector, &middleware);
  if (status == STOA_OK) {
    server->rate_limiter_count++;
    assert(server->rate_limiter_count <= STOA_MIDDLEWARES_MAX);
  }
  return status;
}
