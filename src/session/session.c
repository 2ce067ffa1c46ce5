#include "session/input.h"
#include "session/output.h"

#include "base/memory.h"
#include "base/sys.h"

#include <assert.h>
#include <sys/epoll.h>

#define CLOSING_MS 5000   /* for the last bytes to leave */
#define LINGERING_MS 2000 /* for the peer to end its side (RFC 6455 7.1.1) */

/* Which state may follow which. */
static bool may_follow(enum stoa_session_state from, enum stoa_session_state to) {
  switch (from) {
    case STOA_SESSION_HANDSHAKE:
      return to == STOA_SESSION_OPEN || to == STOA_SESSION_CLOSING || to == STOA_SESSION_CLOSED;
    case STOA_SESSION_OPEN:
      return to == STOA_SESSION_CLOSING || to == STOA_SESSION_CLOSED;
    case STOA_SESSION_CLOSING:
      return to == STOA_SESSION_LINGERING || to == STOA_SESSION_CLOSED;
    case STOA_SESSION_LINGERING:
      return to == STOA_SESSION_CLOSED;
    case STOA_SESSION_CLOSED:
      return false;
  }
  return false;
}

static uint32_t now32(const struct stoa_session *session) {
  return (uint32_t)stoa_loop_now_ms(session->host->loop);
}

static void enter(struct stoa_session *session, enum stoa_session_state state, uint32_t deadline_ms) {
  assert(may_follow((enum stoa_session_state)session->state, state));
  session->state = (uint8_t)state;
  session->since_ms = now32(session);
  if (deadline_ms > 0) {
    session->host->on_deadline_change(session, stoa_loop_now_ms(session->host->loop) + deadline_ms);
  }
}

static void on_writable(struct stoa_session *session) {
  size_t before = stoa_session_queued(session);
  stoa_session_send_own(session, false);
  if (!session->paused) {
    return;
  }
  if (stoa_session_queued(session) < before) {
    /* Its pongs are not read while it is paused, but it reads: that is life too. */
    session->active_ms = now32(session);
    session->pinged = false;
  }
  if (stoa_session_queued(session) <= stoa_session_pause_bytes(session) / 2) {
    session->paused = false;
    stoa_session_process_stash(session);
  }
}

static void on_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_session *session = (struct stoa_session *)(void *)io;
  if ((events & (EPOLLOUT | EPOLLERR)) != 0) {
    on_writable(session);
  }
  bool input = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  /* TLS may have to write before it can go on reading, in its handshake and when keys are renewed. */
  input = input || (session->conn.tls != NULL && (events & EPOLLOUT) != 0);
  if (session->held && (events & (EPOLLHUP | EPOLLERR)) != 0) {
    /* They are told again and again until somebody reads. */
    stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "connection lost");
  }
  if (input && !stoa_session_input_waits(session) && !session->peer_ended && session->state != STOA_SESSION_CLOSED) {
    stoa_session_readable(session);
  }
  if (session->state != STOA_SESSION_CLOSED) {
    stoa_session_watch(session);
  }
}

static int start(struct stoa_session *session, int fd, struct stoa_tls_context *tls_context) {
  int status = stoa_conn_init(&session->conn, fd, tls_context, on_ready);
  if (status == STOA_OK) {
    status = stoa_uuid_make(&session->id);
  }
  return status == STOA_OK ? stoa_loop_add(session->host->loop, &session->conn.io) : status;
}

void stoa_session_abandon(struct stoa_session *session) {
  stoa_conn_close(&session->conn, session->host->loop);
  stoa_turn_dismiss(&session->host->turn);
  stoa_free(session);
}

int stoa_session_open(struct stoa_session_host *host, int fd, const struct stoa_peer *peer,
                      struct stoa_tls_context *tls_context, struct stoa_session **out_session) {
  struct stoa_session *session = stoa_calloc(1, sizeof *session);
  if (session == NULL || stoa_turn_admit(&host->turn) != STOA_OK) {
    stoa_free(session);
    stoa_sys.close(fd);
    return STOA_E_MEMORY;
  }
  session->host = host;
  session->peer = *peer;
  session->close_code = STOA_WS_CLOSE_ABNORMAL;
  session->since_ms = now32(session);
  session->active_ms = session->since_ms;
  int status = start(session, fd, tls_context);
  if (status != STOA_OK) {
    session->conn.io.fd = fd;
    stoa_session_abandon(session);
    return status;
  }
  *out_session = session;
  return STOA_OK;
}

void stoa_session_upgraded(struct stoa_session *session, const struct stoa_ws_deflate *deflate) {
  session->deflate_bits = deflate == NULL ? 0 : deflate->server_max_window_bits;
  stoa_ws_reader_init(&session->reader, true, deflate != NULL);
  stoa_session_output_seal(session);
  enter(session, STOA_SESSION_OPEN, session->host->limits->ping_ms);
}

void stoa_session_answered(struct stoa_session *session, bool close) {
  if (close) {
    stoa_session_shut(session);
    return;
  }
  /* The next request has its own handshake time. */
  session->since_ms = now32(session);
}

void stoa_session_watch(struct stoa_session *session) {
  bool want_read = !stoa_session_input_waits(session) && !session->peer_ended;
  bool want_write = session->blocked || session->paused;
  uint32_t events = stoa_conn_events(&session->conn, want_read, want_write);
  if (stoa_loop_modify(session->host->loop, &session->conn.io, events) != STOA_OK) {
    session->broken = true;
    stoa_session_mark(session);
  }
}

void stoa_session_shut(struct stoa_session *session) {
  if (session->state >= STOA_SESSION_CLOSING) {
    return;
  }
  enter(session, STOA_SESSION_CLOSING, CLOSING_MS);
  session->paused = false;
  session->held = false;
  stoa_session_mark(session);
}

static void keep_reason(struct stoa_session *session, uint16_t code, const char *reason) {
  session->close_code = code;
  if (reason == NULL || reason[0] == '\0' || session->close_reason != NULL) {
    return;
  }
  size_t len = strnlen(reason, STOA_WS_CONTROL_LEN_MAX - 2);
  session->close_reason = stoa_alloc(len + 1);
  /* Without memory the code alone has to say it. */
  if (session->close_reason != NULL) {
    memcpy(session->close_reason, reason, len);
    session->close_reason[len] = '\0';
  }
}

void stoa_session_close(struct stoa_session *session, uint16_t code, const char *reason) {
  if (session->state != STOA_SESSION_OPEN) {
    return;
  }
  keep_reason(session, code, reason);
  /* While it is still open: what its groups gathered in this turn goes out before the close frame. */
  session->host->on_closing(session);
  if (session->slow) {
    stoa_session_output_cut(session);
    session->slow = false;
  }
  uint8_t frame[127];
  size_t len = stoa_ws_close_write(frame, code, reason);
  struct stoa_buffer *out = stoa_session_output_last(session);
  if (out != NULL) {
    if (stoa_buffer_append(out, frame, len) != STOA_OK) {
      session->broken = true;
    }
    stoa_session_output_end(session);
  }
  stoa_session_shut(session);
}

static void release(struct stoa_deferred *deferred) {
  struct stoa_session *session =
      (struct stoa_session *)(void *)((char *)deferred - offsetof(struct stoa_session, release));
  session->host->on_end(session);
  stoa_turn_dismiss(&session->host->turn);
  stoa_free(session->close_reason);
  stoa_free(session);
}

void stoa_session_drop(struct stoa_session *session, uint16_t code, const char *reason) {
  if (session->state == STOA_SESSION_CLOSED) {
    return;
  }
  bool was_open = session->state == STOA_SESSION_OPEN;
  if (session->state <= STOA_SESSION_OPEN) {
    keep_reason(session, code, reason);
  }
  enter(session, STOA_SESSION_CLOSED, 0);
  stoa_conn_close(&session->conn, session->host->loop);
  stoa_session_output_discard(session);
  stoa_session_input_release(session);
  if (was_open) {
    session->host->on_closing(session);
  }
  if (!session->resuming) {
    session->release.run = release;
    stoa_loop_defer(session->host->loop, &session->release);
  }
}

bool stoa_session_input_waits(const struct stoa_session *session) {
  return session->paused || session->held;
}

void stoa_session_pause_for_calls(struct stoa_session *session) {
  session->held = session->held || session->state == STOA_SESSION_OPEN;
}

static void resume(struct stoa_deferred *deferred) {
  struct stoa_session *session =
      (struct stoa_session *)(void *)((char *)deferred - offsetof(struct stoa_session, release));
  session->resuming = false;
  if (session->state == STOA_SESSION_CLOSED) {
    release(deferred);
    return;
  }
  if (!stoa_session_input_waits(session)) {
    stoa_session_process_stash(session);
  }
  /* TLS may hold decrypted bytes that the descriptor does not show. */
  if (session->state == STOA_SESSION_OPEN && !stoa_session_input_waits(session) && stoa_conn_pending(&session->conn)) {
    stoa_session_readable(session);
  }
  if (session->state != STOA_SESSION_CLOSED) {
    stoa_session_watch(session);
  }
}

void stoa_session_resume_for_calls(struct stoa_session *session) {
  if (!session->held || session->state != STOA_SESSION_OPEN) {
    return;
  }
  session->held = false;
  /* Its pongs were not read, which is no fault of its own. */
  session->active_ms = now32(session);
  session->pinged = false;
  if (!session->resuming) {
    session->resuming = true;
    session->release.run = resume;
    stoa_loop_defer(session->host->loop, &session->release);
  }
}

/* All is sent: shut our side and wait for the peer's, so that unread input does not turn our last bytes into a reset
 * (RFC 9112 9.6). */
static void linger(struct stoa_session *session) {
  stoa_conn_shutdown(&session->conn);
  enter(session, STOA_SESSION_LINGERING, LINGERING_MS);
}

void stoa_session_settled(struct stoa_session *session) {
  if (!session->broken && session->state == STOA_SESSION_CLOSING && stoa_session_queued(session) == 0) {
    if (session->peer_ended) {
      stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "");
      return;
    }
    linger(session);
  }
  if (!session->broken) {
    stoa_session_watch(session);
  }
  if (session->broken) {
    stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "");
  }
}

void stoa_session_settle(struct stoa_session *session) {
  if (session->state == STOA_SESSION_CLOSED) {
    return;
  }
  if (session->state >= STOA_SESSION_CLOSING) {
    /* Only now: the message that a handler was looking at when it closed the session lay in there. */
    stoa_session_input_release(session);
  }
  if (session->slow && !session->broken && session->state == STOA_SESSION_OPEN) {
    stoa_session_close(session, STOA_CLOSE_SLOW, "send queue full");
  }
  if (session->broken || session->blocked || stoa_session_send_own(session, true)) {
    stoa_session_settled(session);
  }
}

static uint64_t due_after(uint64_t now_ms, uint32_t since_ms, uint32_t delay_ms) {
  uint32_t passed = (uint32_t)now_ms - since_ms;
  return passed >= delay_ms ? now_ms : now_ms + (delay_ms - passed);
}

static void send_ping(struct stoa_session *session, uint64_t now_ms) {
  session->pinged = true;
  session->since_ms = (uint32_t)now_ms;
  struct stoa_buffer *out = stoa_session_output_begin(session);
  if (out != NULL) {
    uint8_t header[10];
    size_t len = stoa_ws_header_write(header, STOA_WS_PING, false, 0);
    if (stoa_buffer_append(out, header, len) != STOA_OK) {
      session->broken = true;
    }
    stoa_session_output_end(session);
    session->host->on_ping(session);
  }
}

static uint64_t open_deadline(struct stoa_session *session, uint64_t now_ms) {
  const struct stoa_session_limits *limits = session->host->limits;
  uint64_t message_due = UINT64_MAX;
  if (session->held) {
    return now_ms + limits->ping_ms;
  }
  if (stoa_session_input_overdue(session, now_ms, &message_due)) {
    stoa_session_close(session, STOA_WS_CLOSE_POLICY, "message not finished in time");
    return now_ms + CLOSING_MS;
  }
  uint64_t due;
  if (session->pinged) {
    due = due_after(now_ms, session->since_ms, limits->pong_ms);
    if (due <= now_ms) {
      stoa_session_close(session, STOA_CLOSE_NO_PONG, "no pong in time");
      return now_ms + CLOSING_MS;
    }
  } else {
    due = due_after(now_ms, session->active_ms, limits->ping_ms);
    if (due <= now_ms) {
      send_ping(session, now_ms);
      due = now_ms + limits->pong_ms;
    }
  }
  return due < message_due ? due : message_due;
}

static uint64_t drop_when_due(struct stoa_session *session, uint64_t now_ms, uint32_t delay_ms) {
  uint64_t due = due_after(now_ms, session->since_ms, delay_ms);
  if (due <= now_ms) {
    stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "");
  }
  return due;
}

/* A peer that is silent too long before the upgrade: those that have begun to ask are told (RFC 9110 15.5.9). */
static uint64_t handshake_deadline(struct stoa_session *session, uint64_t now_ms) {
  uint64_t due = due_after(now_ms, session->since_ms, session->host->limits->handshake_ms);
  if (due > now_ms) {
    return due;
  }
  if (session->input == NULL) {
    stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, "");
    return now_ms;
  }
  stoa_session_refuse_late(session);
  return now_ms + CLOSING_MS;
}

uint64_t stoa_session_on_deadline(struct stoa_session *session, uint64_t now_ms) {
  switch ((enum stoa_session_state)session->state) {
    case STOA_SESSION_HANDSHAKE:
      return handshake_deadline(session, now_ms);
    case STOA_SESSION_OPEN:
      return open_deadline(session, now_ms);
    case STOA_SESSION_CLOSING:
      return drop_when_due(session, now_ms, CLOSING_MS);
    case STOA_SESSION_LINGERING:
      return drop_when_due(session, now_ms, LINGERING_MS);
    case STOA_SESSION_CLOSED:
      return UINT64_MAX;
  }
  return UINT64_MAX;
}

const struct stoa_uuid *stoa_session_id(const struct stoa_session *session) {
  return &session->id;
}

void *stoa_session_user(const struct stoa_session *session) {
  return session->user;
}

void stoa_session_set_user(struct stoa_session *session, void *user) {
  session->user = user;
}
