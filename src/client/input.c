#include "client/client_private.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>

static void on_close(struct stoa_client *client, const struct stoa_ws_event *event) {
  size_t len = event->len > 2 ? event->len - 2 : 0;
  assert(len < sizeof client->peer_close_reason);
  if (len > 0) {
    memcpy(client->peer_close_reason, event->data + 2, len);
  }
  client->peer_close_reason[len] = '\0';
  client->peer_close_code = event->code;
  client->peer_closed = true;
  if (client->phase == STOA_PHASE_OPEN) {
    /* RFC 6455 5.5.1: the answer repeats the code. The server ends the connection then (7.1.1). */
    stoa_client_send_close(client, event->code, client->peer_close_reason);
  }
}

static void on_control(struct stoa_client *client, const struct stoa_ws_event *event) {
  switch (event->opcode) {
    case STOA_WS_PING:
      assert(event->len <= sizeof client->pong);
      if (event->len > 0) {
        memcpy(client->pong, event->data, event->len);
      }
      client->pong_len = (uint8_t)event->len;
      client->pong_owed = true;
      return;
    case STOA_WS_CLOSE:
      on_close(client, event);
      return;
    case STOA_WS_PONG: /* any input shows that the server is alive */
    case STOA_WS_CONTINUATION:
    case STOA_WS_TEXT:
    case STOA_WS_BINARY:
      return;
  }
}

/* RFC 6455 7.1.7: send the reason, if that is possible without waiting, and end the connection. */
static void on_violation(struct stoa_client *client, const struct stoa_ws_event *event) {
  struct stoa_connection_end end = {.status = event->code == STOA_WS_CLOSE_TOO_BIG ? STOA_E_LIMIT : STOA_E_SYNTAX,
                                    .close_code = event->code,
                                    .reason = event->reason};
  char too_long[96];
  if (event->code == STOA_WS_CLOSE_TOO_BIG) {
    snprintf(too_long, sizeof too_long, "a message is longer than received_message_bytes_max (%u)",
             client->settings.received_message_bytes_max);
    end.reason = too_long;
  }
  if (client->phase == STOA_PHASE_OPEN) {
    uint8_t frame[2 + STOA_WS_CONTROL_LEN_MAX];
    size_t len = stoa_ws_close_write(frame, event->code, event->reason);
    int ignored = stoa_client_queue_control(client, STOA_WS_CLOSE, stoa_bytes_make(frame + 2, len - 2));
    (void)ignored;
    stoa_client_flush(client);
  }
  if (stoa_client_has_connection(client)) {
    stoa_client_drop(client, &end);
  }
}

static int inflate_piece(struct stoa_client *client, const struct stoa_ws_event *event) {
  if (client->inflater == NULL) {
    client->inflater = stoa_inflater_create();
    if (client->inflater == NULL) {
      return STOA_E_MEMORY;
    }
  }
  struct stoa_bytes piece = stoa_bytes_make(event->data, event->len);
  int status = stoa_inflater_step(client->inflater, piece, event->last, &client->message);
  if (status == STOA_OK && event->last) {
    stoa_inflater_reset(client->inflater);
    bool is_text = event->opcode == STOA_WS_TEXT;
    status = !is_text || stoa_utf8_valid(client->message.data, client->message.len) ? STOA_OK : STOA_E_UTF8;
  }
  return status;
}

static void refuse_compressed(struct stoa_client *client, int status) {
  struct stoa_ws_event violation = {.kind = STOA_WS_EVENT_ERROR, .code = STOA_WS_CLOSE_INVALID_DATA};
  if (status == STOA_E_LIMIT) {
    violation.code = STOA_WS_CLOSE_TOO_BIG;
    violation.reason = "message too big";
  } else {
    violation.reason = status == STOA_E_UTF8 ? "text is not UTF-8" : "not deflate data";
  }
  on_violation(client, &violation);
}

/* Add a part of a message, or a compressed message. */
static int add_piece(struct stoa_client *client, const struct stoa_ws_event *event) {
  if (event->compressed) {
    return inflate_piece(client, event);
  }
  /* The reader has checked the length against the buffer's limit, so only memory can fail here. */
  return stoa_buffer_append(&client->message, event->data, event->len);
}

static void on_payload(struct stoa_client *client, const struct stoa_ws_event *event) {
  bool is_text = event->opcode == STOA_WS_TEXT;
  if (event->first && event->last && !event->compressed) {
    /* The usual case: a whole message in one piece is not copied. */
    stoa_client_on_message(client, stoa_bytes_make(event->data, event->len), is_text);
    return;
  }
  int status = add_piece(client, event);
  if (status == STOA_E_MEMORY) {
    stoa_client_drop_for(client, STOA_E_MEMORY, "out of memory");
  } else if (status != STOA_OK) {
    refuse_compressed(client, status);
  } else if (event->last) {
    stoa_client_on_message(client, stoa_bytes_make(client->message.data, client->message.len), is_text);
    stoa_buffer_fini(&client->message);
  }
}

static void on_event(struct stoa_client *client, const struct stoa_ws_event *event) {
  switch (event->kind) {
    case STOA_WS_EVENT_PAYLOAD:
      on_payload(client, event);
      return;
    case STOA_WS_EVENT_CONTROL:
      on_control(client, event);
      return;
    case STOA_WS_EVENT_ERROR:
      on_violation(client, event);
      return;
    case STOA_WS_EVENT_NONE:
      return;
  }
}

static bool takes_frames(const struct stoa_client *client) {
  return client->phase == STOA_PHASE_OPEN || client->phase == STOA_PHASE_CLOSING;
}

/* Process the answer and the frames at the front; the rest is kept for later, unless the connection is dropped. */
static void process(struct stoa_client *client) {
  size_t at = 0;
  if (client->phase == STOA_PHASE_UPGRADING) {
    at = stoa_client_read_answer(client);
  }
  while (takes_frames(client) && at < client->input_len) {
    struct stoa_ws_event event;
    size_t used;
    stoa_ws_read(&client->reader, client->settings.received_message_bytes_max, client->input + at,
                 client->input_len - at, &used, &event);
    at += used;
    if (event.kind == STOA_WS_EVENT_NONE) {
      break;
    }
    on_event(client, &event);
  }
  if (stoa_client_has_connection(client) && at > 0) {
    assert(at <= client->input_len);
    client->input_len -= at;
    memmove(client->input, client->input + at, client->input_len);
  }
}

static void on_read_failed(struct stoa_client *client, int status) {
  if (client->peer_closed) {
    /* The close handshake is complete, and the server has ended the connection, as it must. */
    stoa_client_drop_closed(client);
  } else {
    stoa_client_drop_for(client, status, status == STOA_E_TLS ? "TLS failed" : "the connection was lost");
  }
}

static bool read_once(struct stoa_client *client) {
  size_t len;
  assert(client->input_len + STOA_CLIENT_READ_BYTES <= sizeof client->input);
  int status = stoa_conn_read(&client->conn, client->input + client->input_len, STOA_CLIENT_READ_BYTES, &len);
  if (status != STOA_OK) {
    if (status != STOA_E_AGAIN) {
      on_read_failed(client, status);
    }
    return false;
  }
  stoa_client_heard(client);
  client->input_len += len;
  process(client);
  return true;
}

/* One read in each turn for a plain connection: the loop is level-triggered and reports more input again. TLS may have
 * decrypted bytes that no event reports, so those are read too. */
void stoa_client_readable(struct stoa_client *client) {
  bool more = read_once(client);
  while (more && stoa_client_has_connection(client) && stoa_conn_pending(&client->conn)) {
    more = read_once(client);
  }
}
