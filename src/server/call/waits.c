/* server/call/waits.c: messages that wait for a decision of a middleware (stoa/middleware.h).
 *
 * A session has at most one: its input is paused meanwhile. So what is kept is bounded by message_bytes_max a session.
 */
#include "server/call/waits.h"
#include "base/container.h"
#include "base/memory.h"
#include "server/call/conclude.h"
#include "server/http/exchange.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

#define ERROR_BYTES_MAX (64u * 1024)

enum decision { GO_ON, STOP, STOP_UNSAID };

struct stoa_wait {
  struct stoa_pending base; /* first */
  struct stoa_invocation invocation;
  bool is_kept;             /* `before` has returned, and the invocation is here */
  enum decision decision;   /* of the program */
  struct stoa_buffer error; /* the program's, as Protobuf */
  size_t payload_len;
  uint8_t payload[];
};

static struct stoa_wait *wait_of(struct stoa_pending *pending) {
  return stoa_container_of(pending, struct stoa_wait, base);
}

/* The session's input goes on, unless the message waits again. It must be the last use of the session. */
static void read_on(struct stoa_session *session) {
  if (session->state == STOA_SESSION_OPEN && !stoa_server_session_of(session)->is_waiting) {
    stoa_stream_resume(&session->stream, STOA_PAUSE_MIDDLEWARE);
  }
}

static struct stoa_session *delist(struct stoa_wait *wait) {
  struct stoa_session *session = stoa_pending_delist(&wait->base);
  stoa_server_session_of(session)->is_waiting = false;
  return session;
}

static void stop(struct stoa_wait *wait, enum stoa_invocation_end end, const struct stoa_error *error) {
  const struct stoa_invocation *invocation = &wait->invocation;
  int ignored = stoa_conclude_error(invocation->session, &invocation->question, &wait->invocation, end, error);
  (void)ignored;
}

/* Ending without the program. */

static void on_timeout(struct stoa_pending *self, struct stoa_session *session) {
  struct stoa_wait *wait = wait_of(self);
  assert(wait->is_kept);
  stoa_server_session_of(session)->is_waiting = false;
  stoa_log(STOA_LOG_WARN, "a middleware did not decide in time",
           STOA_F_STR("operation", stoa_invocation_operation(&wait->invocation)));
  stop(wait, STOA_INVOCATION_TIMED_OUT, &stoa_answer_timed_out);
  read_on(session);
  stoa_pending_unref(self);
}

static void on_closing(struct stoa_pending *self, struct stoa_session *session, bool is_claimed) {
  struct stoa_wait *wait = wait_of(self);
  (void)is_claimed;
  stoa_server_session_of(session)->is_waiting = false;
  if (wait->is_kept) {
    stoa_conclude_abandoned(session, &wait->invocation.question, &wait->invocation);
  }
}

static void destroy(struct stoa_pending *self) {
  struct stoa_wait *wait = wait_of(self);
  stoa_buffer_fini(&wait->error);
  stoa_free(wait);
}

static const struct stoa_pending_kind wait_kind = {NULL, on_timeout, on_closing, destroy, false};

/* Beginning. */

int stoa_invocation_wait(struct stoa_invocation *invocation, struct stoa_wait **out_wait) {
  struct stoa_session *session = invocation->session;
  if (!invocation->is_before) {
    return STOA_E_ARGUMENT;
  }
  if (invocation->wait != NULL) {
    return STOA_E_EXISTS;
  }
  struct stoa_http_exchange *http = invocation->question.http;
  if (!stoa_question_is_open(session, &invocation->question)) {
    return STOA_E_CLOSED;
  }
  struct stoa_bytes payload = invocation->payload;
  struct stoa_server_session *own = stoa_server_session_of(session);
  struct stoa_wait *wait = stoa_calloc(1, sizeof *wait + payload.len);
  if (wait == NULL) {
    return STOA_E_MEMORY;
  }
  int status = http == NULL ? STOA_OK : stoa_exchange_keep(http);
  assert(status == STOA_OK); /* it waits, and its handler runs or it is kept */
  (void)status;
  assert(!own->is_waiting);
  stoa_buffer_init(&wait->error, ERROR_BYTES_MAX);
  wait->payload_len = payload.len;
  if (payload.len > 0) {
    memcpy(wait->payload, payload.data, payload.len);
  }
  stoa_pending_begin(&wait->base, &wait_kind, session);
  own->is_waiting = true;
  invocation->wait = wait;
  if (http == NULL) { /* the next HTTP request waits for the answer to this one anyway */
    stoa_stream_pause(&session->stream, STOA_PAUSE_MIDDLEWARE);
  }
  *out_wait = wait;
  return STOA_OK;
}

void stoa_wait_keep(const struct stoa_invocation *invocation) {
  struct stoa_wait *wait = invocation->wait;
  assert(wait != NULL);
  assert(!wait->is_kept);
  assert(stoa_question_is_open(invocation->session, &invocation->question));
  stoa_invocation_copy(&wait->invocation, invocation);
  wait->is_kept = true;
}

bool stoa_invocation_waits(const struct stoa_wait *wait) {
  return stoa_pending_waits(&wait->base);
}

/* Going on. */

static void stop_as_decided(struct stoa_wait *wait, struct stoa_arena *arena) {
  struct stoa_error *error = wait->decision == STOP ? stoa_arena_calloc(arena, sizeof *error) : NULL;
  struct stoa_bytes payload = {wait->error.data, wait->error.len};
  struct stoa_codec_error ignored;
  bool is_read = error != NULL && stoa_codec_proto.decode(&stoa_error_type, payload, arena, error, &ignored) == STOA_OK;
  stop(wait, STOA_INVOCATION_STOPPED, is_read ? error : &stoa_answer_internal);
}

static void arrive(struct stoa_post *post) {
  struct stoa_wait *wait = wait_of(stoa_container_of(post, struct stoa_pending, post));
  assert(atomic_load(&wait->base.state) == STOA_PENDING_COMPLETED);
  if (wait->base.session == NULL) {
    stoa_pending_unref(&wait->base);
    return;
  }
  assert(wait->is_kept);
  struct stoa_session *session = delist(wait);
  struct stoa_worker *worker = stoa_worker_of(session);
  if (wait->decision == GO_ON) {
    wait->invocation.passed++;
    worker->on_resumed(&wait->invocation, (struct stoa_bytes){wait->payload, wait->payload_len});
  } else {
    stop_as_decided(wait, worker->arena);
  }
  read_on(session);
  stoa_arena_reset(worker->arena);
  stoa_pending_unref(&wait->base);
  stoa_pending_unref(&wait->base);
}

/* Protobuf, because a session's codec may not be able to write what the program gives. */
static int keep_error(struct stoa_wait *wait, const struct stoa_error *error) {
  if (error == NULL) {
    wait->decision = GO_ON;
    return STOA_OK;
  }
  int status = stoa_codec_proto.encode(&stoa_error_type, error, &wait->error);
  wait->decision = status == STOA_OK ? STOP : STOP_UNSAID;
  return status;
}

int stoa_invocation_resume(struct stoa_wait *wait, const struct stoa_error *error) {
  struct stoa_pending_account *account = wait->base.account;
  enum stoa_pending_state state;
  int status;
  assert(error != STOA_LATER);
  bool claimed = stoa_pending_enter(&wait->base, &state);
  if (claimed) {
    status = keep_error(wait, error);
    wait->base.post.run = arrive;
    stoa_loop_post(account->worker->loop, &wait->base.post);
  } else {
    assert(state != STOA_PENDING_COMPLETED); /* resumed twice */
    status = state == STOA_PENDING_TIMED_OUT ? STOA_E_TIMEOUT : STOA_E_CLOSED;
  }
  stoa_pending_leave(account);
  if (!claimed) {
    stoa_pending_unref(&wait->base); /* may free the account too */
  }
  return status;
}
