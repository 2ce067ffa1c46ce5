#include "session/session.h"

#include <assert.h>

/* Below this, deflate's own cost in bytes and time is not won back. */
#define COMPRESS_BYTES_MIN 128
/* From here on copying a message costs more than a call of its own: it is written from where it lies. */
#define WRITE_THROUGH_BYTES_MIN 4096

size_t stoa_session_queued(const struct stoa_session *session) {
  return session->queue == NULL ? 0 : session->queue->bytes;
}

static bool ensure_queue(struct stoa_session *session) {
  if (session->queue == NULL) {
    session->queue = stoa_queue_create();
  }
  return session->queue != NULL;
}

/* Only an open session, or one that answers HTTP, takes more. One message always fits into an empty queue, so that
 * the cap need not be above the largest message. */
static bool takes_more(struct stoa_session *session) {
  if (session->state > STOA_SESSION_OPEN || session->broken || session->slow) {
    return false;
  }
  if (stoa_session_queued(session) >= session->host->limits->queue_bytes_max) {
    session->slow = true;
    stoa_session_mark(session);
    return false;
  }
  return true;
}

size_t stoa_session_pause_bytes(const struct stoa_session *session) {
  size_t half = session->host->limits->queue_bytes_max / 2;
  return half < STOA_SESSION_PAUSE_BYTES ? half : STOA_SESSION_PAUSE_BYTES;
}

static struct stoa_buffer *begin(struct stoa_session *session) {
  struct stoa_batch *own = ensure_queue(session) ? stoa_queue_own_begin(session->queue) : NULL;
  stoa_session_mark(session);
  if (own == NULL) {
    session->broken = true;
    return NULL;
  }
  return &own->bytes;
}

struct stoa_buffer *stoa_session_output_begin(struct stoa_session *session) {
  return takes_more(session) ? begin(session) : NULL;
}

/* For a close frame: it is small, and it has to go out when the queue is full too. */
struct stoa_buffer *stoa_session_output_last(struct stoa_session *session) {
  return session->state > STOA_SESSION_OPEN || session->broken ? NULL : begin(session);
}

void stoa_session_output_end(struct stoa_session *session) {
  stoa_queue_own_end(session->queue);
}

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

/* The header's length depends on the compressed length: room for the longest is left, and closed up behind it. */
static int append_compressed(struct stoa_session *session, struct stoa_buffer *out, enum stoa_ws_opcode opcode,
                             struct stoa_bytes message) {
  struct stoa_deflater *deflater = stoa_session_deflater(session->host, session->deflate_bits);
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

/* Nothing waits, and the kernel takes plain bytes from anywhere. (A TLS record that was begun must be finished from the
 * same bytes.) */
static bool may_write_through(const struct stoa_session *session, struct stoa_bytes message) {
  return message.len >= WRITE_THROUGH_BYTES_MIN && session->queue == NULL && !session->blocked &&
         session->conn.tls == NULL && session->state == STOA_SESSION_OPEN && !session->broken && !session->slow;
}

/* What of the frame the kernel did not take waits in the queue, from the frame's start, as the queue wants it. */
static int queue_rest(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message,
                      size_t written) {
  struct stoa_buffer *out = begin(session);
  int status = out == NULL ? STOA_E_MEMORY : append_frame(out, opcode, message);
  if (status != STOA_OK) {
    session->broken = true; /* half a frame is out */
    return status;
  }
  stoa_session_output_end(session);
  session->queue->segments[session->queue->first].sent += written;
  session->queue->bytes -= written;
  return STOA_OK;
}

static int write_through(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, opcode, false, message.len);
  /* An iovec lacks the const that writing would not need to cast away. */
  struct iovec pieces[2] = {{header, header_len}, {(void *)(uintptr_t)message.data, message.len}};
  size_t written = 0;
  int status = stoa_conn_write(&session->conn, pieces, 2, &written);
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    session->broken = true;
    stoa_session_mark(session);
    return STOA_E_CLOSED;
  }
  return written == header_len + message.len ? STOA_OK : queue_rest(session, opcode, message, written);
}

int stoa_session_output_message(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message) {
  bool compress = session->deflate_bits > 0 && message.len >= COMPRESS_BYTES_MIN && opcode < STOA_WS_CLOSE;
  if (!compress && may_write_through(session, message)) {
    return write_through(session, opcode, message);
  }
  struct stoa_buffer *out = stoa_session_output_begin(session);
  if (out == NULL) {
    return session->slow ? STOA_E_LIMIT : session->broken ? STOA_E_MEMORY : STOA_E_CLOSED;
  }
  int status = compress ? append_compressed(session, out, opcode, message) : append_frame(out, opcode, message);
  stoa_session_output_end(session);
  return status;
}

void stoa_session_output_queue(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end) {
  if (session->state != STOA_SESSION_OPEN || !takes_more(session)) {
    return;
  }
  if (!ensure_queue(session) || stoa_queue_share(session->queue, batch, start, end) != STOA_OK) {
    session->broken = true;
  }
  stoa_session_mark(session);
}

void stoa_session_output_shared(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end) {
  if (session->queue != NULL || session->blocked) {
    stoa_session_output_queue(session, batch, start, end);
    return;
  }
  if (session->state != STOA_SESSION_OPEN || session->broken || session->slow) {
    return;
  }
  struct iovec piece = {batch->bytes.data + start, end - start};
  size_t written = 0;
  int status = stoa_conn_write(&session->conn, &piece, 1, &written);
  if (status == STOA_OK && written == end - start) {
    return;
  }
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    session->broken = true;
    stoa_session_mark(session);
    return;
  }
  stoa_session_output_queue(session, batch, start, end);
  if (session->queue != NULL && session->queue->bytes > 0) {
    /* The segment keeps the frames' start, so that the queue can still be cut at a frame's edge. */
    session->queue->segments[session->queue->first].sent += written;
    session->queue->bytes -= written;
  }
}

void stoa_session_flush(struct stoa_session *session) {
  session->blocked = false;
  if (session->queue == NULL) {
    return;
  }
  int status = stoa_queue_flush(session->queue, &session->conn);
  if (status == STOA_OK) {
    stoa_queue_destroy(session->queue);
    session->queue = NULL;
  } else if (status == STOA_E_AGAIN) {
    session->blocked = true;
  } else {
    session->broken = true;
    stoa_session_mark(session);
  }
  if (session->state == STOA_SESSION_CLOSING && session->queue == NULL) {
    stoa_session_mark(session);
  }
}
