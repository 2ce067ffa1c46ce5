/* server/call/stream_end.c: ends streams, and calls the program back. */
#include "base/memory.h"
#include "server/call/conclude.h"
#include "server/call/stream_private.h"

#include <assert.h>

/* Events. */

static void on_event(struct stoa_post *post) {
  struct stoa_call_stream *stream = stoa_container_of(post, struct stoa_call_stream, event);
  struct stoa_arena *arena = stream->is_finished ? NULL : stoa_session_arena(stream->base.session);
  stoa_call_stream_event *call = stream->on_event;
  stream->is_told = false;
  if (stream->is_finished) {
    bool is_consumed = atomic_load(&stream->base.state) == STOA_PENDING_COMPLETED;
    stream->on_event = NULL; /* the last call */
    call(stream->event_context, is_consumed ? NULL : stream, STOA_E_CLOSED);
  } else if (stream->is_ready && stoa_pending_waits(&stream->base)) {
    stream->is_ready = false;
    call(stream->event_context, stream, STOA_OK);
    stoa_arena_reset(arena);
  }
  stoa_pending_unref(&stream->base);
}

void stoa_call_stream_tell(struct stoa_call_stream *stream) {
  if (stream->is_told || stream->on_event == NULL) {
    return;
  }
  stream->is_told = true;
  stream->event.run = on_event;
  atomic_fetch_add(&stream->base.refs, 1);
  stoa_loop_post(stream->base.account->worker->loop, &stream->event);
}

void stoa_call_stream_wake(struct stoa_call_stream *stream) {
  if (atomic_exchange(&stream->wants, false)) {
    stream->is_ready = true;
    stoa_call_stream_tell(stream);
  }
}

/* Ending. */

static void drop_held(struct stoa_call_stream *stream) {
  while (stream->held != NULL) {
    struct stoa_stream_item *item = stream->held;
    stream->held = item->next;
    stoa_buffer_fini(&item->payload);
    stoa_free(item);
    stoa_pending_unref(&stream->base);
  }
  stream->held_last = NULL;
}

void stoa_call_stream_leave(struct stoa_call_stream *stream, struct stoa_session *session,
                            enum stoa_stream_count outcome) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(stream->base.session == NULL);
  assert(!stream->is_finished);
  assert(own->call_count > 0);
  own->call_count--;
  stream->is_finished = true;
  stoa_call_stream_count(stream->base.account, outcome);
  stoa_loop_timer_stop(stoa_worker_of(session)->loop, &stream->heartbeat);
  drop_held(stream);
  if (stream->has_end) {
    stream->has_end = false;
    stoa_pending_unref(&stream->base); /* the program's */
  }
  stoa_call_stream_tell(stream);
}

void stoa_call_stream_release(struct stoa_call_stream *stream, struct stoa_session *session) {
  stoa_pending_unref(&stream->base);
  if (stoa_calls_may_read(session)) {
    stoa_stream_resume(&session->stream, STOA_PAUSE_CALLS);
  }
}

/* The program's end may be on its way to the worker, where it then finds nothing to do. */
static struct stoa_session *take_out(struct stoa_call_stream *stream, enum stoa_stream_count outcome) {
  bool ignored = stoa_pending_abandon(&stream->base);
  struct stoa_session *session = stoa_pending_delist(&stream->base);
  (void)ignored;
  stoa_call_stream_leave(stream, session, outcome);
  return session;
}

void stoa_call_stream_cancel(struct stoa_call_stream *stream) {
  struct stoa_session *session = take_out(stream, STOA_STREAM_CANCELLED);
  stoa_conclude_cancelled(session, &stream->question, stream->invocation);
  stoa_call_stream_release(stream, session);
}

void stoa_call_stream_fail_with(struct stoa_call_stream *stream, enum stoa_stream_count outcome,
                                const struct stoa_error *error) {
  struct stoa_session *session = take_out(stream, outcome);
  int ignored = stoa_conclude_error(session, &stream->question, stream->invocation, STOA_INVOCATION_FAILED, error);
  (void)ignored;
  stoa_call_stream_release(stream, session);
}
