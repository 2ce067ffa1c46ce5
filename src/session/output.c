#include "session/output.h"

#include <assert.h>
#include <errno.h>

/* From here on copying a message costs more than a call of its own: it is written from where it lies. */
#define WRITE_THROUGH_BYTES_MIN 4096
/* Once the turn's buffer holds so much, sessions gather in queues of their own, which do not have to move. */
#define OWN_BYTES_FULL ((size_t)1024 * 1024)
#define OWN_BYTES_MAX ((size_t)64 * 1024 * 1024 + OWN_BYTES_FULL) /* whatever others have put before it */

/* The session's own bytes in the turn's buffer. */

static struct stoa_turn *turn_of(const struct stoa_session *session) {
  return &session->host->turn;
}

static struct stoa_turn_entry *entry_of(const struct stoa_session *session) {
  return &turn_of(session)->entries[session->turn_index];
}

static size_t own_bytes(const struct stoa_session *session) {
  return session->marked ? entry_of(session)->end - entry_of(session)->start : 0;
}

static void forget_own(struct stoa_session *session) {
  if (session->marked) {
    entry_of(session)->start = entry_of(session)->end;
    entry_of(session)->http_len = 0;
  }
}

void stoa_session_mark(struct stoa_session *session) {
  struct stoa_turn *turn = turn_of(session);
  if (session->marked || session->state == STOA_SESSION_CLOSED) {
    return;
  }
  assert(turn->count < turn->capacity);
  session->marked = true;
  session->turn_index = turn->count;
  turn->entries[turn->count++] = (struct stoa_turn_entry){.session = session};
}

void stoa_session_unmark(struct stoa_session *session) {
  session->marked = false;
}

size_t stoa_session_queued(const struct stoa_session *session) {
  return own_bytes(session) + (session->queue == NULL ? 0 : session->queue->bytes);
}

static bool ensure_queue(struct stoa_session *session) {
  if (session->queue == NULL) {
    session->queue = stoa_queue_create();
  }
  return session->queue != NULL;
}

/* Copy its bytes of this turn to its queue, in one piece, since a record of them may have been begun; `written` of them
 * are sent already. */
static void move_to_queue(struct stoa_session *session, size_t written) {
  const struct stoa_turn_entry *entry = entry_of(session);
  const uint8_t *bytes = turn_of(session)->own->bytes.data + entry->start;
  assert(session->queue == NULL);
  struct stoa_batch *own = ensure_queue(session) ? stoa_queue_own_begin(session->queue) : NULL;
  bool moved = own != NULL && stoa_buffer_append(&own->bytes, bytes, entry->end - entry->start) == STOA_OK;
  if (own != NULL) {
    stoa_queue_own_end(session->queue);
  }
  if (moved) {
    stoa_queue_begin_frames(session->queue, entry->http_len);
    stoa_queue_advance(session->queue, written);
  }
  session->broken = session->broken || !moved;
  forget_own(session);
}

void stoa_session_output_seal(struct stoa_session *session) {
  if (session->marked) {
    entry_of(session)->http_len = (uint32_t)own_bytes(session);
  }
  stoa_queue_seal(session->queue);
}

void stoa_session_output_cut(struct stoa_session *session) {
  if (own_bytes(session) > 0) {
    move_to_queue(session, 0);
  }
  stoa_queue_cut(session->queue, stoa_conn_promised(&session->conn));
}

void stoa_session_output_discard(struct stoa_session *session) {
  forget_own(session);
  stoa_queue_destroy(session->queue);
  session->queue = NULL;
}

/* Only an open session, or one that answers HTTP, takes more. One message always fits when nothing waits, so that the
 * cap need not be above the largest message. */
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

static struct stoa_buffer *begin_in_queue(struct stoa_session *session) {
  if (own_bytes(session) > 0) {
    move_to_queue(session, 0);
  }
  struct stoa_batch *own = !session->broken && ensure_queue(session) ? stoa_queue_own_begin(session->queue) : NULL;
  if (own == NULL) {
    session->broken = true;
    return NULL;
  }
  return &own->bytes;
}

/* The turn's buffer, when the session's bytes can stand there in one run; else NULL. */
static struct stoa_buffer *begin_in_turn(struct stoa_session *session) {
  struct stoa_turn *turn = turn_of(session);
  if (session->queue != NULL || session->blocked) {
    return NULL;
  }
  if (turn->own == NULL) {
    turn->own = stoa_batch_create(OWN_BYTES_MAX);
    if (turn->own == NULL) {
      return NULL;
    }
  }
  struct stoa_buffer *own = &turn->own->bytes;
  struct stoa_turn_entry *entry = entry_of(session);
  if (own->len >= OWN_BYTES_FULL || (entry->start < entry->end && entry->end != own->len)) {
    return NULL;
  }
  if (entry->start == entry->end) {
    entry->start = (uint32_t)own->len;
    entry->end = entry->start;
  }
  turn->own_used = true;
  return own;
}

static struct stoa_buffer *begin(struct stoa_session *session) {
  stoa_session_mark(session);
  struct stoa_buffer *out = begin_in_turn(session);
  return out != NULL ? out : begin_in_queue(session);
}

struct stoa_buffer *stoa_session_output_begin(struct stoa_session *session) {
  return takes_more(session) ? begin(session) : NULL;
}

struct stoa_buffer *stoa_session_output_last(struct stoa_session *session) {
  return session->state > STOA_SESSION_OPEN || session->broken ? NULL : begin(session);
}

void stoa_session_output_end(struct stoa_session *session) {
  if (session->queue != NULL) {
    stoa_queue_own_end(session->queue);
  } else {
    entry_of(session)->end = (uint32_t)turn_of(session)->own->bytes.len;
  }
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
  return message.len >= WRITE_THROUGH_BYTES_MIN && stoa_session_queued(session) == 0 && !session->blocked &&
         session->conn.tls == NULL && session->state == STOA_SESSION_OPEN && !session->broken && !session->slow;
}

/* What of the frame the kernel did not take waits in the queue, from the frame's start, as the queue wants it. */
static int queue_rest(struct stoa_session *session, enum stoa_ws_opcode opcode, struct stoa_bytes message,
                      size_t written) {
  stoa_session_mark(session);
  struct stoa_buffer *out = begin_in_queue(session);
  int status = out == NULL ? STOA_E_MEMORY : append_frame(out, opcode, message);
  if (out != NULL) {
    stoa_session_output_end(session);
  }
  if (status != STOA_OK) {
    session->broken = true; /* half a frame is out */
    return status;
  }
  stoa_queue_advance(session->queue, written);
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
  bool compress = session->deflate_bits > 0 && message.len >= STOA_DEFLATE_BYTES_MIN && opcode < STOA_WS_CLOSE;
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

/* Bytes that others get too. */

void stoa_session_output_queue(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end) {
  if (session->state != STOA_SESSION_OPEN || !takes_more(session)) {
    return;
  }
  stoa_session_mark(session);
  if (own_bytes(session) > 0) {
    move_to_queue(session, 0);
  }
  if (session->broken || !ensure_queue(session) || stoa_queue_share(session->queue, batch, start, end) != STOA_OK) {
    session->broken = true;
  }
}

static void break_line(struct stoa_session *session) {
  session->broken = true;
  stoa_session_mark(session);
}

/* The segment keeps the frames' start, so that the queue can still be cut at a frame's edge. */
static void queue_shared_rest(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end,
                              size_t written) {
  stoa_session_output_queue(session, batch, start, end);
  if (session->queue != NULL && session->queue->bytes > 0) {
    stoa_queue_advance(session->queue, written);
  }
}

void stoa_session_output_shared(struct stoa_session *session, struct stoa_batch *batch, size_t start, size_t end) {
  if (session->gathered) {
    /* Another group's bytes. Should they fall short, these must wait behind them. */
    stoa_turn_hand_over(turn_of(session));
  }
  if (session->queue != NULL || session->blocked || own_bytes(session) > 0) {
    stoa_session_output_queue(session, batch, start, end);
    return;
  }
  if (session->state != STOA_SESSION_OPEN || session->broken || session->slow) {
    return;
  }
  struct stoa_turn_send send = {session, batch, start, end, false};
  if (stoa_turn_gather(turn_of(session), &send)) {
    return;
  }
  struct iovec piece = {batch->bytes.data + start, end - start};
  size_t written = 0;
  int status = stoa_conn_write(&session->conn, &piece, 1, &written);
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    break_line(session);
  } else if (written < end - start) {
    queue_shared_rest(session, batch, start, end, written);
  }
}

/* Sending. */

/* Returns STOA_OK when all is sent, STOA_E_AGAIN when some waits in the queue, or what broke the line. */
static int write_own(struct stoa_session *session) {
  const struct stoa_turn_entry *entry = entry_of(session);
  size_t len = own_bytes(session);
  size_t done = 0;
  while (done < len) {
    struct iovec piece = {turn_of(session)->own->bytes.data + entry->start + done, len - done};
    size_t written = 0;
    int status = stoa_conn_write(&session->conn, &piece, 1, &written);
    if (status == STOA_E_AGAIN) {
      move_to_queue(session, done);
      return session->broken ? STOA_E_MEMORY : STOA_E_AGAIN;
    }
    if (status != STOA_OK) {
      return status;
    }
    done += written;
  }
  forget_own(session);
  return STOA_OK;
}

/* Remember what became of the session's own bytes. */
static void note_status(struct stoa_session *session, int status) {
  if (session->queue != NULL && session->queue->bytes == 0) {
    stoa_queue_destroy(session->queue);
    session->queue = NULL;
  }
  if (status == STOA_E_AGAIN) {
    session->blocked = true;
  } else if (status != STOA_OK) {
    break_line(session);
  }
  if (session->state == STOA_SESSION_CLOSING && stoa_session_queued(session) == 0) {
    stoa_session_mark(session);
  }
}

static bool gather_own(struct stoa_session *session) {
  struct stoa_turn_send send = {.session = session, .is_own = true};
  if (session->queue == NULL) {
    const struct stoa_turn_entry *entry = entry_of(session);
    send.batch = turn_of(session)->own;
    send.start = entry->start;
    send.end = entry->end;
  } else if (session->queue->count == 1) {
    const struct stoa_segment *segment = &session->queue->segments[session->queue->first];
    send.batch = segment->batch;
    send.start = segment->sent;
    send.end = segment->end;
  } else {
    return false;
  }
  return stoa_turn_gather(turn_of(session), &send);
}

bool stoa_session_send_own(struct stoa_session *session, bool may_gather) {
  session->blocked = false;
  if (stoa_session_queued(session) == 0) {
    return true;
  }
  if (may_gather && gather_own(session)) {
    return false;
  }
  note_status(session, session->queue == NULL ? write_own(session) : stoa_queue_flush(session->queue, &session->conn));
  return true;
}

static void own_sent(struct stoa_session *session, size_t taken) {
  if (session->queue != NULL) {
    stoa_queue_advance(session->queue, taken);
    note_status(session, session->queue->bytes == 0 ? STOA_OK : STOA_E_AGAIN);
  } else if (taken == own_bytes(session)) {
    forget_own(session);
    note_status(session, STOA_OK);
  } else {
    move_to_queue(session, taken);
    note_status(session, session->broken ? STOA_E_MEMORY : STOA_E_AGAIN);
  }
}

void stoa_session_sent(const struct stoa_turn_send *send, ssize_t taken) {
  struct stoa_session *session = send->session;
  size_t len = send->end - send->start;
  bool again = taken >= 0 || taken == -EAGAIN || taken == -EINTR;
  size_t written = taken > 0 ? (size_t)taken : 0;
  if (!again) {
    break_line(session);
  } else if (send->is_own) {
    own_sent(session, written);
  } else if (written < len) {
    queue_shared_rest(session, send->batch, send->start, send->end, written);
  }
  if (send->is_own) {
    stoa_session_settled(session);
  }
}
