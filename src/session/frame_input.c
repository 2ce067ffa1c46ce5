#include "session/input.h"

#include "base/utf8.h"
#include "session/output.h"

#include <assert.h>

static bool has_input_message(const struct stoa_session *session) {
  return session->input != NULL && session->input->in_message;
}

static void fail_memory(struct stoa_session *session) {
  stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
}

static bool begin_message(struct stoa_session *session, bool compressed) {
  struct stoa_session_input *input = stoa_session_input_ensure(session);
  if (input == NULL) {
    return false;
  }
  if (compressed && input->inflater == NULL) {
    input->inflater = session->host->spare_inflater;
    session->host->spare_inflater = NULL;
    if (input->inflater == NULL) {
      input->inflater = stoa_inflater_create();
    }
    if (input->inflater == NULL) {
      return false;
    }
  }
  input->in_message = true;
  input->utf8 = STOA_UTF8_START;
  uint64_t now_ms = stoa_loop_now_ms(session->host->loop);
  input->started_ms = (uint32_t)now_ms;
  /* Otherwise the clock of a message would be looked at only when the next ping is due. */
  session->host->on_deadline_change(session, now_ms + session->host->limits->message_ms);
  return true;
}

static void give_back_inflater(struct stoa_session *session) {
  struct stoa_session_input *input = session->input;
  if (input == NULL || input->inflater == NULL) {
    return;
  }
  if (session->host->spare_inflater == NULL) {
    stoa_inflater_reset(input->inflater);
    session->host->spare_inflater = input->inflater;
  } else {
    stoa_inflater_destroy(input->inflater);
  }
  input->inflater = NULL;
}

/* The handler may close the session and with it the input; then nothing is left to be emptied. */
static void end_message(struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  give_back_inflater(session);
  session->host->on_message(session, message, is_text);
  if (session->input != NULL) {
    stoa_buffer_fini(&session->input->message);
    session->input->in_message = false;
  }
}

static bool inflate_piece(struct stoa_session *session, const struct stoa_ws_event *event) {
  struct stoa_session_input *input = session->input;
  size_t before = input->message.len;
  int status =
      stoa_inflater_step(input->inflater, stoa_bytes_make(event->data, event->len), event->last, &input->message);
  size_t added = input->message.len - before;
  if (event->opcode == STOA_WS_TEXT && added > 0 &&
      stoa_utf8_check(&input->utf8, input->message.data + before, added) < added) {
    stoa_session_close(session, STOA_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    return false;
  }
  if (status == STOA_E_LIMIT) {
    stoa_session_close(session, STOA_WS_CLOSE_TOO_BIG, "message too big");
  } else if (status == STOA_E_SYNTAX) {
    stoa_session_close(session, STOA_WS_CLOSE_INVALID_DATA, "not deflate data");
  } else if (status != STOA_OK) {
    fail_memory(session);
  }
  return status == STOA_OK;
}

static void on_compressed(struct stoa_session *session, const struct stoa_ws_event *event) {
  if (!inflate_piece(session, event) || !event->last) {
    return;
  }
  if (event->opcode == STOA_WS_TEXT && session->input->utf8 != STOA_UTF8_START) {
    stoa_session_close(session, STOA_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    return;
  }
  const struct stoa_buffer *message = &session->input->message;
  end_message(session, stoa_bytes_make(message->data, message->len), event->opcode == STOA_WS_TEXT);
}

static void on_payload(struct stoa_session *session, const struct stoa_ws_event *event) {
  bool is_text = event->opcode == STOA_WS_TEXT;
  if (event->first && event->last && !event->compressed) {
    /* The usual case: a whole message in one piece is used where it lies. */
    session->host->on_message(session, stoa_bytes_make(event->data, event->len), is_text);
    return;
  }
  if (event->first && !begin_message(session, event->compressed)) {
    fail_memory(session);
    return;
  }
  assert(has_input_message(session));
  if (event->compressed) {
    on_compressed(session, event);
    return;
  }
  struct stoa_buffer *message = &session->input->message;
  int status = stoa_buffer_append(message, event->data, event->len);
  if (status != STOA_OK) {
    /* The reader has checked the length against the same limit, so this is memory. */
    fail_memory(session);
  } else if (event->last) {
    end_message(session, stoa_bytes_make(message->data, message->len), is_text);
  }
}

static void on_close_frame(struct stoa_session *session, const struct stoa_ws_event *event) {
  /* RFC 6455 5.5.1: the answer repeats the code; 7.4.1: 1005 itself is never sent. */
  char reason[STOA_WS_CONTROL_LEN_MAX];
  size_t len = event->len > 2 ? event->len - 2 : 0;
  if (len > 0) {
    memcpy(reason, event->data + 2, len);
  }
  reason[len] = '\0';
  stoa_session_close(session, event->code, reason);
}

static void on_control(struct stoa_session *session, const struct stoa_ws_event *event) {
  switch (event->opcode) {
    case STOA_WS_PING:
      /* Refused when the queue is full, which ends the session anyway. */
      stoa_session_output_message(session, STOA_WS_PONG, stoa_bytes_make(event->data, event->len));
      return;
    case STOA_WS_CLOSE:
      on_close_frame(session, event);
      return;
    case STOA_WS_PONG: /* any bytes count as life */
    case STOA_WS_CONTINUATION:
    case STOA_WS_TEXT:
    case STOA_WS_BINARY:
      return;
  }
}

size_t stoa_session_read_frames(struct stoa_session *session, uint8_t *data, size_t len) {
  size_t at = 0;
  uint64_t limit = session->host->limits->message_bytes_max;
  while (at < len && session->state == STOA_SESSION_OPEN && !session->held) {
    if (stoa_session_queued(session) > stoa_session_pause_bytes(session)) {
      session->paused = true;
      break;
    }
    struct stoa_ws_event event;
    size_t used;
    stoa_ws_read(&session->reader, limit, data + at, len - at, &used, &event);
    at += used;
    if (event.kind == STOA_WS_EVENT_NONE) {
      break;
    }
    if (event.kind == STOA_WS_EVENT_PAYLOAD) {
      on_payload(session, &event);
    } else if (event.kind == STOA_WS_EVENT_CONTROL) {
      on_control(session, &event);
    } else {
      stoa_session_close(session, event.code, event.reason);
    }
  }
  return at;
}
