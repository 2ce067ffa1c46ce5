/* server/middleware/shedding.c: refuses messages while a worker is overloaded (stoa/middleware.h). */
#include "base/sys.h"
#include "server/middleware/configured.h"
#include "server/middleware/own.h"
#include "server/middleware/shedder.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/error.stoa.h>

#define LAG_MS_DEFAULT 100u
#define NS_PER_MS 1000000u
/* Clients that were refused in one moment come back spread over a second. */
#define RETRY_MS_MIN 500u
#define RETRY_MS_RANGE 1000u

struct shedding {
  bool is_configured; /* its limit is that of the settings */
  uint32_t worker_count;
  struct stoa_shedder shedders[]; /* one for each worker */
};

static struct stoa_shedder *shedder_of(struct shedding *own, const struct stoa_worker *worker) {
  assert(worker->index < own->worker_count);
  return &own->shedders[worker->index];
}

static uint32_t retry_ms(void) {
  uint32_t random = 0;
  int ignored = stoa_random_pooled(&random, sizeof random);
  (void)ignored; /* without random bytes all come back after the shortest time */
  return RETRY_MS_MIN + random % RETRY_MS_RANGE;
}

static const struct stoa_error *refuse(struct stoa_session *session) {
  static const struct stoa_error plain = {.code = STOA_ERROR_UNAVAILABLE,
                                          .reason = STOA_STR("OVERLOADED"),
                                          .message = STOA_STR("the server is overloaded"),
                                          .temporary = true,
                                          .retry_ms = RETRY_MS_MIN + RETRY_MS_RANGE};
  struct stoa_error *error = stoa_arena_alloc(stoa_session_arena(session), sizeof *error);
  if (error == NULL) {
    return &plain;
  }
  *error = plain;
  error->retry_ms = retry_ms();
  return error;
}

/* A reload may turn it off: no lag is too long. */
static uint64_t lag_max_ns(uint32_t lag_ms) {
  return lag_ms == 0 ? UINT64_MAX : (uint64_t)lag_ms * NS_PER_MS;
}

static const struct stoa_error *begin(void *user, struct stoa_invocation *invocation) {
  struct stoa_session *session = stoa_invocation_session(invocation);
  struct stoa_worker *worker = stoa_worker_of(session);
  uint64_t turn_ns = stoa_loop_now_ns(worker->loop);
  uint64_t now_ns = stoa_clock_monotonic_ns(worker->server->clock);
  struct shedding *own = user;
  struct stoa_shedder *shedder = shedder_of(own, worker);
  if (own->is_configured) {
    shedder->lag_max_ns = lag_max_ns(worker->settings->shedding.lag_ms);
  }
  if (stoa_shedder_begin(shedder, turn_ns, now_ns)) {
    if (invocation->handler->is_stream) {
      stoa_shedder_leave_out(shedder);
    }
    return NULL;
  }
  atomic_fetch_add_explicit(&worker->server->shed, 1, memory_order_relaxed);
  return refuse(session);
}

static void end(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  const struct stoa_worker *worker = stoa_worker_of(stoa_invocation_session(invocation));
  (void)error;
  if (invocation->handler->is_stream) {
    return;
  }
  stoa_shedder_end(shedder_of(user, worker), stoa_loop_now_ns(worker->loop), stoa_invocation_start_ns(invocation),
                   stoa_clock_monotonic_ns(worker->server->clock));
}

static int use(struct stoa_server *server, const struct stoa_selector *selector, uint32_t lag_ms, bool is_configured) {
  uint32_t count = server->worker_count;
  struct shedding *own = stoa_calloc(1, sizeof *own + count * sizeof own->shedders[0]);
  if (own != NULL) {
    own->is_configured = is_configured;
    own->worker_count = count;
    for (uint32_t i = 0; i < count; i++) {
      own->shedders[i].lag_max_ns = lag_max_ns(lag_ms);
    }
  }
  const struct stoa_middleware middleware = {
      .name = "shedding", .before = begin, .after = end, .user = own, .destroy = stoa_free};
  return stoa_middleware_own(server, selector, &middleware);
}

int stoa_server_use_shedding(struct stoa_server *server, const struct stoa_selector *selector,
                             const struct stoa_shedding_options *options) {
  return use(server, selector, options == NULL || options->lag_ms == 0 ? LAG_MS_DEFAULT : options->lag_ms, false);
}

int stoa_server_use_configured_shedding(struct stoa_server *server) {
  uint32_t lag_ms = server->settings->shedding.lag_ms;
  return lag_ms == 0 ? STOA_OK : use(server, NULL, lag_ms, true);
}

uint64_t stoa_server_shed_count(const struct stoa_server *server) {
  return atomic_load_explicit(&server->shed, memory_order_relaxed);
}
