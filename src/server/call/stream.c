#include "server/call/stream.h"

#include "base/memory.h"
#include "server/call/conclude.h"
#include "server/call/stream_private.h"
#include "server/http/exchange.h"
#include "server/http/sse.h"

#include <assert.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

static const struct stoa_error bad_credit = {.code = STOA_ERROR_BAD_REQUEST,
                                             .reason = STOA_STR("BAD_REQUEST"),
                                             .message = STOA_STR("not a cancel, and not credit that can be granted")};
static const struct stoa_error draining = {.code = STOA_ERROR_UNAVAILABLE,
                                           .reason = STOA_STR("DRAINING"),
                                           .message = STOA_STR("the server is going away"),
                                           .temporary = true};

/* Ending without the program. */

/* The client has nothing to grant for: the program sends nothing. */
static bool may_go_on(struct stoa_pending *self) {
  return !atomic_load(&stoa_call_stream_of(self)->wants);
}

static void on_timeout(struct stoa_pending *self, struct stoa_session *session) {
  struct stoa_call_stream *stream = stoa_call_stream_of(self);
  stoa_log(STOA_LOG_WARN, "a stream's client takes nothing", STOA_F_STR("handler", stream->question.handler));
  stoa_call_stream_leave(stream, session, STOA_STREAM_TIMED_OUT);
  stoa_conclude_error(session, &stream->question, stream->invocation, STOA_INVOCATION_TIMED_OUT,
                      &stoa_answer_timed_out);
  stoa_call_stream_release(stream, session);
}

static void on_closing(struct stoa_pending *self, struct stoa_session *session, bool is_claimed) {
  struct stoa_call_stream *stream = stoa_call_stream_of(self);
  (void)is_claimed; /* or the program's end finds nothing to do */
  stoa_call_stream_leave(stream, session, stream->rpc == NULL ? STOA_STREAM_ABANDONED : STOA_STREAM_CANCELLED);
  stoa_conclude_abandoned(session, &stream->question, stream->invocation);
}

static void destroy(struct stoa_pending *self) {
  struct stoa_call_stream *stream = stoa_call_stream_of(self);
  assert(stream->held == NULL);
  assert(stream->on_event == NULL);
  stoa_buffer_fini(&stream->error);
  if (stream->rpc != NULL) {
    stoa_exchange_unref(stream->question.http);
  }
  stoa_free(stream);
}

static const struct stoa_pending_kind stream_kind = {may_go_on, on_timeout, on_closing, destroy, true};

static struct stoa_call_stream *find(struct stoa_session *session, uint32_t type, uint32_t id) {
  struct stoa_pending *self = stoa_server_session_of(session)->pendings;
  for (; self != NULL; self = self->next) {
    struct stoa_call_stream *stream = self->kind->is_stream ? stoa_call_stream_of(self) : NULL;
    if (stream != NULL && stream->question.id == id && stream->question.type == type) {
      return stream;
    }
  }
  return NULL;
}

/* Beginning. */

struct chained_stream {
  struct stoa_call_stream stream; /* first */
  struct stoa_invocation invocation;
};

static struct stoa_call_stream *allocate(struct stoa_invocation *invocation) {
  if (invocation == NULL) {
    return stoa_calloc(1, sizeof(struct stoa_call_stream));
  }
  struct chained_stream *chained = stoa_calloc(1, sizeof *chained);
  if (chained == NULL) {
    return NULL;
  }
  stoa_invocation_copy(&chained->invocation, invocation);
  chained->stream.invocation = &chained->invocation;
  return &chained->stream;
}

static void on_heartbeat(struct stoa_timer *timer) {
  struct stoa_call_stream *stream = stoa_container_of(timer, struct stoa_call_stream, heartbeat);
  assert(!stream->is_finished);
  stoa_loop_timer_start(stream->base.account->worker->loop, timer, STOA_SSE_HEARTBEAT_MS);
  if (!atomic_exchange(&stream->is_active, false)) {
    stoa_sse_heartbeat(stream->question.http);
  }
}

static void init(struct stoa_call_stream *stream, const struct stoa_session *session,
                 const struct stoa_handler *handler, const struct stoa_question *question) {
  const struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_format *format = &worker->server->formats.items[stoa_server_session_of(session)->format];
  stream->item_type = handler->reply;
  stream->codec = format->codec;
  stream->codec_index = format->codec_index;
  stream->question = *question;
  stream->question.began_ns = STOA_UNTIMED; /* how long it lasts says nothing about the server */
  stream->in_handler = true;
  atomic_init(&stream->credit, STOA_CALL_STREAM_WINDOW_BYTES);
  atomic_init(&stream->wants, false);
  atomic_init(&stream->is_full, false);
  atomic_init(&stream->is_active, false);
  stoa_buffer_init(&stream->error, STOA_ENCODING_BYTES_MAX);
  stream->heartbeat.on_due = on_heartbeat;
}

static int check(struct stoa_session *session, const struct stoa_question *question) {
  if (!stoa_question_is_open(session, question)) {
    return STOA_E_CLOSED;
  }
  if (question->http != NULL) {
    return STOA_OK;
  }
  if (find(session, question->type, question->id) != NULL) {
    return STOA_E_EXISTS;
  }
  uint32_t count_max = stoa_worker_of(session)->settings->limits.session_calls_max;
  return stoa_server_session_of(session)->call_count >= count_max ? STOA_E_LIMIT : STOA_OK;
}

static void keep_exchange(struct stoa_call_stream *stream) {
  struct stoa_http_exchange *exchange = stream->question.http;
  int status = stoa_exchange_keep(exchange);
  assert(status == STOA_OK); /* it waits, and its handler runs or it is kept */
  (void)status;
  stream->rpc = stoa_exchange_rpc(exchange);
  stream->codec = &stoa_codec_proto; /* of an error, which becomes JSON on the worker */
  stream->codec_index = 0;
  stoa_exchange_ref(exchange); /* another thread may send while the connection ends */
}

int stoa_call_stream_begin(struct stoa_session *session, const struct stoa_handler *handler,
                           const struct stoa_question *question, struct stoa_invocation *invocation,
                           struct stoa_call_stream **out_stream) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  int status = check(session, question);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_call_stream *stream = allocate(invocation);
  if (stream == NULL) {
    return STOA_E_MEMORY;
  }
  init(stream, session, handler, question);
  if (question->http != NULL) {
    keep_exchange(stream);
  }
  stoa_pending_begin_untimed(&stream->base, &stream_kind, session);
  own->call_count++;
  stoa_call_stream_count(stream->base.account, STOA_STREAM_BEGUN);
  atomic_fetch_add(&stream->base.refs, 1); /* the program may end it inside the handler */
  *out_stream = stream;
  return STOA_OK;
}

const struct stoa_error *stoa_call_stream_refusal(int status) {
  static const struct stoa_error too_many = {
      .code = STOA_ERROR_LIMIT,
      .reason = STOA_STR("TOO_MANY_STREAMS"),
      .message = STOA_STR("the session has as many calls and streams as it may have"),
      .temporary = true};
  static const struct stoa_error exists = {.code = STOA_ERROR_BAD_REQUEST,
                                           .reason = STOA_STR("BAD_REQUEST"),
                                           .message = STOA_STR("a stream with this id goes on")};
  static const struct stoa_error no_memory = {
      .code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL"), .message = STOA_STR("out of memory")};
  if (status == STOA_E_LIMIT) {
    return &too_many;
  }
  return status == STOA_E_EXISTS ? &exists : &no_memory;
}

struct stoa_invocation *stoa_call_stream_invocation(struct stoa_call_stream *stream) {
  return stream->invocation;
}

/* It goes on. An HTTP client must see that its request was accepted, also when the first item comes much later. */
static void on_taken(struct stoa_call_stream *stream) {
  if (stream->rpc == NULL || stream->is_finished) {
    return;
  }
  int status = stoa_call_stream_begin_answer(stream);
  if (stream->is_finished) {
    return;
  }
  if (status == STOA_OK) {
    stoa_loop_timer_start(stream->base.account->worker->loop, &stream->heartbeat, STOA_SSE_HEARTBEAT_MS);
  } else if (status != STOA_E_CLOSED) {
    stoa_call_stream_fail_with(stream, STOA_STREAM_FAILED, &stoa_answer_internal);
  }
}

void stoa_call_stream_on_returned(struct stoa_call_stream *stream, const struct stoa_error *error) {
  stream->in_handler = false;
  if (stream->invocation != NULL) {
    stream->invocation->message = NULL;
  }
  if (error == STOA_LATER) {
    on_taken(stream);
  } else if (stoa_pending_waits(&stream->base)) {
    int ignored = stoa_call_stream_complete(stream, error == NULL ? STOA_STREAM_ENDED : STOA_STREAM_FAILED, error);
    (void)ignored;
  } else {
    /* A handler that ends its stream returns STOA_LATER. */
    assert(atomic_load(&stream->base.state) != STOA_PENDING_COMPLETED);
    stoa_pending_unref(&stream->base);
  }
  stoa_pending_unref(&stream->base);
}

/* What the client sends. */

void stoa_call_streams_cancel(struct stoa_session *session, uint32_t type, uint32_t id) {
  struct stoa_call_stream *stream = find(session, type, id);
  if (stream != NULL) {
    stoa_call_stream_cancel(stream);
  }
}

void stoa_call_streams_break(struct stoa_session *session, uint32_t type, uint32_t id) {
  struct stoa_call_stream *stream = find(session, type, id);
  if (stream != NULL) {
    stoa_call_stream_fail_with(stream, STOA_STREAM_FAILED, &bad_credit);
  }
}

int stoa_call_streams_grant(struct stoa_session *session, uint32_t type, uint32_t id, uint32_t bytes) {
  struct stoa_call_stream *stream = find(session, type, id);
  if (stream == NULL) {
    return STOA_OK;
  }
  if (atomic_load(&stream->credit) > STOA_CALL_STREAM_CREDIT_MAX - (int64_t)bytes) {
    return STOA_E_LIMIT;
  }
  if (atomic_fetch_add(&stream->credit, (int64_t)bytes) + (int64_t)bytes <= 0) {
    stoa_pending_start_clock(&stream->base);
    return STOA_OK;
  }
  stoa_pending_stop_clock(&stream->base);
  if (stream->waits_from == 0) { /* else its turn comes with the queue */
    stoa_call_stream_wake(stream);
  }
  return STOA_OK;
}

/* What the session does. */

/* The one that has waited for the longest time; *out_count of them wait. */
static struct stoa_call_stream *find_first_waiting(const struct stoa_session *session, size_t *out_count) {
  struct stoa_call_stream *first = NULL;
  *out_count = 0;
  for (struct stoa_pending *self = stoa_server_session_of(session)->pendings; self != NULL; self = self->next) {
    struct stoa_call_stream *stream = self->kind->is_stream ? stoa_call_stream_of(self) : NULL;
    if (stream != NULL && stream->waits_from != 0) {
      first = first == NULL || stream->waits_from < first->waits_from ? stream : first;
      (*out_count)++;
    }
  }
  return first;
}

/* One after the other, so that each gets its part of the queue. */
void stoa_call_streams_on_drained(struct stoa_session *session) {
  size_t count;
  struct stoa_call_stream *stream = find_first_waiting(session, &count);
  if (count > 1) {
    stoa_stream_tell_empty(&session->stream);
  }
  if (stream != NULL) {
    stream->waits_from = 0;
    stoa_call_stream_flush(stream, session);
    stoa_arena_reset(stoa_session_arena(session));
  }
}

static struct stoa_call_stream *find_any(struct stoa_session *session) {
  struct stoa_pending *self = stoa_server_session_of(session)->pendings;
  while (self != NULL && !self->kind->is_stream) {
    self = self->next;
  }
  return self == NULL ? NULL : stoa_call_stream_of(self);
}

/* What a middleware does at the end of one may end others. */
void stoa_call_streams_drain(struct stoa_session *session) {
  struct stoa_call_stream *stream = find_any(session);
  while (stream != NULL) {
    stoa_call_stream_fail_with(stream, STOA_STREAM_ABANDONED, &draining);
    stream = find_any(session);
  }
  stoa_arena_reset(stoa_session_arena(session));
}
