/* server/http/exchange_state.c: the state, the references, the events and the counts of exchanges. */
#include "base/memory.h"
#include "server/http/exchange_private.h"

#include <assert.h>
#include <sched.h>

/* Counts and references. */

void stoa_exchange_count(struct stoa_exchange_account *account, enum stoa_exchange_count what) {
  atomic_fetch_add_explicit(&account->counts[what], 1, memory_order_relaxed);
}

static void unref_account(struct stoa_exchange_account *account) {
  if (account == NULL) {
    return;
  }
  unsigned before = atomic_fetch_sub(&account->refs, 1);
  assert(before > 0);
  if (before == 1) {
    stoa_free(account);
  }
}

void stoa_exchange_ref(struct stoa_http_exchange *exchange) {
  atomic_fetch_add(&exchange->refs, 1);
}

void stoa_exchange_unref(struct stoa_http_exchange *exchange) {
  unsigned before = atomic_fetch_sub(&exchange->refs, 1);
  assert(before > 0);
  if (before == 1) {
    assert(exchange->stream == NULL);
    assert(exchange->source == NULL);
    assert(exchange->body_counted == 0);
    stoa_exchange_answer_fini(&exchange->answer);
    stoa_free(exchange->request);
    unref_account(exchange->account);
    stoa_free(exchange);
  }
}

void stoa_exchange_free_request(struct stoa_http_exchange *exchange) {
  bool is_over = exchange->is_sent || exchange->stream == NULL;
  if (is_over && !exchange->is_handling && !exchange->is_held) {
    stoa_free(exchange->request);
    exchange->request = NULL;
  }
}

void stoa_exchange_hold(struct stoa_http_exchange *exchange) {
  assert(!exchange->is_held);
  atomic_fetch_add(&exchange->refs, 1);
  exchange->is_held = true;
}

void stoa_exchange_release(struct stoa_http_exchange *exchange) {
  assert(exchange->is_held);
  exchange->is_held = false;
  stoa_exchange_free_request(exchange);
  stoa_exchange_unref(exchange);
}

bool stoa_exchange_claim(struct stoa_http_exchange *exchange, enum stoa_exchange_state from,
                         enum stoa_exchange_state to, int *out_state) {
  *out_state = (int)from;
  return atomic_compare_exchange_strong(&exchange->state, out_state, (int)to);
}

/* Events. */

static void on_event_due(struct stoa_deferred *deferred) {
  struct stoa_http_exchange *exchange = stoa_container_of(deferred, struct stoa_http_exchange, event);
  exchange->is_event_due = false;
  exchange->has_event = false;
  if (exchange->stream == NULL) {
    stoa_http_stream_event *on_event = exchange->on_event;
    exchange->on_event = NULL; /* the last call */
    on_event(exchange->event_context, exchange, STOA_E_CLOSED);
  } else if (atomic_load(&exchange->state) == STOA_EXCHANGE_STREAMING) {
    exchange->on_event(exchange->event_context, exchange, STOA_OK);
  }
  stoa_exchange_unref(exchange);
}

void stoa_exchange_tell(struct stoa_http_exchange *exchange) {
  if (exchange->is_event_due || exchange->on_event == NULL) {
    return;
  }
  exchange->is_event_due = true;
  exchange->event.run = on_event_due;
  atomic_fetch_add(&exchange->refs, 1);
  stoa_loop_defer(exchange->account->worker->loop, &exchange->event);
}

/* A worker's. */

int stoa_exchanges_init(struct stoa_worker *worker) {
  struct stoa_exchange_account *account = stoa_calloc(1, sizeof *account);
  if (account == NULL) {
    return STOA_E_MEMORY;
  }
  account->worker = worker;
  atomic_init(&account->refs, 1);
  worker->exchanges = account;
  return STOA_OK;
}

void stoa_exchanges_wait(struct stoa_worker *worker) {
  /* Short: it waits for a copy at most, and only when the program answers while it destroys the server. */
  while (worker->exchanges != NULL && atomic_load(&worker->exchanges->answering) > 0) {
    sched_yield();
  }
}

void stoa_exchanges_fini(struct stoa_worker *worker) {
  unref_account(worker->exchanges);
  worker->exchanges = NULL;
}

static uint64_t sum(const struct stoa_server *server, enum stoa_exchange_count what) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    const struct stoa_exchange_account *account = server->workers[i].exchanges;
    total += account == NULL ? 0 : atomic_load_explicit(&account->counts[what], memory_order_relaxed);
  }
  return total;
}

void stoa_server_http_counts(const struct stoa_server *server, struct stoa_http_counts *out_counts) {
  /* Read BEGUN first: otherwise requests that begin and end meanwhile would make `outstanding` too large. */
  uint64_t begun = sum(server, STOA_EXCHANGE_BEGUN);
  struct stoa_http_counts counts = {
      .answered = sum(server, STOA_EXCHANGE_ANSWERED),
      .dropped = sum(server, STOA_EXCHANGE_DROPPED),
      .timed_out = sum(server, STOA_EXCHANGE_TIMEOUTS),
      .gone = sum(server, STOA_EXCHANGE_LOST),
      .late = sum(server, STOA_EXCHANGE_LATE),
  };
  uint64_t ended = counts.answered + counts.dropped + counts.timed_out + counts.gone;
  counts.outstanding = begun > ended ? begun - ended : 0;
  counts.begun = ended + counts.outstanding;
  *out_counts = counts;
}
