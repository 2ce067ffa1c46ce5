/* session/output.c: messages as frames on the session's stream. */
#include "session/event.h"
#include "session/fallback.h"

#include <assert.h>

/* From this length on copying a message costs more than a system call, so it is written without a copy. */
#define WRITE_THROUGH_BYTES_MIN 4096

static int append_frame(struct stoa_buffer *out, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, opcode, false, message.len);
  int status = stoa_buffer_reserve(out, header_len + message.len);
  if (status == STOA_OK) {
    status = stoa_buffer_append(out, header, header_len);
  }
  return status == STOA_OK ? stoa_buffer_append(out, message.data, message.len) : status;
}

struct stoa_deflater *stoa_session_deflater(struct stoa_session_host *host, uint8_t window_bits) {
  assert(window_bits >= 9 && window_bits <= 15);
  struct stoa_deflater **slot = &host->deflaters[window_bits - 9];
  if (*slot == NULL) {
    *slot = stoa_deflater_create(window_bits);
  }
  return *slot;
}

/* The header's length depends on the compressed length, so room for the longest header is left; the payload then moves
 * up to the end of the real one. */
static int append_compressed(struct stoa_session *session, struct stoa_buffer *out, enum stoa_ws_opcode opcode,
                             struct stoa_bytes message) {
  assert(session->deflate_bits > 0);
  struct stoa_deflater *deflater = stoa_session_deflater(stoa_session_host_of(session), session->deflate_bits);
  size_t start = out->len;
  const size_t room = 10;
  if (deflater == NULL || stoa_buffer_reserve(out, room) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  out->len += room;
  int status = stoa_deflater_message(deflater, message, out);
  size_t body_len = out->len - start - room;
  out->len = start;
  if (status != STOA_OK) {
    return status;
  }
  if (body_len >= message.len) {
    return append_frame(out, opcode, message);
  }
  size_t header_len = stoa_ws_header_write(out->data + start, opcode, true, body_len);
  memmove(out->data + start + header_len, out->data + start + room, body_len);
  out->len = start + header_len + body_len;
  return STOA_OK;
}

/* Queue the frame from its start and mark the written part as sent, because the queue needs whole frames. */
static int queue_rest(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message,
                      size_t written) {
  struct stoa_stream *stream = &session->stream;
  struct stoa_buffer *out = stoa_stream_queue_begin(stream);
  int status = out == NULL ? STOA_E_MEMORY : append_frame(out, opcode, message);
  if (out != NULL) {
    stoa_stream_output_end(stream);
  }
  if (status != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_MEMORY); /* a part of the frame was sent already */
    return status;
  }
  stoa_stream_output_written(stream, written);
  return STOA_OK;
}

static int append_event(struct stoa_buffer *out, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  switch (opcode) {
    case STOA_WS_TEXT:
    case STOA_WS_BINARY:
      return stoa_event_append_message(out, message, opcode == STOA_WS_TEXT);
    case STOA_WS_PING:
      return stoa_event_append_ping(out);
    case STOA_WS_CONTINUATION:
    case STOA_WS_PONG: /* answers a ping of the client, which has none */
    case STOA_WS_CLOSE:
      break;
  }
  assert(false);
  return STOA_E_ARGUMENT;
}

static int output_event(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  struct stoa_stream *stream = &session->stream;
  struct stoa_buffer *out = stoa_stream_output_begin(stream);
  if (out == NULL) {
    return stoa_stream_output_status(stream);
  }
  int status = append_event(out, opcode, message);
  stoa_stream_output_end(stream);
  return status;
}

static int append_message(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message,
                          bool compress) {
  struct stoa_stream *stream = &session->stream;
  struct stoa_buffer *out = stoa_stream_output_begin(stream);
  if (out == NULL) {
    return stoa_stream_output_status(stream);
  }
  int status = compress ? append_compressed(session, out, opcode, message) : append_frame(out, opcode, message);
  stoa_stream_output_end(stream);
  return status;
}

static int output(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  bool compress = session->deflate_bits > 0 && message.len >= STOA_DEFLATE_BYTES_MIN && opcode < STOA_WS_CLOSE;
  if (compress || message.len < WRITE_THROUGH_BYTES_MIN) {
    return append_message(session, opcode, message, compress);
  }
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, opcode, false, message.len);
  /* struct iovec has no const, although writing only reads the data. */
  struct iovec pieces[2] = {{header, header_len}, {(void *)(uintptr_t)message.data, message.len}};
  size_t written;
  if (!stoa_stream_write_through(&session->stream, pieces, 2, &written)) {
    return append_message(session, opcode, message, false);
  }
  if (session->stream.fate != STOA_FATE_ALIVE) {
    return stoa_stream_output_status(&session->stream);
  }
  return written == header_len + message.len ? STOA_OK : queue_rest(session, opcode, message, written);
}

int stoa_session_output_message(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  if (session->state != STOA_SESSION_OPEN) {
    return STOA_E_CLOSED;
  }
  int status =
      stoa_session_is_fallback(session) ? output_event(session, opcode, message) : output(session, opcode, message);
  if (status == STOA_OK && opcode < STOA_WS_CLOSE) {
    stoa_session_note_sent(session, 1);
  }
  return status;
}
