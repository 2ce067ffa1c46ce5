#include "session/input.h"

#include "base/memory.h"
#include "session/output.h"

#include <assert.h>

struct stoa_session_input *stoa_session_input_ensure(struct stoa_session *session) {
  if (session->input == NULL) {
    session->input = stoa_calloc(1, sizeof *session->input);
    if (session->input != NULL) {
      stoa_buffer_init(&session->input->stash, STOA_SESSION_STASH_BYTES_MAX);
      stoa_buffer_init(&session->input->message, session->host->limits->message_bytes_max);
    }
  }
  return session->input;
}

void stoa_session_input_release(struct stoa_session *session) {
  struct stoa_session_input *input = session->input;
  if (input == NULL) {
    return;
  }
  stoa_buffer_fini(&input->stash);
  stoa_buffer_fini(&input->message);
  stoa_inflater_destroy(input->inflater);
  stoa_free(input->head);
  stoa_free(input);
  session->input = NULL;
}

void stoa_session_input_trim(struct stoa_session *session) {
  struct stoa_session_input *input = session->input;
  if (input != NULL && input->stash.len == 0 && !input->in_message && input->head == NULL) {
    stoa_session_input_release(session);
  }
}

bool stoa_session_input_overdue(const struct stoa_session *session, uint64_t now_ms, uint64_t *out_due_ms) {
  if (session->input == NULL || !session->input->in_message) {
    return false;
  }
  uint32_t passed = (uint32_t)now_ms - session->input->started_ms;
  uint32_t limit = session->host->limits->message_ms;
  *out_due_ms = passed >= limit ? now_ms : now_ms + (limit - passed);
  return passed >= limit;
}

/* Put what was left over in front of the scratch. */
static size_t unstash(struct stoa_session *session) {
  if (session->input == NULL) {
    return 0;
  }
  size_t len = session->input->stash.len;
  if (len > 0) {
    memcpy(session->host->scratch, session->input->stash.data, len);
    session->input->stash.len = 0;
  }
  return len;
}

static void stash(struct stoa_session *session, const uint8_t *data, size_t len) {
  if (len == 0) {
    stoa_session_input_trim(session);
    return;
  }
  struct stoa_session_input *input = stoa_session_input_ensure(session);
  if (input != NULL && stoa_buffer_append(&input->stash, data, len) == STOA_OK) {
    return;
  }
  if (session->state == STOA_SESSION_OPEN) {
    stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
  } else {
    stoa_session_drop(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
  }
}

/* Take heads and frames off the front of the bytes; what is left is kept for later. A session that is closing keeps
 * nothing. */
static void process(struct stoa_session *session, uint8_t *data, size_t len) {
  size_t at = 0;
  size_t used = 1;
  while (at < len && used > 0 && !stoa_session_input_waits(session)) {
    if (session->state == STOA_SESSION_HANDSHAKE) {
      used = stoa_session_read_head(session, data + at, len - at);
    } else if (session->state == STOA_SESSION_OPEN) {
      used = stoa_session_read_frames(session, data + at, len - at);
    } else {
      return;
    }
    at += used;
  }
  if (session->state <= STOA_SESSION_OPEN) {
    stash(session, data + at, len - at);
  }
}

void stoa_session_process_stash(struct stoa_session *session) {
  size_t len = unstash(session);
  if (len > 0) {
    process(session, session->host->scratch, len);
  }
}

static void on_read_failed(struct stoa_session *session, int status) {
  if (status == STOA_E_AGAIN) {
    return;
  }
  if (status == STOA_E_CLOSED && stoa_session_queued(session) > 0 && session->state != STOA_SESSION_OPEN) {
    /* The peer has said all it will, but still reads: it gets the rest of the answer or of the goodbye. */
    session->peer_ended = true;
    stoa_session_shut(session);
    return;
  }
  /* RFC 6455 7.1.5: without a close frame the code is 1006. */
  stoa_session_drop(session, STOA_WS_CLOSE_ABNORMAL, status == STOA_E_TLS ? "TLS error" : "connection lost");
}

static bool read_once(struct stoa_session *session) {
  uint8_t *scratch = session->host->scratch;
  size_t kept = session->input == NULL ? 0 : session->input->stash.len;
  size_t len;
  int status = stoa_conn_read(&session->conn, scratch + kept, STOA_SESSION_READ_BYTES, &len);
  if (status != STOA_OK) {
    on_read_failed(session, status);
    return false;
  }
  if (session->state >= STOA_SESSION_CLOSING) {
    return true; /* thrown away */
  }
  session->active_ms = (uint32_t)stoa_loop_now_ms(session->host->loop);
  session->pinged = false;
  kept = unstash(session);
  process(session, scratch, kept + len);
  return true;
}

/* One read a turn for a plain connection: the level-triggered loop comes back for more, and no session keeps the
 * others waiting. TLS may hold decrypted bytes that the descriptor does not show, so those are read too. */
void stoa_session_readable(struct stoa_session *session) {
  bool more = read_once(session);
  while (more && session->state != STOA_SESSION_CLOSED && !stoa_session_input_waits(session) &&
         stoa_conn_pending(&session->conn)) {
    more = read_once(session);
  }
}
