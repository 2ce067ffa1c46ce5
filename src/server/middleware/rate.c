/* server/middleware/rate.c: token buckets for the messages of a selector (stoa/middleware.h).
 *
 * A session's buckets are in its account. Those of addresses are in a table that all workers share. HTTP requests have
 * no session: what a session may send is then what an address may, because a client can make connections, and a proxy
 * has one for many clients.
 */
#include "server/middleware/address_rates.h"
#include "server/middleware/own.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/error.stoa.h>

#define EXCESS_DEFAULT 40u

struct rate_limit {
  struct stoa_rate_limits session, address;
  uint32_t index; /* which limiter of the server this is: its place in the sessions' accounts */
  struct stoa_address_rates *addresses;
};

static struct stoa_address_message message_of(const struct stoa_session *session, enum stoa_address_rate kind) {
  return (struct stoa_address_message){.settings = stoa_worker_of(session)->settings,
                                       .peer = stoa_server_session_client(stoa_server_session_of(session)),
                                       .kind = kind};
}

/* When the address may send again, in milliseconds; 0: now. */
static uint32_t take_of_address(struct rate_limit *own, const struct stoa_session *session, uint32_t now_ms) {
  const struct stoa_address_message message = message_of(session, STOA_ADDRESS_RATE_ALL);
  return stoa_address_rates_take(own->addresses, &message, &own->address, now_ms);
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

static const struct stoa_error *limit_request(struct rate_limit *own, struct stoa_session *session, uint32_t now_ms) {
  const struct stoa_address_message message = message_of(session, STOA_ADDRESS_RATE_HTTP);
  uint32_t retry_ms = stoa_address_rates_take(own->addresses, &message, &own->session, now_ms);
  if (retry_ms == 0) {
    retry_ms = take_of_address(own, session, now_ms);
  }
  return retry_ms == 0 ? NULL : refuse(session, retry_ms);
}

static const struct stoa_error *limit(void *user, struct stoa_invocation *invocation) {
  struct rate_limit *own = user;
  struct stoa_session *session = stoa_invocation_session(invocation);
  uint32_t now_ms = stoa_stream_now32(&session->stream);
  if (stoa_session_is_http(session)) {
    return limit_request(own, session, now_ms);
  }
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
  if (own != NULL) {
    stoa_address_rates_destroy(own->addresses);
    stoa_free(own);
  }
}

static struct stoa_rate_limits limits_of(uint32_t per_s, uint32_t burst, uint32_t excess_max) {
  uint32_t twice = per_s > UINT32_MAX / 2 ? UINT32_MAX : per_s * 2;
  return (struct stoa_rate_limits){.messages_per_s = per_s,
                                   .messages_burst = burst == 0 ? twice : burst,
                                   .excess_max = excess_max == 0 ? EXCESS_DEFAULT : excess_max};
}

static int init(struct rate_limit *own, const struct stoa_rate_limit_options *options,
                const struct stoa_server *server) {
  own->session = limits_of(options->session_per_s, options->session_burst, options->excess_max);
  own->address = limits_of(options->address_per_s, options->address_burst, options->excess_max);
  own->index = server->rate_limiter_count;
  return stoa_address_rates_create(&own->addresses);
}

int stoa_server_use_rate_limit(struct stoa_server *server, const struct stoa_selector *selector,
                               const struct stoa_rate_limit_options *options) {
  if (options == NULL || (options->session_per_s == 0 && options->address_per_s == 0)) {
    return STOA_E_ARGUMENT;
  }
  struct rate_limit *own = stoa_calloc(1, sizeof *own);
  int status = own == NULL ? STOA_E_MEMORY : init(own, options, server);
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
