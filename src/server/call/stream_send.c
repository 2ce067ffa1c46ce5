/* server/call/stream_send.c: what programs send to streams, on any thread. */
#include "base/memory.h"
#include "server/call/conclude.h"
#include "server/call/stream_private.h"
#include "server/http/sse.h"
#include "wire/typed.h"

#include <assert.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

/* So much of a session's queue its streams fill in a turn: other messages still have room, and other sessions their
 * part of the turn. */
#define QUEUE_BYTES ((size_t)64 * 1024)

static const struct stoa_error given_up = {
    .code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL"), .message = STOA_STR("the stream was dropped")};

static bool is_here(const struct stoa_call_stream *stream) {
  return stoa_worker_current() == stream->base.account->worker;
}

bool stoa_call_stream_must_wait(const struct stoa_session *session) {
  size_t bytes_max = stoa_stream_pause_bytes(&session->stream);
  return stoa_stream_queued(&session->stream) >= (bytes_max < QUEUE_BYTES ? bytes_max : QUEUE_BYTES);
}

/* Wait for the session's queue, behind the streams that wait already. */
static void await_queue(struct stoa_call_stream *stream, struct stoa_session *session) {
  if (stream->waits_from == 0) {
    stream->waits_from = ++stoa_worker_of(session)->pendings.stream_waits;
    stoa_stream_tell_empty(&session->stream);
  }
}

/* The client has nothing left to be sent: how long it may take with granting more is limited. */
static void note_credit(struct stoa_call_stream *stream) {
  if (atomic_load(&stream->credit) <= 0) {
    stoa_pending_start_clock(&stream->base);
  }
}

static void note_item(struct stoa_call_stream *stream, size_t len) {
  atomic_fetch_sub(&stream->credit, (int64_t)len + STOA_TYPED_ITEM_COST);
  stoa_call_stream_count(stream->base.account, STOA_STREAM_ITEMS);
}

/* HTTP. */

static void on_answer_event(void *context, struct stoa_http_exchange *exchange, int status) {
  struct stoa_call_stream *stream = context;
  (void)exchange;
  if (status == STOA_OK) {
    stoa_call_stream_wake(stream);
  } else {
    stoa_pending_unref(&stream->base);
  }
}

int stoa_call_stream_begin_answer(struct stoa_call_stream *stream) {
  atomic_fetch_add(&stream->base.refs, 1);
  int status = stoa_sse_begin(stream->question.http, STOA_CALL_STREAM_WINDOW_BYTES, on_answer_event, stream);
  if (status != STOA_OK) {
    stoa_pending_unref(&stream->base); /* nobody calls the event */
  }
  return status == STOA_E_EXISTS ? STOA_OK : status;
}

/* Asked once more: what waited may have been taken before `wants` was set. */
static int send_event(struct stoa_call_stream *stream, struct stoa_bytes event) {
  int status = stoa_sse_send(stream->question.http, event);
  if (status == STOA_E_AGAIN) {
    atomic_store(&stream->wants, true);
    status = stoa_sse_send(stream->question.http, event);
    if (status == STOA_OK) {
      atomic_store(&stream->wants, false);
    }
  }
  return status;
}

static int send_by_http(struct stoa_call_stream *stream, const void *message) {
  struct stoa_buffer event;
  stoa_buffer_init(&event, STOA_ENCODING_BYTES_MAX);
  int status = stoa_sse_write_item(stream->rpc, stream->item_type, message, &event);
  if (status == STOA_OK) {
    status = stoa_call_stream_begin_answer(stream);
  }
  if (status == STOA_OK) {
    status = send_event(stream, stoa_bytes_make(event.data, event.len));
  }
  if (status == STOA_OK) {
    atomic_store(&stream->is_active, true);
    stoa_call_stream_count(stream->base.account, STOA_STREAM_ITEMS);
  }
  stoa_buffer_fini(&event);
  return status;
}

/* On the session's worker. */

static int send_here(struct stoa_call_stream *stream, const void *message) {
  struct stoa_session *session = stream->base.session;
  size_t len = 0;
  if (stream->held != NULL || stoa_call_stream_must_wait(session)) {
    atomic_store(&stream->wants, true);
    await_queue(stream, session);
    return STOA_E_AGAIN;
  }
  if (atomic_load(&stream->credit) <= 0) {
    atomic_store(&stream->wants, true);
    return STOA_E_AGAIN;
  }
  struct stoa_outgoing outgoing = {.message_type = stream->item_type, .message = message};
  int status = stoa_answer_item(session, &stream->question, &outgoing, &len);
  if (status == STOA_OK) {
    note_item(stream, len);
    note_credit(stream);
  }
  return status;
}

/* Items of other threads. */

static void destroy_item(struct stoa_stream_item *item) {
  struct stoa_call_stream *stream = item->stream;
  stoa_buffer_fini(&item->payload);
  stoa_free(item);
  stoa_pending_unref(&stream->base);
}

static void hold(struct stoa_call_stream *stream, struct stoa_session *session, struct stoa_stream_item *item) {
  item->next = NULL;
  *(stream->held == NULL ? &stream->held : &stream->held_last->next) = item;
  stream->held_last = item;
  atomic_store(&stream->is_full, true);
  await_queue(stream, session);
}

/* False when the stream has ended because of it. */
static bool output(struct stoa_call_stream *stream, struct stoa_session *session, struct stoa_stream_item *item) {
  struct stoa_outgoing outgoing = {.message_type = stream->item_type};
  size_t ignored;
  outgoing.payloads[stream->codec_index] = stoa_bytes_make(item->payload.data, item->payload.len);
  int status = stoa_answer_item(session, &stream->question, &outgoing, &ignored);
  if (status == STOA_OK) {
    note_credit(stream);
  }
  if (status == STOA_OK || status == STOA_E_CLOSED) { /* closed: the end of the session ends the stream */
    return true;
  }
  stoa_log(STOA_LOG_ERROR, "an item of a stream could not be sent", STOA_F_STR("handler", stream->question.handler),
           STOA_F_STR("reason", stoa_status_text(status)));
  stoa_call_stream_fail_with(stream, STOA_STREAM_FAILED, &stoa_answer_internal);
  return false;
}

static void on_item(struct stoa_post *post) {
  struct stoa_stream_item *item = stoa_container_of(post, struct stoa_stream_item, post);
  struct stoa_call_stream *stream = item->stream;
  struct stoa_session *session = stream->base.session;
  if (session == NULL) {
    destroy_item(item);
  } else if (stream->held != NULL || stoa_call_stream_must_wait(session)) {
    hold(stream, session, item);
  } else {
    bool ignored = output(stream, session, item);
    (void)ignored;
    stoa_arena_reset(stream->base.account->worker->arena);
    destroy_item(item);
  }
}

static struct stoa_stream_item *make_item(struct stoa_call_stream *stream) {
  struct stoa_stream_item *item = stoa_calloc(1, sizeof *item);
  if (item != NULL) {
    stoa_buffer_init(&item->payload, STOA_ENCODING_BYTES_MAX);
    item->stream = stream;
    item->post.run = on_item;
    atomic_fetch_add(&stream->base.refs, 1);
  }
  return item;
}

/* An item with a payload that may be empty, but not NULL. */
static int encode_item(const struct stoa_call_stream *stream, const void *message, struct stoa_buffer *out) {
  size_t bytes_max =
      atomic_load_explicit(&stream->base.account->worker->server->message_bytes_max, memory_order_relaxed);
  int status = stoa_buffer_reserve(out, 1);
  status = status == STOA_OK ? stream->codec->encode(stream->item_type, message, out) : status;
  return status == STOA_OK && out->len > bytes_max ? STOA_E_LIMIT : status;
}

/* Looked at once more after `wants` is set, so that no grant is missed. */
static bool is_blocked(struct stoa_call_stream *stream) {
  if (atomic_load(&stream->credit) > 0 && !atomic_load(&stream->is_full)) {
    return false;
  }
  atomic_store(&stream->wants, true);
  if (atomic_load(&stream->credit) > 0 && !atomic_load(&stream->is_full)) {
    atomic_store(&stream->wants, false);
    return false;
  }
  return true;
}

static int send_from_afar(struct stoa_call_stream *stream, const void *message) {
  if (is_blocked(stream)) {
    return STOA_E_AGAIN;
  }
  struct stoa_stream_item *item = make_item(stream);
  if (item == NULL) {
    return STOA_E_MEMORY;
  }
  int status = encode_item(stream, message, &item->payload);
  if (status != STOA_OK) {
    destroy_item(item);
    return status;
  }
  note_item(stream, item->payload.len);
  stoa_loop_post(stream->base.account->worker->loop, &item->post);
  return STOA_OK;
}

/* The program's end. */

static enum stoa_invocation_end end_of(enum stoa_stream_count outcome) {
  return outcome == STOA_STREAM_DROPPED ? STOA_INVOCATION_DROPPED : STOA_INVOCATION_FAILED;
}

/* The answer must have begun for its end. */
static bool can_end(struct stoa_call_stream *stream) {
  return stream->rpc == NULL || stoa_call_stream_begin_answer(stream) == STOA_OK;
}

static void conclude_encoded(struct stoa_call_stream *stream, struct stoa_session *session) {
  struct stoa_bytes payload = {stream->error.data, stream->error.len};
  if (stream->outcome == STOA_STREAM_ENDED) {
    stoa_conclude_end(session, &stream->question, stream->invocation);
  } else if (payload.data == NULL) {
    stoa_conclude_error(session, &stream->question, stream->invocation, end_of(stream->outcome), &stoa_answer_internal);
  } else {
    stoa_conclude_encoded_error(session, &stream->question, stream->invocation, end_of(stream->outcome),
                                &(struct stoa_encoded_error){payload, stream->codec, stream->metric});
  }
}

/* End with what was kept; both references are given back. */
static void end_kept(struct stoa_call_stream *stream) {
  bool may_end = stream->outcome != STOA_STREAM_ENDED || can_end(stream);
  if (!may_end) {
    stream->outcome = STOA_STREAM_FAILED;
  }
  struct stoa_session *session = stoa_pending_delist(&stream->base);
  assert(stream->held == NULL);
  stream->has_end = false;
  stoa_call_stream_leave(stream, session, stream->outcome);
  conclude_encoded(stream, session);
  stoa_arena_reset(stream->base.account->worker->arena);
  stoa_pending_unref(&stream->base);
  stoa_call_stream_release(stream, session);
}

static void on_end(struct stoa_post *post) {
  struct stoa_call_stream *stream = stoa_call_stream_of(stoa_container_of(post, struct stoa_pending, post));
  assert(atomic_load(&stream->base.state) == STOA_PENDING_COMPLETED);
  if (stream->base.session == NULL) {
    stoa_pending_unref(&stream->base);
  } else if (stream->held != NULL) {
    stream->has_end = true;
  } else {
    end_kept(stream);
  }
}

void stoa_call_stream_flush(struct stoa_call_stream *stream, struct stoa_session *session) {
  while (stream->held != NULL) {
    struct stoa_stream_item *item = stream->held;
    if (stoa_call_stream_must_wait(session)) {
      await_queue(stream, session);
      return;
    }
    stream->held = item->next;
    bool goes_on = output(stream, session, item);
    destroy_item(item); /* perhaps with the stream */
    if (!goes_on) {
      return;
    }
  }
  atomic_store(&stream->is_full, false);
  if (stream->has_end) {
    end_kept(stream);
  } else if (atomic_load(&stream->credit) > 0) {
    stoa_call_stream_wake(stream);
  }
}

/* Keep the error until the worker, or the held items, are there. Errors: as stoa_codec.encode */
static int keep_end(struct stoa_call_stream *stream, enum stoa_stream_count outcome, const struct stoa_error *error) {
  int status = STOA_OK;
  if (outcome != STOA_STREAM_ENDED) {
    status = stoa_buffer_reserve(&stream->error, 1);
    status = status == STOA_OK ? stream->codec->encode(&stoa_error_type, error, &stream->error) : status;
    if (status != STOA_OK) {
      stoa_buffer_fini(&stream->error);
    }
    stream->metric = stoa_server_metrics_outcome(stream->base.account->worker->server,
                                                 status == STOA_OK ? error : &stoa_answer_internal);
  }
  stream->outcome = status == STOA_OK ? outcome : STOA_STREAM_FAILED;
  return status;
}

/* On the worker, with no items held: the error is given as it is. */
static int end_here(struct stoa_call_stream *stream, enum stoa_stream_count outcome, const struct stoa_error *error) {
  if (outcome == STOA_STREAM_ENDED) {
    stream->outcome = outcome;
    end_kept(stream);
    return STOA_OK;
  }
  struct stoa_session *session = stoa_pending_delist(&stream->base);
  stoa_call_stream_leave(stream, session, outcome);
  int status = stoa_conclude_error(session, &stream->question, stream->invocation, end_of(outcome), error);
  stoa_pending_unref(&stream->base);
  stoa_call_stream_release(stream, session);
  return status;
}

static int end_claimed(struct stoa_call_stream *stream, enum stoa_stream_count outcome,
                       const struct stoa_error *error) {
  if (!is_here(stream)) {
    int status = keep_end(stream, outcome, error);
    stream->base.post.run = on_end;
    stoa_loop_post(stream->base.account->worker->loop, &stream->base.post);
    return status;
  }
  if (stream->held != NULL) {
    stream->has_end = true;
    return keep_end(stream, outcome, error);
  }
  return end_here(stream, outcome, error);
}

static int status_of(enum stoa_pending_state state) {
  assert(state != STOA_PENDING_COMPLETED); /* used after its end */
  return state == STOA_PENDING_TIMED_OUT ? STOA_E_TIMEOUT : STOA_E_CLOSED;
}

int stoa_call_stream_complete(struct stoa_call_stream *stream, enum stoa_stream_count outcome,
                              const struct stoa_error *error) {
  struct stoa_pending_account *account = stream->base.account;
  enum stoa_pending_state state;
  int status;
  bool claimed = stoa_pending_enter(&stream->base, &state);
  if (claimed) {
    status = end_claimed(stream, outcome, error);
  } else {
    status = status_of(state);
    stoa_call_stream_count(account, STOA_STREAM_LATE);
  }
  stoa_pending_leave(account);
  if (!claimed) {
    stoa_pending_unref(&stream->base); /* may free the account too */
  }
  return status;
}

/* The public functions. */

int stoa_call_stream_listen(struct stoa_call_stream *stream, stoa_call_stream_event *on_event, void *context) {
  if (!is_here(stream) || !stream->in_handler) {
    return STOA_E_ARGUMENT;
  }
  if (stream->was_heard) {
    return STOA_E_EXISTS;
  }
  stream->was_heard = true;
  stream->on_event = on_event;
  stream->event_context = context;
  if (stream->is_finished || stream->is_ready) {
    stoa_call_stream_tell(stream);
  }
  return STOA_OK;
}

int stoa_call_stream_send(struct stoa_call_stream *stream, const struct stoa_message_type *type, const void *item) {
  struct stoa_pending_account *account = stream->base.account;
  assert(type == stream->item_type);
  assert(item != NULL);
  (void)type;
  enum stoa_pending_state state = stoa_pending_enter_only(&stream->base);
  int status;
  if (state != STOA_PENDING_WAITING) {
    status = status_of(state);
  } else if (stream->rpc != NULL) {
    status = send_by_http(stream, item);
  } else {
    status = is_here(stream) ? send_here(stream, item) : send_from_afar(stream, item);
  }
  stoa_pending_leave(account);
  return status;
}

int stoa_call_stream_end(struct stoa_call_stream *stream) {
  return stoa_call_stream_complete(stream, STOA_STREAM_ENDED, NULL);
}

int stoa_call_stream_fail(struct stoa_call_stream *stream, const struct stoa_error *error) {
  assert(error != NULL);
  assert(error != STOA_LATER);
  return stoa_call_stream_complete(stream, STOA_STREAM_FAILED, error);
}

void stoa_call_stream_drop(struct stoa_call_stream *stream) {
  if (stream != NULL) {
    int ignored = stoa_call_stream_complete(stream, STOA_STREAM_DROPPED, &given_up);
    (void)ignored;
  }
}

bool stoa_call_stream_waits(const struct stoa_call_stream *stream) {
  return stoa_pending_waits(&stream->base);
}

const struct stoa_uuid *stoa_call_stream_session_id(const struct stoa_call_stream *stream) {
  return &stream->base.session_id;
}

/* Counts. */

static uint64_t sum(const struct stoa_server *server, enum stoa_stream_count what) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    const struct stoa_pending_account *account = server->workers[i].pendings.account;
    total += account == NULL ? 0 : atomic_load_explicit(&account->stream_counts[what], memory_order_relaxed);
  }
  return total;
}

void stoa_server_call_stream_counts(const struct stoa_server *server, struct stoa_call_stream_counts *out_counts) {
  /* Read BEGUN first: otherwise streams that begin and end meanwhile would make `outstanding` too large. */
  uint64_t begun = sum(server, STOA_STREAM_BEGUN);
  struct stoa_call_stream_counts counts = {
      .ended = sum(server, STOA_STREAM_ENDED),
      .failed = sum(server, STOA_STREAM_FAILED),
      .dropped = sum(server, STOA_STREAM_DROPPED),
      .cancelled = sum(server, STOA_STREAM_CANCELLED),
      .timed_out = sum(server, STOA_STREAM_TIMED_OUT),
      .abandoned = sum(server, STOA_STREAM_ABANDONED),
      .late = sum(server, STOA_STREAM_LATE),
      .items = sum(server, STOA_STREAM_ITEMS),
  };
  uint64_t ended =
      counts.ended + counts.failed + counts.dropped + counts.cancelled + counts.timed_out + counts.abandoned;
  counts.outstanding = begun > ended ? begun - ended : 0;
  counts.begun = ended + counts.outstanding;
  *out_counts = counts;
}
