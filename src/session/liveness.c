/* session/liveness.c: deadlines of a session: pings, pongs, incomplete messages and the close handshake.
 *
 * When nothing was received, or nothing was sent, for ping_ms, the peer is pinged; it must send something within
 * pong_ms. A peer with unread input is not silent, and one whose kernel still takes output is alive.
 */
#include "session/fallback.h"
#include "session/input.h"

#include <assert.h>

static uint64_t due_after(uint64_t now_ms, uint32_t since_ms, uint32_t delay_ms) {
  uint32_t passed = (uint32_t)now_ms - since_ms;
  return passed >= delay_ms ? now_ms : now_ms + (delay_ms - passed);
}

static void send_ping(struct stoa_session *session, uint64_t now_ms) {
  struct stoa_stream *stream = &session->stream;
  assert(!session->pinged);
  session->pinged = true;
  stream->since_ms = (uint32_t)now_ms;
  stoa_stream_note_acked(stream);
  if (stoa_session_is_fallback(session)) {
    stoa_fallback_note_ping(session);
  }
  if (stoa_session_output_message(session, STOA_WS_PING, stoa_bytes_make(NULL, 0)) == STOA_OK) {
    stoa_session_host_of(session)->on_ping(session);
  }
}

/* Is the peer alive although no pong was read? When input is paused because the peer does not take its output, only
 * progress of that output counts. */
static bool shows_life(struct stoa_session *session) {
  struct stoa_stream *stream = &session->stream;
  if (stoa_stream_takes(stream)) {
    return true;
  }
  bool has_unread =
      stoa_session_is_fallback(session) ? stoa_fallback_has_unread(session) : stoa_stream_has_unread(stream);
  return (stream->pauses & STOA_PAUSE_OUTPUT) == 0 && has_unread;
}

/* When to look at a session that was pinged. A pong moves no deadline, so the next ping may be due before this one's
 * pong is overdue: when ping_ms is shorter than pong_ms. */
static uint64_t pinged_deadline(const struct stoa_session_limits *limits, uint64_t now_ms, uint64_t pong_due_ms) {
  uint64_t ping_due_ms = now_ms + limits->ping_ms;
  return ping_due_ms < pong_due_ms ? ping_due_ms : pong_due_ms;
}

/* read_frames() clears `pinged` when bytes were received after the ping. */
static uint64_t ping_deadline(struct stoa_session *session, uint64_t now_ms) {
  struct stoa_stream *stream = &session->stream;
  const struct stoa_session_limits *limits = stoa_session_host_of(session)->limits;
  uint64_t heard_due_ms = due_after(now_ms, stream->active_ms, limits->ping_ms);
  uint64_t sent_due_ms = due_after(now_ms, stream->sent_ms, limits->ping_ms);
  uint64_t due_ms = heard_due_ms < sent_due_ms ? heard_due_ms : sent_due_ms;
  if (due_ms > now_ms) {
    return due_ms;
  }
  send_ping(session, now_ms);
  return pinged_deadline(limits, now_ms, now_ms + limits->pong_ms);
}

static uint64_t pong_deadline(struct stoa_session *session, uint64_t now_ms) {
  struct stoa_stream *stream = &session->stream;
  const struct stoa_session_limits *limits = stoa_session_host_of(session)->limits;
  bool is_fallback = stoa_session_is_fallback(session);
  uint32_t answer_ms = is_fallback ? stoa_fallback_answer_ms(session, limits->pong_ms) : limits->pong_ms;
  uint64_t due_ms = due_after(now_ms, stream->since_ms, answer_ms);
  if (due_ms > now_ms) {
    return pinged_deadline(limits, now_ms, due_ms);
  }
  if (shows_life(session)) {
    /* Count it as a pong. The next ping is due as usual and finds a peer that has gone meanwhile. */
    session->pinged = false;
    stream->active_ms = (uint32_t)now_ms;
    return ping_deadline(session, now_ms);
  }
  if (is_fallback && stoa_fallback_listen(session)) {
    return now_ms + STOA_FALLBACK_LISTEN_MS;
  }
  stoa_session_close(session, STOA_CLOSE_NO_PONG, "no pong in time");
  return now_ms + STOA_SESSION_CLOSING_MS;
}

static uint64_t open_deadline(struct stoa_session *session, uint64_t now_ms) {
  uint64_t message_due_ms = UINT64_MAX;
  if (!stoa_session_is_fallback(session) && stoa_session_input_overdue(session, now_ms, &message_due_ms)) {
    stoa_session_close(session, STOA_WS_CLOSE_POLICY, "message not finished in time");
    return now_ms + STOA_SESSION_CLOSING_MS;
  }
  uint64_t due_ms = session->pinged ? pong_deadline(session, now_ms) : ping_deadline(session, now_ms);
  return due_ms < message_due_ms ? due_ms : message_due_ms;
}

/* The peer's close frame has not come in time. Shut our side without it, once our bytes are sent. */
static uint64_t closing_deadline(struct stoa_session *session, uint64_t now_ms) {
  uint64_t due_ms = due_after(now_ms, session->stream.since_ms, STOA_SESSION_CLOSING_MS);
  if (due_ms > now_ms) {
    return due_ms;
  }
  if (session->state == STOA_SESSION_CLOSING && stoa_stream_queued(&session->stream) == 0) {
    stoa_session_end(session, 0, NULL);
    return now_ms + STOA_STREAM_HALF_CLOSED_MS;
  }
  stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "");
  return now_ms;
}

static uint64_t ended_deadline(struct stoa_session *session, uint64_t now_ms) {
  if (session->stream.state == STOA_STREAM_FLUSHING) {
    return closing_deadline(session, now_ms);
  }
  uint64_t due_ms = due_after(now_ms, session->stream.since_ms, STOA_STREAM_HALF_CLOSED_MS);
  if (due_ms <= now_ms && stoa_stream_takes(&session->stream)) {
    session->stream.since_ms = (uint32_t)now_ms;
    return now_ms + STOA_STREAM_HALF_CLOSED_MS;
  }
  if (due_ms <= now_ms) {
    stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "");
  }
  return due_ms;
}

uint64_t stoa_session_on_deadline(struct stoa_session *session, uint64_t now_ms) {
  switch ((enum stoa_session_state)session->state) {
    case STOA_SESSION_OPEN:
      return open_deadline(session, now_ms);
    case STOA_SESSION_CLOSING:
      return closing_deadline(session, now_ms);
    case STOA_SESSION_ENDED:
      return session->stream.state == STOA_STREAM_CLOSED ? UINT64_MAX : ended_deadline(session, now_ms);
    case STOA_SESSION_NONE:
      return UINT64_MAX;
  }
  return UINT64_MAX;
}
