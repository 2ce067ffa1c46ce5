/* session/session.c: a session as its stream's protocol. */
#include "session/session.h"

#include "base/array.h"
#include "base/container.h"
#include "base/memory.h"
#include "session/input.h"

#include <assert.h>

/* RFC 6455 7.1.5: without a close frame the code is 1006. */
static void lose(struct stoa_session *session) {
  session->peer_closed = session->state == STOA_SESSION_OPEN || session->peer_closed;
  stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "connection lost");
}

static void on_input_end(struct stoa_stream *stream, int status) {
  struct stoa_session *session = stoa_session_of(stream);
  if (status == STOA_E_MEMORY && session->state == STOA_SESSION_OPEN) {
    stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
  } else if (status == STOA_E_CLOSED && stoa_stream_queued(stream) > 0 && session->state != STOA_SESSION_OPEN) {
    /* The peer ended its side but may still read: it gets the rest of the output and our close frame. */
    stream->peer_ended = true;
    stoa_session_end(session, 0, NULL);
  } else if (status == STOA_E_TLS) {
    stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "TLS error");
  } else {
    lose(session);
  }
}

static void on_doomed(struct stoa_stream *stream) {
  struct stoa_session *session = stoa_session_of(stream);
  assert(stream->fate != STOA_FATE_ALIVE);
  switch ((enum stoa_stream_fate)stream->fate) {
    case STOA_FATE_ALIVE:
      return;
    case STOA_FATE_SLOW:
      stoa_session_close(session, STOA_CLOSE_SLOW, "send queue full");
      return;
    case STOA_FATE_LOST:
      stoa_session_close(session, STOA_CLOSE_POSITION_LOST, "messages were lost");
      return;
    case STOA_FATE_MEMORY:
      stoa_session_drop(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
      return;
    case STOA_FATE_BROKEN:
      lose(session);
      return;
  }
}

static void on_half_closed(struct stoa_stream *stream) {
  assert(stoa_session_of(stream)->state == STOA_SESSION_ENDED);
  if (stream->peer_ended) {
    stoa_session_drop(stoa_session_of(stream), STOA_WS_CLOSE_ABNORMAL, "");
    return;
  }
  /* Closing with unread input would send a reset, which can destroy our last bytes (RFC 9112 9.6): wait a moment for
   * the peer to end its side. */
  stream->since_ms = stoa_stream_now32(stream);
  struct stoa_stream_host *host = stoa_stream_host_of(stream);
  host->on_deadline_change(stream, stoa_loop_now_ms(host->loop) + STOA_STREAM_HALF_CLOSED_MS);
}

static void on_progress(struct stoa_stream *stream) {
  /* Its pongs may be unread while it is paused, but it reads, so it is alive. */
  stream->active_ms = stoa_stream_now32(stream);
  stoa_session_of(stream)->pinged = false;
}

static void on_share(struct stoa_stream *stream) {
  (void)stream;
}

static void on_empty(struct stoa_stream *stream) {
  struct stoa_session *session = stoa_session_of(stream);
  if (session->state == STOA_SESSION_OPEN) {
    stoa_session_host_of(session)->on_drained(session);
  }
}

static void release(struct stoa_deferred *deferred) {
  struct stoa_session *session = stoa_container_of(deferred, struct stoa_session, release);
  stoa_stream_fini(&session->stream);
  stoa_session_host_of(session)->on_end(session);
}

static void on_closed(struct stoa_stream *stream) {
  struct stoa_session *session = stoa_session_of(stream);
  assert(session->state == STOA_SESSION_ENDED);
  assert(stream->state == STOA_STREAM_CLOSED);
  session->release.run = release;
  stoa_loop_defer(stoa_stream_host_of(stream)->loop, &session->release);
}

void stoa_session_host_init(struct stoa_session_host *host) {
  host->protocol.on_input = stoa_session_read_frames;
  host->protocol.on_input_end = on_input_end;
  host->protocol.make_input = stoa_session_make_input;
  host->protocol.free_input = stoa_session_free_input;
  host->protocol.input_is_idle = stoa_session_input_is_idle;
  host->protocol.on_doomed = on_doomed;
  host->protocol.on_half_closed = on_half_closed;
  host->protocol.on_progress = on_progress;
  host->protocol.on_share = on_share;
  host->protocol.on_empty = on_empty;
  host->protocol.on_closed = on_closed;
}

void stoa_session_host_fini(struct stoa_session_host *host) {
  stoa_inflater_destroy(host->spare_inflater);
  host->spare_inflater = NULL;
  for (size_t i = 0; i < STOA_COUNT_OF(host->deflaters); i++) {
    stoa_deflater_destroy(host->deflaters[i]);
    host->deflaters[i] = NULL;
  }
}

int stoa_session_open(struct stoa_session *session, struct stoa_session_host *host) {
  assert(session->state == STOA_SESSION_NONE);
  struct stoa_stream *stream = &session->stream;
  assert(stream->state == STOA_STREAM_OPEN);
  if (stoa_uuid_make(&session->id) != STOA_OK) {
    return STOA_E_SYSTEM;
  }
  stoa_stream_output_seal(stream);
  session->close_code = STOA_WS_CLOSE_ABNORMAL;
  session->state = STOA_SESSION_OPEN;
  session->opened_tick = (uint32_t)(stoa_loop_now_ms(stoa_stream_host_of(stream)->loop) / STOA_SESSION_TICK_MS);
  stoa_stream_host_of(stream)->on_deadline_change(
      stream, stoa_loop_now_ms(stream->protocol->host->loop) + host->limits->ping_ms);
  return STOA_OK;
}

int stoa_session_begin(struct stoa_session *session, struct stoa_session_host *host,
                       const struct stoa_ws_deflate *deflate) {
  const struct stoa_protocol *before = session->stream.protocol;
  stoa_stream_set_protocol(&session->stream, &host->protocol);
  int status = stoa_session_open(session, host);
  if (status != STOA_OK) {
    stoa_stream_set_protocol(&session->stream, before);
    return status;
  }
  session->deflate_bits = deflate == NULL ? 0 : deflate->server_max_window_bits;
  stoa_ws_reader_init(&session->reader, true, deflate != NULL);
  return STOA_OK;
}

const struct stoa_uuid *stoa_session_id(const struct stoa_session *session) {
  return &session->id;
}
