/* session/close.c: the close handshake (RFC 6455 7), and ending without one. */
#include "session/event.h"
#include "session/fallback.h"

#include "base/memory.h"

#include <assert.h>

/* Allowed changes of state: forward only. */
static bool may_follow(enum stoa_session_state from, enum stoa_session_state to) {
  switch (from) {
    case STOA_SESSION_NONE:
      return to == STOA_SESSION_OPEN;
    case STOA_SESSION_OPEN:
      return to == STOA_SESSION_CLOSING || to == STOA_SESSION_ENDED;
    case STOA_SESSION_CLOSING:
      return to == STOA_SESSION_ENDED;
    case STOA_SESSION_ENDED:
      return false;
  }
  return false;
}

static void enter(struct stoa_session *session, enum stoa_session_state state) {
  assert(may_follow((enum stoa_session_state)session->state, state));
  session->state = (uint8_t)((unsigned)state & 15u);
  session->stream.since_ms = stoa_stream_now32(&session->stream);
}

static void keep_reason(struct stoa_session *session, uint16_t code, const char *reason) {
  session->close_code = code;
  if (reason == NULL || reason[0] == '\0' || session->close_reason != NULL) {
    return;
  }
  size_t len = strnlen(reason, STOA_WS_CONTROL_LEN_MAX - 2);
  session->close_reason = stoa_alloc(len + 1);
  /* Without memory only the code is reported. */
  if (session->close_reason != NULL) {
    memcpy(session->close_reason, reason, len);
    session->close_reason[len] = '\0';
  }
}

/* Make the close frame possible: drop the backlog of a slow peer, and clear fates that leave the output intact. */
static void clear_fate(struct stoa_stream *stream) {
  if (stream->fate == STOA_FATE_SLOW) {
    stoa_stream_output_cut(stream);
  }
  if (stream->fate < STOA_FATE_MEMORY) {
    stream->fate = STOA_FATE_ALIVE;
  }
}

static int append_close(const struct stoa_session *session, struct stoa_buffer *out, uint16_t code,
                        const char *reason) {
  uint8_t frame[127];
  if (stoa_session_is_fallback(session)) {
    return stoa_event_append_close(out, code, reason);
  }
  size_t len = stoa_ws_close_write(frame, code, reason);
  assert(len <= sizeof frame);
  return stoa_buffer_append(out, frame, len);
}

static void queue_close(struct stoa_session *session, uint16_t code, const char *reason) {
  struct stoa_stream *stream = &session->stream;
  struct stoa_buffer *out = stoa_stream_output_last(stream);
  if (out == NULL) {
    return;
  }
  if (append_close(session, out, code, reason) != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
  }
  stoa_stream_output_end(stream);
}

/* Output that its groups still hold for it is queued before the close frame. */
static bool begin_close(struct stoa_session *session, uint16_t code, const char *reason) {
  if (session->state != STOA_SESSION_OPEN) {
    return false;
  }
  struct stoa_stream *stream = &session->stream;
  keep_reason(session, code, reason);
  enter(session, STOA_SESSION_CLOSING);
  stoa_session_host_of(session)->on_closing(session);
  assert(session->state == STOA_SESSION_CLOSING);
  clear_fate(stream);
  queue_close(session, code, reason);
  stoa_stream_host_of(stream)->on_deadline_change(
      stream, stoa_loop_now_ms(stream->protocol->host->loop) + STOA_SESSION_CLOSING_MS);
  return true;
}

void stoa_session_close(struct stoa_session *session, uint16_t code, const char *reason) {
  if (!stoa_ws_close_code_valid(code)) {
    /* 1005 and 1006 must not be sent (RFC 6455 7.4.1), and the other codes have no meaning. */
    code = STOA_WS_CLOSE_INTERNAL;
  }
  if (!begin_close(session, code, reason)) {
    return;
  }
  if (stoa_session_is_fallback(session)) {
    /* The end of the response is the close handshake: the client has nothing to answer. */
    enter(session, STOA_SESSION_ENDED);
    stoa_stream_finish(&session->stream);
  } else {
    /* Every other reason to wait is over: now it waits for the peer's close frame only. */
    stoa_stream_resume(&session->stream, STOA_PAUSE_ANY);
  }
}

void stoa_session_end(struct stoa_session *session, uint16_t code, const char *reason) {
  bool has_begun = begin_close(session, code, reason);
  if (has_begun || session->state == STOA_SESSION_CLOSING) {
    enter(session, STOA_SESSION_ENDED);
    stoa_stream_finish(&session->stream);
  }
}

void stoa_session_drop(struct stoa_session *session, uint16_t code, const char *reason) {
  if (session->stream.state == STOA_STREAM_CLOSED) {
    return;
  }
  bool was_open = session->state == STOA_SESSION_OPEN;
  if (was_open) {
    keep_reason(session, code, reason);
  }
  if (session->state != STOA_SESSION_ENDED) {
    enter(session, STOA_SESSION_ENDED);
  }
  stoa_stream_drop(&session->stream);
  assert(session->state == STOA_SESSION_ENDED);
  if (was_open) {
    stoa_session_host_of(session)->on_closing(session);
  }
}
