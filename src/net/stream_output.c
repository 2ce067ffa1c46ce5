#include "net/stream_private.h"

#include <assert.h>
#include <errno.h>

/* When the turn's buffer has so many bytes, streams use queues of their own instead, which need no copy at the end of
 * the turn. */
#define TURN_BYTES_FULL ((size_t)1024 * 1024)
#define TURN_BYTES_MAX (STOA_QUEUE_OWN_BYTES_MAX + TURN_BYTES_FULL) /* after the bytes of other streams */

/* Bytes of single streams in the turn's buffer. */

static struct stoa_turn *turn_of(const struct stoa_stream *stream) {
  return &stoa_stream_host_of(stream)->turn;
}

static struct stoa_turn_entry *entry_of(const struct stoa_stream *stream) {
  return &turn_of(stream)->entries[stream->turn_index];
}

static size_t own_bytes(const struct stoa_stream *stream) {
  return stream->marked ? entry_of(stream)->end - entry_of(stream)->start : 0;
}

static void forget_own(struct stoa_stream *stream) {
  if (stream->marked) {
    entry_of(stream)->start = entry_of(stream)->end;
    entry_of(stream)->sealed_len = 0;
  }
}

size_t stoa_stream_queued(const struct stoa_stream *stream) {
  return own_bytes(stream) + (stream->queue == NULL ? 0 : stream->queue->bytes);
}

size_t stoa_stream_pause_bytes(const struct stoa_stream *stream) {
  size_t half = stoa_stream_host_of(stream)->queue_bytes_max / 2;
  return half < STOA_STREAM_PAUSE_BYTES ? half : STOA_STREAM_PAUSE_BYTES;
}

static bool ensure_queue(struct stoa_stream *stream) {
  if (stream->queue == NULL) {
    stream->queue = stoa_queue_create(stoa_stream_host_of(stream)->backlog);
  }
  return stream->queue != NULL;
}

/* Copy its bytes of this turn to its queue, in one piece, because TLS may have begun a record of them; `written` of
 * them are sent already. */
static void move_to_queue(struct stoa_stream *stream, size_t written) {
  const struct stoa_turn_entry *entry = entry_of(stream);
  assert(written <= entry->end - entry->start);
  const uint8_t *bytes = turn_of(stream)->own->bytes.data + entry->start;
  assert(stream->queue == NULL);
  struct stoa_batch *own = ensure_queue(stream) ? stoa_queue_own_begin(stream->queue) : NULL;
  bool moved = own != NULL && stoa_buffer_append(&own->bytes, bytes, entry->end - entry->start) == STOA_OK;
  if (own != NULL) {
    stoa_queue_own_end(stream->queue);
  }
  if (moved) {
    stoa_queue_begin_frames(stream->queue, entry->sealed_len);
    stoa_queue_advance(stream->queue, written);
  } else {
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
  }
  forget_own(stream);
}

void stoa_stream_output_seal(struct stoa_stream *stream) {
  if (stream->marked) {
    entry_of(stream)->sealed_len = (uint32_t)own_bytes(stream);
  }
  stoa_queue_seal(stream->queue);
}

void stoa_stream_output_cut(struct stoa_stream *stream) {
  if (own_bytes(stream) > 0) {
    move_to_queue(stream, 0);
  }
  stoa_queue_cut(stream->queue, stoa_conn_promised(&stream->conn));
}

void stoa_stream_output_discard(struct stoa_stream *stream) {
  forget_own(stream);
  stoa_queue_destroy(stream->queue);
  stream->queue = NULL;
}

/* Adding. */

/* One message always fits when no output waits, so that the cap may be less than the largest message. */
static bool takes_more(struct stoa_stream *stream) {
  if (stream->state != STOA_STREAM_OPEN || stream->fate != STOA_FATE_ALIVE) {
    return false;
  }
  if (stoa_stream_queued(stream) >= stoa_stream_host_of(stream)->queue_bytes_max) {
    stoa_stream_doom(stream, STOA_FATE_SLOW);
    return false;
  }
  return true;
}

int stoa_stream_output_status(const struct stoa_stream *stream) {
  if (stream->state != STOA_STREAM_OPEN) {
    return STOA_E_CLOSED;
  }
  switch ((enum stoa_stream_fate)stream->fate) {
    case STOA_FATE_ALIVE:
      return STOA_OK;
    case STOA_FATE_SLOW:
      return STOA_E_LIMIT;
    case STOA_FATE_MEMORY:
      return STOA_E_MEMORY;
    case STOA_FATE_LOST:
    case STOA_FATE_BROKEN:
      return STOA_E_CLOSED;
  }
  return STOA_E_CLOSED;
}

struct stoa_buffer *stoa_stream_queue_begin(struct stoa_stream *stream) {
  stoa_stream_mark(stream);
  if (own_bytes(stream) > 0) {
    move_to_queue(stream, 0);
  }
  bool may = stream->fate < STOA_FATE_MEMORY && ensure_queue(stream);
  struct stoa_batch *own = may ? stoa_queue_own_begin(stream->queue) : NULL;
  if (own == NULL) {
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
    return NULL;
  }
  return &own->bytes;
}

/* The turn's buffer, if the stream's bytes can be contiguous there; else NULL. */
static struct stoa_buffer *begin_in_turn(struct stoa_stream *stream) {
  struct stoa_turn *turn = turn_of(stream);
  if (stream->queue != NULL || stream->blocked || stream->flushed) {
    return NULL; /* the turn's buffer ends with the turn */
  }
  if (turn->own == NULL) {
    turn->own = stoa_batch_create(TURN_BYTES_MAX);
    if (turn->own == NULL) {
      return NULL;
    }
  }
  struct stoa_buffer *own = &turn->own->bytes;
  struct stoa_turn_entry *entry = entry_of(stream);
  if (own->len >= TURN_BYTES_FULL || (entry->start < entry->end && entry->end != own->len)) {
    return NULL;
  }
  if (entry->start == entry->end) {
    entry->start = (uint32_t)own->len;
    entry->end = entry->start;
  }
  turn->own_used = true;
  return own;
}

static struct stoa_buffer *begin(struct stoa_stream *stream) {
  stoa_stream_mark(stream);
  stream->sent_ms = stoa_stream_now32(stream);
  struct stoa_buffer *out = begin_in_turn(stream);
  return out != NULL ? out : stoa_stream_queue_begin(stream);
}

struct stoa_buffer *stoa_stream_output_begin(struct stoa_stream *stream) {
  return takes_more(stream) ? begin(stream) : NULL;
}

struct stoa_buffer *stoa_stream_output_last(struct stoa_stream *stream) {
  return stream->state != STOA_STREAM_OPEN || stream->fate >= STOA_FATE_MEMORY ? NULL : begin(stream);
}

void stoa_stream_output_end(struct stoa_stream *stream) {
  if (stream->queue != NULL) {
    stoa_queue_own_end(stream->queue);
  } else {
    assert(stream->marked);
    assert(entry_of(stream)->end <= turn_of(stream)->own->bytes.len);
    entry_of(stream)->end = (uint32_t)turn_of(stream)->own->bytes.len;
  }
}

int stoa_stream_output_bytes(struct stoa_stream *stream, const void *data, size_t len) {
  struct stoa_buffer *out = stoa_stream_output_begin(stream);
  if (out == NULL) {
    return stoa_stream_output_status(stream);
  }
  int status = stoa_buffer_append(out, data, len);
  stoa_stream_output_end(stream);
  if (status != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
  }
  return status;
}

/* Only when no output waits, and only for plain connections: a TLS record that was begun must be finished from the same
 * bytes. */
bool stoa_stream_write_through(struct stoa_stream *stream, const struct iovec *pieces, size_t count,
                               size_t *out_written) {
  bool may = stream->state == STOA_STREAM_OPEN && stream->fate == STOA_FATE_ALIVE && !stream->blocked &&
             stream->conn.tls == NULL && stoa_stream_queued(stream) == 0;
  if (!may) {
    return false;
  }
  size_t written = 0;
  int status = stoa_conn_write(&stream->conn, pieces, count, &written);
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  }
  stream->sent_ms = stoa_stream_now32(stream);
  stoa_stream_note_written(stream, written);
  *out_written = written;
  return true;
}

void stoa_stream_output_written(struct stoa_stream *stream, size_t written) {
  stoa_queue_advance(stream->queue, written);
}

/* Shared bytes. */

void stoa_stream_output_queue(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end) {
  if (!takes_more(stream)) {
    return;
  }
  stoa_stream_mark(stream);
  stream->sent_ms = stoa_stream_now32(stream);
  if (own_bytes(stream) > 0) {
    move_to_queue(stream, 0);
  }
  if (stream->fate != STOA_FATE_ALIVE || !ensure_queue(stream) ||
      stoa_queue_share(stream->queue, batch, start, end) != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
  }
}

/* The segment keeps the frames' start, so that the queue can still be cut at a frame's edge. */
static void queue_shared_rest(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end,
                              size_t written) {
  stoa_stream_output_queue(stream, batch, start, end);
  if (stream->queue != NULL && stream->queue->bytes > 0) {
    stoa_queue_advance(stream->queue, written);
  }
}

static bool gather(struct stoa_stream *stream, const struct stoa_turn_send *send) {
  if (stream->conn.tls != NULL) {
    return false;
  }
  /* A second send must not follow a short first one: the caller hands over the first send, and checks its result. */
  assert(!stream->gathered);
  /* Before the call, which may hand over other streams' sends, but never this one. */
  stream->gathered = stoa_turn_gather(turn_of(stream), send);
  return stream->gathered;
}

void stoa_stream_output_shared(struct stoa_stream *stream, struct stoa_batch *batch, size_t start, size_t end) {
  assert(start < end);
  if (stream->gathered) {
    /* The earlier send is another group's. If it is short, these bytes must wait after it. */
    stoa_turn_hand_over(turn_of(stream));
  }
  if (stream->queue != NULL || stream->blocked || own_bytes(stream) > 0) {
    stoa_stream_output_queue(stream, batch, start, end);
    return;
  }
  if (stream->state != STOA_STREAM_OPEN || stream->fate != STOA_FATE_ALIVE) {
    return;
  }
  stream->sent_ms = stoa_stream_now32(stream);
  struct stoa_turn_send send = {stream, batch, stream->conn.io.fd, start, end, false};
  if (gather(stream, &send)) {
    return;
  }
  struct iovec piece = {batch->bytes.data + start, end - start};
  size_t written = 0;
  int status = stoa_conn_write(&stream->conn, &piece, 1, &written);
  stoa_stream_note_written(stream, written);
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  } else if (written < end - start) {
    queue_shared_rest(stream, batch, start, end, written);
  }
}

/* Sending. */

/* Returns STOA_OK when all is sent, STOA_E_AGAIN when some waits in the queue, or the error of the connection. */
static int write_own(struct stoa_stream *stream) {
  const struct stoa_turn_entry *entry = entry_of(stream);
  size_t len = own_bytes(stream);
  size_t done = 0;
  while (done < len) {
    struct iovec piece = {turn_of(stream)->own->bytes.data + entry->start + done, len - done};
    size_t written = 0;
    int status = stoa_conn_write(&stream->conn, &piece, 1, &written);
    if (status == STOA_E_AGAIN) {
      move_to_queue(stream, done);
      return stream->fate >= STOA_FATE_MEMORY ? STOA_E_MEMORY : STOA_E_AGAIN;
    }
    if (status != STOA_OK) {
      return status;
    }
    stoa_stream_note_written(stream, written);
    done += written;
  }
  forget_own(stream);
  return STOA_OK;
}

/* Record the result of sending the stream's own bytes. */
static void note_status(struct stoa_stream *stream, int status) {
  if (stream->queue != NULL && stream->queue->bytes == 0) {
    stoa_queue_destroy(stream->queue);
    stream->queue = NULL;
  }
  if (status == STOA_E_AGAIN) {
    stream->blocked = true;
  } else if (status != STOA_OK) {
    stoa_stream_doom(stream, status == STOA_E_MEMORY ? STOA_FATE_MEMORY : STOA_FATE_BROKEN);
  }
  if (stream->state == STOA_STREAM_FLUSHING && stoa_stream_queued(stream) == 0) {
    stoa_stream_mark(stream);
  }
}

static int write_queue(struct stoa_stream *stream) {
  size_t before = stream->queue->bytes;
  int status = stoa_queue_flush(stream->queue, &stream->conn);
  stoa_stream_note_written(stream, before - stream->queue->bytes);
  return status;
}

static bool gather_own(struct stoa_stream *stream) {
  struct stoa_turn_send send = {.stream = stream, .fd = stream->conn.io.fd, .is_own = true};
  if (stream->queue == NULL) {
    const struct stoa_turn_entry *entry = entry_of(stream);
    send.batch = turn_of(stream)->own;
    send.start = entry->start;
    send.end = entry->end;
  } else if (stream->queue->count == 1) {
    const struct stoa_segment *segment = &stream->queue->segments[stream->queue->first];
    send.batch = segment->batch;
    send.start = segment->sent;
    send.end = segment->end;
  } else {
    return false;
  }
  return gather(stream, &send);
}

bool stoa_stream_send_own(struct stoa_stream *stream, bool may_gather) {
  stream->blocked = false;
  if (stoa_stream_queued(stream) == 0) {
    return true;
  }
  if (may_gather && gather_own(stream)) {
    return false;
  }
  note_status(stream, stream->queue == NULL ? write_own(stream) : write_queue(stream));
  return true;
}

static void own_sent(struct stoa_stream *stream, size_t taken) {
  assert(taken <= stoa_stream_queued(stream));
  if (stream->queue != NULL) {
    stoa_queue_advance(stream->queue, taken);
    note_status(stream, stream->queue->bytes == 0 ? STOA_OK : STOA_E_AGAIN);
  } else if (taken == own_bytes(stream)) {
    forget_own(stream);
    note_status(stream, STOA_OK);
  } else {
    move_to_queue(stream, taken);
    note_status(stream, stream->fate >= STOA_FATE_MEMORY ? STOA_E_MEMORY : STOA_E_AGAIN);
  }
}

bool stoa_stream_sent(const struct stoa_turn_send *send, ssize_t taken) {
  struct stoa_stream *stream = send->stream;
  size_t len = send->end - send->start;
  bool again = taken >= 0 || taken == -EAGAIN || taken == -EINTR;
  size_t written = taken > 0 ? (size_t)taken : 0;
  assert(stream->gathered);
  assert(written <= len);
  stream->gathered = false;
  stoa_stream_note_written(stream, written);
  if (!again) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  } else if (send->is_own) {
    own_sent(stream, written);
  } else if (written < len) {
    queue_shared_rest(stream, send->batch, send->start, send->end, written);
  }
  return send->is_own;
}
