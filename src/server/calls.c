#include "server/calls.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/answer.h"
#include "server/server_private.h"

#include <assert.h>
#include <sched.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

/* The limit of one payload. What a session may be sent is limited where it is appended to the output. */

const struct stoa_error stoa_later = {.reason = STOA_STR("LATER")};

static const struct stoa_error timed_out = {.code = STOA_ERROR_UNAVAILABLE,
                                            .reason = STOA_STR("TIMEOUT"),
                                            .message = STOA_STR("no answer in time"),
                                            .temporary = true};
static const struct stoa_error given_up = {
    .code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL"), .message = STOA_STR("the call was dropped")};

static const struct stoa_error unsaid = {.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL")};

/* The state of a call; it leaves WAITING once. */
enum call_state { WAITING, COMPLETED, TIMED_OUT, ABANDONED };

enum count { TAKEN, REPLIED, FAILED, DROPPED, TIMEOUTS, ABANDONMENTS, LATE, COUNTS };

/* One worker's. */
struct stoa_call_account {
  struct stoa_worker *worker; /* valid while one of its calls is WAITING, or a completion is counted below */
  atomic_uint refs;           /* one of the worker, one of each call */
  atomic_uint completing;     /* completions in progress, which may still use the server */
  _Atomic(uint64_t) counts[COUNTS];
};

struct stoa_call {
  struct stoa_post post;
  atomic_int state; /* enum call_state */
  atomic_uint refs;
  struct stoa_call_account *account;
  struct stoa_uuid session_id;
  const struct stoa_message_type *reply_type;
  const struct stoa_codec *codec;
  uint8_t codec_index;
  bool negotiated;
  struct stoa_question question;

  /* The worker's thread only. */
  struct stoa_session *session; /* NULL when it is no longer in a session's list */
  struct stoa_call *next, **link;
  struct stoa_call *older, *newer; /* by deadline */
  uint64_t due_ms;
  bool queued;

  /* For a completion that is posted to the worker. */
  enum count outcome;
  struct stoa_buffer payload; /* without data: it could not be encoded, or there is no answer */
};

/* A reply or an error from the program. */
struct completion {
  enum count outcome;
  const struct stoa_message_type *type;
  const void *message;
};

static void count(struct stoa_call_account *account, enum count what) {
  atomic_fetch_add_explicit(&account->counts[what], 1, memory_order_relaxed);
}

static void unref_account(struct stoa_call_account *account) {
  if (account == NULL) {
    return;
  }
  unsigned before = atomic_fetch_sub(&account->refs, 1);
  assert(before > 0);
  if (before == 1) {
    stoa_free(account);
  }
}

static void unref(struct stoa_call *call) {
  unsigned before = atomic_fetch_sub(&call->refs, 1);
  assert(before > 0);
  if (before == 1) {
    assert(call->session == NULL);
    assert(!call->queued);
    stoa_buffer_fini(&call->payload);
    unref_account(call->account);
    stoa_free(call);
  }
}

/* True when this caller ends the call. If not, *out_state says how it ended before. */
static bool claim(struct stoa_call *call, enum call_state to, int *out_state) {
  assert(to != WAITING);
  *out_state = WAITING;
  return atomic_compare_exchange_strong(&call->state, out_state, (int)to);
}

/* The two lists. */

static void queue_up(struct stoa_calls *calls, struct stoa_call *call) {
  assert(!call->queued);
  assert(calls->newest == NULL || calls->newest->due_ms <= call->due_ms);
  call->older = calls->newest;
  *(calls->newest == NULL ? &calls->oldest : &calls->newest->newer) = call;
  calls->newest = call;
  call->queued = true;
}

static void unqueue(struct stoa_calls *calls, struct stoa_call *call) {
  if (!call->queued) {
    return;
  }
  *(call->older == NULL ? &calls->oldest : &call->older->newer) = call->newer;
  *(call->newer == NULL ? &calls->newest : &call->newer->older) = call->older;
  call->older = NULL;
  call->newer = NULL;
  call->queued = false;
}

static void enlist(struct stoa_session *session, struct stoa_session_account *account, struct stoa_call *call) {
  assert(call->session == NULL);
  call->session = session;
  call->next = account->calls;
  call->link = &account->calls;
  if (call->next != NULL) {
    call->next->link = &call->next;
  }
  account->calls = call;
  account->call_count++;
}

/* Remove it from both lists; the caller takes over the worker's reference. */
static struct stoa_session *delist(struct stoa_call *call) {
  struct stoa_session *session = call->session;
  assert(session != NULL);
  struct stoa_session_account *account = stoa_server_session_of(session)->account;
  assert(account->call_count > 0);
  unqueue(&stoa_worker_of(session)->calls, call);
  *call->link = call->next;
  if (call->next != NULL) {
    call->next->link = call->link;
  }
  call->session = NULL;
  account->call_count--;
  return session;
}

/* Call it after the answer: resuming must be the last use of the session. */
static void make_room(struct stoa_session *session) {
  const struct stoa_session_account *account = stoa_server_session_of(session)->account;
  if (account->call_count < stoa_worker_of(session)->server->limits.session_calls_max) {
    stoa_stream_resume(&session->stream, STOA_PAUSE_CALLS);
  }
}

/* Taking. */

static struct stoa_call *make(struct stoa_session *session, const struct stoa_call_scope *scope) {
  struct stoa_call *call = stoa_calloc(1, sizeof *call);
  if (call == NULL) {
    return NULL;
  }
  struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_format *format = &worker->server->formats.items[stoa_server_session_of(session)->format];
  atomic_init(&call->state, WAITING);
  atomic_init(&call->refs, 2);
  call->account = worker->calls.account;
  atomic_fetch_add_explicit(&call->account->refs, 1, memory_order_relaxed);
  call->session_id = session->id;
  call->reply_type = scope->handler->reply;
  call->codec = format->codec;
  call->codec_index = format->codec_index;
  call->negotiated = stoa_session_negotiated(session);
  call->question = (struct stoa_question){scope->handler->type, true, scope->id, scope->handler->name};
  stoa_buffer_init(&call->payload, STOA_ENCODING_BYTES_MAX);
  return call;
}

static void start_clock(struct stoa_worker *worker, struct stoa_call *call) {
  uint32_t timeout_ms = worker->server->limits.call_timeout_ms;
  call->due_ms = stoa_loop_now_ms(worker->loop) + timeout_ms;
  if (worker->calls.oldest == NULL) {
    stoa_loop_timer_start(worker->loop, &worker->calls.timeout, timeout_ms);
  }
  queue_up(&worker->calls, call);
}

int stoa_call_take(struct stoa_session *session, struct stoa_call **out_call) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_call_scope *scope = worker->calls.scope;
  if (scope == NULL || scope->session != session || scope->handler->reply == NULL) {
    return STOA_E_ARGUMENT;
  }
  if (scope->taken) {
    return STOA_E_EXISTS;
  }
  if (session->state != STOA_SESSION_OPEN) {
    return STOA_E_CLOSED;
  }
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  struct stoa_call *call = account == NULL ? NULL : make(session, scope);
  if (call == NULL) {
    return STOA_E_MEMORY;
  }
  scope->taken = true;
  enlist(session, account, call);
  start_clock(worker, call);
  count(call->account, TAKEN);
  if (account->call_count >= worker->server->limits.session_calls_max) {
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
  count(call->account, completion->outcome);
  if (completion->outcome == REPLIED) {
    struct stoa_outgoing outgoing = {.message_type = completion->type, .message = completion->message};
    status = stoa_answer_reply(session, &call->question, &outgoing);
  } else {
    status = stoa_answer_error(session, &call->question, completion->message);
  }
  make_room(session);
  unref(call);
  unref(call);
  return status;
}

/* Handle a completion from another thread. */
static void arrive(struct stoa_post *post) {
  struct stoa_call *call = stoa_container_of(post, struct stoa_call, post);
  assert(atomic_load(&call->state) == COMPLETED);
  if (call->session == NULL) {
    count(call->account, ABANDONMENTS);
    unref(call);
    return;
  }
  struct stoa_session *session = delist(call);
  struct stoa_bytes payload = {call->payload.data, call->payload.len};
  count(call->account, call->outcome);
  if (payload.data == NULL) {
    stoa_answer_error(session, &call->question, &unsaid);
  } else if (call->outcome == REPLIED) {
    struct stoa_outgoing outgoing = {.message_type = call->reply_type};
    outgoing.payloads[call->codec_index] = payload;
    int ignored = stoa_answer_reply(session, &call->question, &outgoing);
    (void)ignored;
  } else {
    stoa_answer_encoded_error(session, &call->question, payload);
  }
  make_room(session);
  unref(call);
  unref(call);
}

static int encode(struct stoa_call *call, const struct completion *completion) {
  if (completion->outcome != REPLIED && !call->negotiated) {
    return STOA_OK;
  }
  /* An empty message may encode to 0 bytes; its data must not be NULL, which means no payload. */
  int status = stoa_buffer_reserve(&call->payload, 1);
  if (status == STOA_OK) {
    status = call->codec->encode(completion->type, completion->message, &call->payload);
  }
  if (status != STOA_OK) {
    stoa_buffer_fini(&call->payload);
  }
  return status;
}

/* The post is part of the call, so an answer reaches the worker also without memory. */
static int hand_over(struct stoa_call *call, const struct completion *completion) {
  struct stoa_worker *worker = call->account->worker;
  int status = encode(call, completion);
  call->outcome = status == STOA_OK ? completion->outcome : FAILED;
  call->post.run = arrive;
  stoa_loop_post(worker->loop, &call->post);
  return status;
}

/* The call has ended already. */
static int come_late(struct stoa_call *call, int state) {
  assert(state != COMPLETED); /* completed twice */
  count(call->account, LATE);
  return state == TIMED_OUT ? STOA_E_TIMEOUT : STOA_E_CLOSED;
}

static int complete(struct stoa_call *call, const struct completion *completion) {
  struct stoa_call_account *account = call->account;
  int state;
  int status;
  /* Count before the claim: the server's end waits for completions that claimed a call before the sessions ended. */
  atomic_fetch_add(&account->completing, 1);
  bool claimed = claim(call, COMPLETED, &state);
  if (!claimed) {
    status = come_late(call, state);
  } else if (stoa_worker_current() == account->worker) {
    status = answer(call, completion);
  } else {
    status = hand_over(call, completion);
  }
  atomic_fetch_sub(&account->completing, 1);
  if (!claimed) {
    unref(call); /* may free the account too */
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
  return atomic_load_explicit(&call->state, memory_order_relaxed) == WAITING;
}

const struct stoa_uuid *stoa_call_session_id(const struct stoa_call *call) {
  return &call->session_id;
}

/* Ending otherwise. */

static void time_out(struct stoa_calls *calls, struct stoa_call *call) {
  int state;
  unqueue(calls, call);
  if (!claim(call, TIMED_OUT, &state)) {
    return; /* its answer was posted */
  }
  struct stoa_session *session = delist(call);
  count(call->account, TIMEOUTS);
  stoa_log(STOA_LOG_WARN, "a call was not answered in time", STOA_F_STR("handler", call->question.handler));
  stoa_answer_error(session, &call->question, &timed_out);
  make_room(session);
  unref(call);
}

static void on_timeout(struct stoa_timer *timer) {
  struct stoa_calls *calls = stoa_container_of(timer, struct stoa_calls, timeout);
  struct stoa_worker *worker = calls->account->worker;
  uint64_t now_ms = stoa_loop_now_ms(worker->loop);
  while (calls->oldest != NULL && calls->oldest->due_ms <= now_ms) {
    time_out(calls, calls->oldest);
  }
  if (calls->oldest != NULL) {
    stoa_loop_timer_start(worker->loop, timer, calls->oldest->due_ms - now_ms);
  }
}

void stoa_calls_on_closing(struct stoa_session *session) {
  const struct stoa_session_account *account = stoa_server_session_of(session)->account;
  while (account != NULL && account->calls != NULL) {
    struct stoa_call *call = account->calls;
    int state;
    delist(call);
    if (claim(call, ABANDONED, &state)) {
      count(call->account, ABANDONMENTS);
    }
    unref(call);
  }
}

/* A worker's. */

int stoa_calls_init(struct stoa_worker *worker) {
  struct stoa_call_account *account = stoa_calloc(1, sizeof *account);
  if (account == NULL) {
    return STOA_E_MEMORY;
  }
  account->worker = worker;
  atomic_init(&account->refs, 1);
  worker->calls.account = account;
  worker->calls.timeout.on_due = on_timeout;
  return STOA_OK;
}

void stoa_calls_wait_completions(struct stoa_worker *worker) {
  /* Short: it waits for an encoding at most, and only when the program completes calls while it destroys the server. */
  while (worker->calls.account != NULL && atomic_load(&worker->calls.account->completing) > 0) {
    sched_yield();
  }
  assert(worker->calls.oldest == NULL);
  assert(worker->calls.newest == NULL);
  assert(worker->calls.scope == NULL);
}

void stoa_calls_fini(struct stoa_worker *worker) {
  unref_account(worker->calls.account);
  worker->calls.account = NULL;
}

static uint64_t sum(const struct stoa_server *server, enum count what) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    const struct stoa_call_account *account = server->workers[i].calls.account;
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
