#include "server/call/calls.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/call/conclude.h"
#include "server/http/answer.h"
#include "server/http/exchange.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

/* The limit of one payload. What a session may be sent is limited where it is appended to the output. */

static const struct stoa_error given_up = {
    .code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL"), .message = STOA_STR("the call was dropped")};

enum count { TAKEN, REPLIED, FAILED, DROPPED, TIMEOUTS, ABANDONMENTS, LATE, COUNTS };

_Static_assert(COUNTS <= STOA_PENDING_COUNTS, "an account has a place for each count");

struct stoa_call {
  struct stoa_pending base; /* first */
  const struct stoa_message_type *reply_type;
  const struct stoa_codec *codec;
  uint8_t codec_index;
  bool negotiated;
  const struct stoa_handler_route *rpc; /* of an HTTP request, whose route gives the reply its form */
  struct stoa_question question;
  struct stoa_invocation *invocation; /* NULL: no chain; else in the same allocation */

  /* For a completion that is posted to the worker. */
  enum count outcome;
  uint32_t metric;            /* the outcome of metrics.h of an error */
  struct stoa_buffer payload; /* without data: it could not be encoded, or there is no answer, as for no_reply */
};

/* A call with a chain. */
struct chained_call {
  struct stoa_call call; /* first */
  struct stoa_invocation invocation;
};

/* A reply or an error from the program. */
struct completion {
  enum count outcome;
  const struct stoa_message_type *type;
  const void *message;
};

static struct stoa_call *call_of(struct stoa_pending *pending) {
  return stoa_container_of(pending, struct stoa_call, base);
}

static void count(struct stoa_pending_account *account, enum count what) {
  atomic_fetch_add_explicit(&account->counts[what], 1, memory_order_relaxed);
}

static enum stoa_invocation_end end_of(enum count outcome) {
  return outcome == DROPPED ? STOA_INVOCATION_DROPPED : STOA_INVOCATION_FAILED;
}

/* As long as it is in the session's list it counts towards session_calls_max. */
static struct stoa_session *delist(struct stoa_call *call) {
  struct stoa_session *session = stoa_pending_delist(&call->base);
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(own->call_count > 0);
  own->call_count--;
  return session;
}

/* Streams alone never stop the reading of input: what grants them credit would not be read either. */
static bool has_streams_only(const struct stoa_server_session *own) {
  uint32_t stream_count = 0;
  for (const struct stoa_pending *pending = own->pendings; pending != NULL; pending = pending->next) {
    stream_count += pending->kind->is_stream ? 1 : 0;
  }
  assert(stream_count <= own->call_count);
  return stream_count == own->call_count;
}

bool stoa_calls_may_read(const struct stoa_session *session) {
  const struct stoa_server_session *own = stoa_server_session_of(session);
  return session->state == STOA_SESSION_OPEN &&
         (own->call_count < stoa_worker_of(session)->settings->limits.session_calls_max || has_streams_only(own));
}

/* Call it after the answer: resuming must be the last use of the session. */
static void make_room(struct stoa_session *session) {
  if (stoa_calls_may_read(session)) {
    stoa_stream_resume(&session->stream, STOA_PAUSE_CALLS);
  }
}

/* Ending without the program. */

static void on_timeout(struct stoa_pending *self, struct stoa_session *session) {
  struct stoa_call *call = call_of(self);
  stoa_server_session_of(session)->call_count--;
  count(self->account, TIMEOUTS);
  stoa_log(STOA_LOG_WARN, "a call was not answered in time", STOA_F_STR("handler", call->question.handler));
  stoa_conclude_error(session, &call->question, call->invocation, STOA_INVOCATION_TIMED_OUT, &stoa_answer_timed_out);
  make_room(session);
  stoa_pending_unref(self);
}

static void on_closing(struct stoa_pending *self, struct stoa_session *session, bool is_claimed) {
  stoa_server_session_of(session)->call_count--;
  if (is_claimed) {
    count(self->account, ABANDONMENTS);
  }
  struct stoa_call *call = call_of(self);
  stoa_conclude_abandoned(session, &call->question, call->invocation);
}

static void destroy(struct stoa_pending *self) {
  struct stoa_call *call = call_of(self);
  stoa_buffer_fini(&call->payload);
  stoa_free(call);
}

static const struct stoa_pending_kind call_kind = {NULL, on_timeout, on_closing, destroy, false};

/* Taking. */

static struct stoa_call *allocate(const struct stoa_call_scope *scope) {
  if (scope->invocation == NULL) {
    return stoa_calloc(1, sizeof(struct stoa_call));
  }
  struct chained_call *chained = stoa_calloc(1, sizeof *chained);
  if (chained == NULL) {
    return NULL;
  }
  /* The handler may ask for the trace id after it has taken the call; both must have the same. */
  stoa_invocation_trace_id(scope->invocation);
  stoa_invocation_copy(&chained->invocation, scope->invocation);
  chained->call.invocation = &chained->invocation;
  return &chained->call;
}

static struct stoa_call *make(struct stoa_session *session, const struct stoa_call_scope *scope) {
  struct stoa_call *call = allocate(scope);
  if (call == NULL) {
    return NULL;
  }
  const struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_format *format = &worker->server->formats.items[stoa_server_session_of(session)->format];
  call->reply_type = scope->handler->reply;
  call->codec = format->codec;
  call->codec_index = format->codec_index;
  call->negotiated = stoa_session_negotiated(session);
  if (scope->question->http != NULL) {
    call->rpc = stoa_exchange_rpc(scope->question->http);
    call->codec = &stoa_codec_proto; /* of an error, which becomes JSON on the worker */
    call->codec_index = 0;
  }
  call->question = *scope->question;
  stoa_buffer_init(&call->payload, STOA_ENCODING_BYTES_MAX);
  return call;
}

int stoa_call_take(struct stoa_session *session, struct stoa_call **out_call) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_call_scope *scope = worker->call_scope;
  if (scope == NULL || scope->session != session || scope->handler->reply == NULL || scope->handler->is_stream) {
    return STOA_E_ARGUMENT;
  }
  if (scope->taken) {
    return STOA_E_EXISTS;
  }
  if (!stoa_question_is_open(session, scope->question)) {
    return STOA_E_CLOSED;
  }
  struct stoa_server_session *own = stoa_server_session_of(session);
  struct stoa_call *call = make(session, scope);
  if (call == NULL) {
    return STOA_E_MEMORY;
  }
  int status = scope->question->http == NULL ? STOA_OK : stoa_exchange_keep(scope->question->http);
  assert(status == STOA_OK); /* it waits, and its handler runs or it is kept */
  (void)status;
  scope->taken = true;
  stoa_pending_begin(&call->base, &call_kind, session);
  own->call_count++;
  count(call->base.account, TAKEN);
  if (session->state == STOA_SESSION_OPEN && own->call_count >= worker->settings->limits.session_calls_max) {
    stoa_stream_pause(&session->stream, STOA_PAUSE_CALLS);
  }
  *out_call = call;
  return STOA_OK;
}

/* Completing. */

/* Complete on the session's worker. Releases both references. */
static int answer(struct stoa_call *call, const struct completion *completion) {
  struct stoa_session *session = delist(call);
  int status = STOA_OK;
  count(call->base.account, completion->outcome);
  if (completion->outcome == REPLIED) {
    struct stoa_outgoing outgoing = {.message_type = completion->type, .message = completion->message};
    status = stoa_conclude_reply(session, &call->question, call->invocation, &outgoing);
  } else {
    status = stoa_conclude_error(session, &call->question, call->invocation, end_of(completion->outcome),
                                 completion->message);
  }
  make_room(session);
  stoa_pending_unref(&call->base);
  stoa_pending_unref(&call->base);
  return status;
}

/* Answer with what another thread encoded. */
static void answer_encoded(struct stoa_call *call, struct stoa_session *session) {
  struct stoa_bytes payload = {call->payload.data, call->payload.len};
  if (call->outcome == REPLIED && call->question.no_reply) {
    stoa_conclude_done(session, &call->question, call->invocation);
  } else if (payload.data == NULL) {
    stoa_conclude_error(session, &call->question, call->invocation, end_of(call->outcome), &stoa_answer_internal);
  } else if (call->outcome == REPLIED) {
    struct stoa_outgoing outgoing = {.message_type = call->reply_type};
    outgoing.payloads[call->codec_index] = payload;
    int ignored = stoa_conclude_reply(session, &call->question, call->invocation, &outgoing);
    (void)ignored;
  } else {
    stoa_conclude_encoded_error(session, &call->question, call->invocation, end_of(call->outcome),
                                &(struct stoa_encoded_error){payload, call->codec, call->metric});
  }
}

/* Handle a completion from another thread. */
static void arrive(struct stoa_post *post) {
  struct stoa_call *call = call_of(stoa_container_of(post, struct stoa_pending, post));
  assert(atomic_load(&call->base.state) == STOA_PENDING_COMPLETED);
  if (call->base.session == NULL) {
    count(call->base.account, ABANDONMENTS);
    stoa_pending_unref(&call->base);
    return;
  }
  struct stoa_session *session = delist(call);
  struct stoa_arena *arena = stoa_session_arena(session);
  count(call->base.account, call->outcome);
  answer_encoded(call, session);
  make_room(session);
  stoa_arena_reset(arena);
  stoa_pending_unref(&call->base);
  stoa_pending_unref(&call->base);
}

static int encode(struct stoa_call *call, const struct completion *completion) {
  if (completion->outcome == REPLIED && call->question.no_reply) {
    return STOA_OK;
  }
  /* A chain sees the error also when the peer gets none. */
  if (completion->outcome != REPLIED && !call->negotiated && call->invocation == NULL && call->rpc == NULL) {
    return STOA_OK;
  }
  /* An empty message may encode to 0 bytes; its data must not be NULL, which means no payload. */
  int status = stoa_buffer_reserve(&call->payload, 1);
  if (status == STOA_OK && completion->outcome == REPLIED && call->rpc != NULL) {
    status = stoa_http_answer_write(call->rpc, completion->type, completion->message, &call->payload);
  } else if (status == STOA_OK) {
    status = call->codec->encode(completion->type, completion->message, &call->payload);
  }
  if (status != STOA_OK) {
    stoa_buffer_fini(&call->payload);
  }
  return status;
}

/* The post is part of the call, so an answer reaches the worker also without memory. */
static int hand_over(struct stoa_call *call, const struct completion *completion) {
  struct stoa_worker *worker = call->base.account->worker;
  int status = encode(call, completion);
  call->outcome = status == STOA_OK ? completion->outcome : FAILED;
  if (call->outcome != REPLIED) {
    call->metric =
        stoa_server_metrics_outcome(worker->server, status == STOA_OK ? completion->message : &stoa_answer_internal);
  }
  call->base.post.run = arrive;
  stoa_loop_post(worker->loop, &call->base.post);
  return status;
}

/* The call has ended already. */
static int come_late(struct stoa_call *call, enum stoa_pending_state state) {
  assert(state != STOA_PENDING_COMPLETED); /* completed twice */
  count(call->base.account, LATE);
  return state == STOA_PENDING_TIMED_OUT ? STOA_E_TIMEOUT : STOA_E_CLOSED;
}

static int complete(struct stoa_call *call, const struct completion *completion) {
  struct stoa_pending_account *account = call->base.account;
  enum stoa_pending_state state;
  int status;
  bool claimed = stoa_pending_enter(&call->base, &state);
  if (!claimed) {
    status = come_late(call, state);
  } else if (stoa_worker_current() == account->worker) {
    status = answer(call, completion);
  } else {
    status = hand_over(call, completion);
  }
  stoa_pending_leave(account);
  if (!claimed) {
    stoa_pending_unref(&call->base); /* may free the account too */
  }
  return status;
}

int stoa_call_reply(struct stoa_call *call, const struct stoa_message_type *type, const void *reply) {
  assert(type == call->reply_type);
  assert(reply != NULL);
  return complete(call, &(struct completion){REPLIED, type, reply});
}

int stoa_call_fail(struct stoa_call *call, const struct stoa_error *error) {
  assert(error != NULL);
  assert(error != STOA_LATER);
  return complete(call, &(struct completion){FAILED, &stoa_error_type, error});
}

void stoa_call_drop(struct stoa_call *call) {
  if (call != NULL) {
    int ignored = complete(call, &(struct completion){DROPPED, &stoa_error_type, &given_up});
    (void)ignored;
  }
}

bool stoa_call_waits(const struct stoa_call *call) {
  return stoa_pending_waits(&call->base);
}

const struct stoa_uuid *stoa_call_session_id(const struct stoa_call *call) {
  return &call->base.session_id;
}

/* Counts. */

static uint64_t sum(const struct stoa_server *server, enum count what) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    const struct stoa_pending_account *account = server->workers[i].pendings.account;
    total += account == NULL ? 0 : atomic_load_explicit(&account->counts[what], memory_order_relaxed);
  }
  return total;
}

void stoa_server_call_counts(const struct stoa_server *server, struct stoa_call_counts *out_counts) {
  /* Read TAKEN first: otherwise calls that begin and end meanwhile would make `outstanding` too large. */
  uint64_t taken = sum(server, TAKEN);
  struct stoa_call_counts counts = {
      .replied = sum(server, REPLIED),
      .failed = sum(server, FAILED),
      .dropped = sum(server, DROPPED),
      .timed_out = sum(server, TIMEOUTS),
      .abandoned = sum(server, ABANDONMENTS),
      .late = sum(server, LATE),
  };
  uint64_t ended = counts.replied + counts.failed + counts.dropped + counts.timed_out + counts.abandoned;
  counts.outstanding = taken > ended ? taken - ended : 0;
  counts.taken = ended + counts.outstanding;
  *out_counts = counts;
}
