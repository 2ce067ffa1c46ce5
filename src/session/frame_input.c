/* session/frame_input.c: frames to messages, in the peer's order. */
#include "session/input.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <assert.h>
#include <stoa/log.h>

/* Of a frame that breaks the protocol, in the log: the longest header without the mask (RFC 6455 5.2). */
#define SHOWN_BYTES_MAX 10u

/* A message that is not complete yet. */

static struct stoa_session_input *input_of(const struct stoa_session *session) {
  return (struct stoa_session_input *)(void *)session->stream.input;
}

struct stoa_stream_input *stoa_session_make_input(struct stoa_stream *stream) {
  struct stoa_session_input *input = stoa_calloc(1, sizeof *input);
  if (input == NULL) {
    return NULL;
  }
  stoa_buffer_init(&input->message, stoa_session_host_of(stoa_session_of(stream))->limits->message_bytes_max);
  return &input->base;
}

void stoa_session_free_input(struct stoa_stream_input *base) {
  struct stoa_session_input *input = stoa_container_of(base, struct stoa_session_input, base);
  stoa_buffer_fini(&input->message);
  stoa_inflater_destroy(input->inflater);
  stoa_free(input);
}

bool stoa_session_input_is_idle(const struct stoa_stream_input *input) {
  return !stoa_container_of(input, const struct stoa_session_input, base)->in_message;
}

bool stoa_session_input_overdue(struct stoa_session *session, uint64_t now_ms, uint64_t *out_due_ms) {
  struct stoa_session_input *input = input_of(session);
  uint32_t limit = stoa_session_host_of(session)->limits->message_ms;
  if (input == NULL || !input->in_message) {
    return false;
  }
  /* A session that we paused is not read, so its message cannot finish: its time starts again with each check during
   * the pause. A pause because the peer does not take output, or has used its share, does not stop the clock. */
  if ((session->stream.pauses & ~(STOA_PAUSE_OUTPUT | STOA_PAUSE_SHARE)) != 0) {
    input->started_ms = (uint32_t)now_ms;
    *out_due_ms = now_ms + limit / 4;
    return false;
  }
  uint32_t passed = (uint32_t)now_ms - input->started_ms;
  *out_due_ms = passed >= limit ? now_ms : now_ms + (limit - passed);
  return passed >= limit;
}

static void fail_memory(struct stoa_session *session) {
  stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
}

static bool begin_message(struct stoa_session *session, bool compressed) {
  struct stoa_session_host *host = stoa_session_host_of(session);
  struct stoa_session_input *input = (struct stoa_session_input *)(void *)stoa_stream_input_ensure(&session->stream);
  if (input == NULL) {
    return false;
  }
  assert(!input->in_message);
  if (compressed && input->inflater == NULL) {
    input->inflater = host->spare_inflater;
    host->spare_inflater = NULL;
    if (input->inflater == NULL) {
      input->inflater = stoa_inflater_create();
    }
    if (input->inflater == NULL) {
      return false;
    }
  }
  input->in_message = true;
  input->message.len_max = host->limits->message_bytes_max; /* a reload may have changed it */
  input->utf8 = STOA_UTF8_START;
  uint64_t now_ms = stoa_loop_now_ms(host->protocol.host->loop);
  input->started_ms = (uint32_t)now_ms;
  /* Otherwise the time of the message would be checked only when the next ping is due. */
  host->protocol.host->on_deadline_change(&session->stream, now_ms + host->limits->message_ms);
  return true;
}

static void give_back_inflater(struct stoa_session *session) {
  struct stoa_session_input *input = input_of(session);
  struct stoa_session_host *host = stoa_session_host_of(session);
  if (input == NULL || input->inflater == NULL) {
    return;
  }
  if (host->spare_inflater == NULL) {
    stoa_inflater_reset(input->inflater);
    host->spare_inflater = input->inflater;
  } else {
    stoa_inflater_destroy(input->inflater);
  }
  input->inflater = NULL;
}

/* Messages. */

void stoa_session_deliver(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  struct stoa_session_host *host = stoa_session_host_of(session);
  session->stream.messages_in++;
  host->messages_in++;
  host->on_message(session, message, is_text);
  stoa_stream_spend(&session->stream, message.len);
}

/* The handler may drop the session, which frees the input. */
static void end_message(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  give_back_inflater(session);
  stoa_session_deliver(session, message, is_text);
  if (session->stream.input != NULL) {
    stoa_buffer_fini(&input_of(session)->message);
    input_of(session)->in_message = false;
  }
}

static bool inflate_piece(struct stoa_session *session, const struct stoa_ws_event *event) {
  struct stoa_session_input *input = input_of(session);
  assert(input->inflater != NULL);
  size_t before = input->message.len;
  int status =
      stoa_inflater_step(input->inflater, stoa_bytes_make(event->data, event->len), event->last, &input->message);
  size_t added = input->message.len - before;
  if (event->opcode == STOA_WS_TEXT && added > 0 &&
      stoa_utf8_check(&input->utf8, input->message.data + before, added) < added) {
    stoa_session_end(session, STOA_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    return false;
  }
  if (status == STOA_E_LIMIT) {
    stoa_session_end(session, STOA_WS_CLOSE_TOO_BIG, "message too big");
  } else if (status == STOA_E_SYNTAX) {
    stoa_session_end(session, STOA_WS_CLOSE_INVALID_DATA, "not deflate data");
  } else if (status != STOA_OK) {
    fail_memory(session);
  }
  return status == STOA_OK;
}

static void on_compressed(struct stoa_session *session, const struct stoa_ws_event *event) {
  if (!inflate_piece(session, event) || !event->last) {
    return;
  }
  if (event->opcode == STOA_WS_TEXT && input_of(session)->utf8 != STOA_UTF8_START) {
    stoa_session_end(session, STOA_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    return;
  }
  const struct stoa_buffer *message = &input_of(session)->message;
  end_message(session, stoa_bytes_make(message->data, message->len), event->opcode == STOA_WS_TEXT);
}

static void on_payload(struct stoa_session *session, const struct stoa_ws_event *event) {
  bool is_text = event->opcode == STOA_WS_TEXT;
  if (event->first && event->last && !event->compressed) {
    /* The usual case: a whole message in one frame and one read is handled without a copy. */
    stoa_session_deliver(session, stoa_bytes_make(event->data, event->len), is_text);
    return;
  }
  if (event->first && !begin_message(session, event->compressed)) {
    fail_memory(session);
    return;
  }
  assert(session->stream.input != NULL);
  assert(input_of(session)->in_message);
  if (event->compressed) {
    on_compressed(session, event);
    return;
  }
  struct stoa_buffer *message = &input_of(session)->message;
  int status = stoa_buffer_append(message, event->data, event->len);
  if (status == STOA_E_LIMIT) {
    /* The reader has checked the length against the limit, which has become higher since the message began. */
    stoa_session_end(session, STOA_WS_CLOSE_TOO_BIG, "message too big");
  } else if (status != STOA_OK) {
    fail_memory(session);
  } else if (event->last) {
    end_message(session, stoa_bytes_make(message->data, message->len), is_text);
  }
}

static void on_close_frame(struct stoa_session *session, const struct stoa_ws_event *event) {
  /* RFC 6455 5.5.1: the answer repeats the code; 7.4.1: 1005 itself is never sent. */
  char reason[STOA_WS_CONTROL_LEN_MAX];
  size_t len = event->len > 2 ? event->len - 2 : 0;
  assert(len < sizeof reason);
  if (len > 0) {
    memcpy(reason, event->data + 2, len);
  }
  reason[len] = '\0';
  session->peer_closed = session->state == STOA_SESSION_OPEN || session->peer_closed;
  stoa_session_end(session, event->code, reason);
}

static void on_control(struct stoa_session *session, const struct stoa_ws_event *event) {
  switch (event->opcode) {
    case STOA_WS_PING:
      /* It fails when the queue is full, which ends the session anyway. */
      stoa_session_output_message(session, STOA_WS_PONG, stoa_bytes_make(event->data, event->len));
      stoa_stream_spend(&session->stream, event->len);
      return;
    case STOA_WS_CLOSE:
      on_close_frame(session, event);
      return;
    case STOA_WS_PONG: /* any received bytes show that the peer is alive */
    case STOA_WS_CONTINUATION:
    case STOA_WS_TEXT:
    case STOA_WS_BINARY:
      return;
  }
}

static void on_event(struct stoa_session *session, const struct stoa_ws_event *event) {
  if (event->kind == STOA_WS_EVENT_ERROR) {
    stoa_session_end(session, event->code, event->reason);
  } else if (event->kind == STOA_WS_EVENT_CONTROL) {
    on_control(session, event);
  } else if (session->state == STOA_SESSION_OPEN) {
    on_payload(session, event);
  }
  /* Otherwise the close handshake has begun, and messages are thrown away. */
}

/* How many of the bytes are the frame's header, without the mask: what comes after it may be a secret. Text that is not
 * UTF-8 (1007) may be found in the middle of a frame, so there is none to show. */
static size_t header_len(const struct stoa_ws_event *event, const uint8_t *data, size_t len) {
  if (event->code == STOA_WS_CLOSE_INVALID_DATA || len < 2) {
    return event->code == STOA_WS_CLOSE_INVALID_DATA ? 0 : len;
  }
  size_t whole = (data[1] & 0x7f) < 126 ? 2 : (data[1] & 0x7f) == 126 ? 4 : SHOWN_BYTES_MAX;
  return whole < len ? whole : len;
}

/* What the peer did wrong, with the frame's header. */
static void log_violation(const struct stoa_session *session, const struct stoa_ws_event *event, const uint8_t *data,
                          size_t len) {
  static const char digits[] = "0123456789abcdef";
  char id[STOA_UUID_TEXT_LEN + 1];
  char hex[2 * SHOWN_BYTES_MAX + 1];
  size_t shown = header_len(event, data, len);
  assert(shown <= SHOWN_BYTES_MAX);
  for (size_t i = 0; i < shown; i++) {
    hex[2 * i] = digits[data[i] >> 4];
    hex[2 * i + 1] = digits[data[i] & 15];
  }
  hex[2 * shown] = '\0';
  stoa_uuid_format(&session->id, id);
  stoa_log(STOA_LOG_DEBUG, "protocol error", STOA_F_STR("session", id), STOA_F_INT("code", event->code),
           STOA_F_STR("reason", event->reason), STOA_F_STR("bytes", hex), STOA_F_INT("more", len - shown));
}

void stoa_session_pause_when_full(struct stoa_session *session) {
  if (session->state == STOA_SESSION_OPEN &&
      stoa_stream_queued(&session->stream) > stoa_stream_pause_bytes(&session->stream)) {
    stoa_stream_pause(&session->stream, STOA_PAUSE_OUTPUT);
  }
}

size_t stoa_session_read_frames(struct stoa_stream *stream, uint8_t *data, size_t len) {
  struct stoa_session *session = stoa_session_of(stream);
  uint64_t limit = stoa_session_host_of(session)->limits->message_bytes_max;
  size_t at = 0;
  session->pinged = false;
  while (at < len && stream->pauses == 0 && stream->state == STOA_STREAM_OPEN) {
    struct stoa_ws_event event;
    size_t used;
    stoa_ws_read(&session->reader, limit, data + at, len - at, &used, &event);
    if (event.kind == STOA_WS_EVENT_ERROR && stoa_log_enabled(STOA_LOG_DEBUG)) {
      log_violation(session, &event, data + at, len - at);
    }
    at += used;
    assert(at <= len);
    if (event.kind == STOA_WS_EVENT_NONE) {
      break;
    }
    on_event(session, &event);
    stoa_session_pause_when_full(session);
  }
  return at;
}
