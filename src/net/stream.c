#include "net/stream_private.h"

#include "base/container.h"
#include "base/sys.h"

#include <assert.h>
#include <sys/epoll.h>

/* The end of the turn. */

static void half_close(struct stoa_stream *stream) {
  assert(stream->state == STOA_STREAM_FLUSHING);
  assert(stoa_stream_queued(stream) == 0);
  if (!stream->peer_ended) {
    stoa_conn_shutdown(&stream->conn);
    stoa_stream_enter(stream, STOA_STREAM_HALF_CLOSED);
  }
  stream->protocol->on_half_closed(stream);
}

static void tell_empty(struct stoa_stream *stream) {
  if (stream->tell_empty && stream->state == STOA_STREAM_OPEN && stoa_stream_queued(stream) == 0) {
    stream->tell_empty = false;
    stream->protocol->on_empty(stream);
  }
}

/* The kernel has taken as much output as it can. From here on the program may be called, for this stream or for
 * another: what it sends now leaves at the end of the next turn. */
static void flushed(struct stoa_stream *stream) {
  assert(stream->marked);
  assert(!stream->flushed);
  stream->flushed = true;
  tell_empty(stream);
  if (stream->fate < STOA_FATE_MEMORY && stream->state == STOA_STREAM_FLUSHING && stoa_stream_queued(stream) == 0) {
    half_close(stream);
  }
  if (stream->state != STOA_STREAM_CLOSED && stream->fate < STOA_FATE_MEMORY) {
    stoa_stream_watch(stream);
  }
  if (stream->state != STOA_STREAM_CLOSED && stream->fate >= STOA_FATE_MEMORY) {
    stream->protocol->on_doomed(stream);
  }
}

static void on_flush(struct stoa_stream *stream) {
  if (stream->state == STOA_STREAM_CLOSED) {
    return;
  }
  if (stream->state != STOA_STREAM_OPEN) {
    /* Not earlier: a handler may have ended the stream while it read a message in this memory. */
    stoa_stream_input_release(stream);
  }
  if (stream->fate != STOA_FATE_ALIVE && stream->state == STOA_STREAM_OPEN) {
    stream->protocol->on_doomed(stream);
  }
  if (stream->state != STOA_STREAM_CLOSED &&
      (stream->fate >= STOA_FATE_MEMORY || stream->blocked || stoa_stream_send_own(stream, true))) {
    flushed(stream);
  }
}

static void on_sent(const struct stoa_turn_send *send, ssize_t taken) {
  if (stoa_stream_sent(send, taken)) {
    flushed(send->stream);
  }
}

static void on_unmark(struct stoa_stream *stream) {
  bool again = stream->marked_again;
  assert(stream->marked);
  assert(!stream->gathered);
  stream->marked = false;
  stream->flushed = false;
  stream->marked_again = false;
  if (again && stream->state != STOA_STREAM_CLOSED) {
    stoa_stream_mark(stream);
    stoa_loop_again(stoa_stream_host_of(stream)->loop);
  }
}

/* Descriptors. */

/* Input goes on when little output waits, or when all output that waited at the pause has been sent. Otherwise, in a
 * busy group, others would fill the queue as fast as the peer empties it, and its input would wait for ever. */
static void resume_input(struct stoa_stream *stream, size_t taken) {
  struct stoa_queue *queue = stream->queue;
  bool is_paid = queue == NULL || queue->owed <= taken;
  if (!is_paid) {
    queue->owed -= taken;
  }
  if (is_paid || stoa_stream_queued(stream) <= stoa_stream_pause_bytes(stream) / 2) {
    if (queue != NULL) {
      queue->owed = 0;
    }
    stoa_stream_resume(stream, STOA_PAUSE_OUTPUT);
  }
}

static void on_writable(struct stoa_stream *stream) {
  size_t before = stoa_stream_queued(stream);
  bool is_paused = (stream->pauses & STOA_PAUSE_OUTPUT) != 0;
  if (is_paused && stream->queue != NULL && stream->queue->owed == 0) {
    stream->queue->owed = before;
  }
  stoa_stream_send_own(stream, false);
  size_t after = stoa_stream_queued(stream);
  if (is_paused) {
    resume_input(stream, before - after);
  }
  if (after < before) {
    stream->protocol->on_progress(stream);
    tell_empty(stream);
  }
}

void stoa_stream_tell_empty(struct stoa_stream *stream) {
  stream->tell_empty = true;
  stoa_stream_mark(stream);
}

static void on_input(struct stoa_stream *stream) {
  struct stoa_stream_host *host = stoa_stream_host_of(stream);
  stoa_stream_begin_share(host);
  if (stream->handshaking || stoa_stream_turn_is_long(host)) {
    stoa_stream_yield(stream);
  }
  if (stream->pauses == 0) {
    stoa_stream_readable(stream);
  }
}

/* epoll always reports EPOLLHUP and EPOLLERR, so a stream that is not read must be dropped, or the loop would spin. */
static bool is_gone(const struct stoa_stream *stream, uint32_t events) {
  bool unwatched = (stream->pauses & ~STOA_PAUSE_SHARE) != 0 || stream->peer_ended;
  return unwatched && (events & (EPOLLHUP | EPOLLERR)) != 0;
}

static void on_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_stream *stream = stoa_container_of(io, struct stoa_stream, conn.io);
  if ((events & (EPOLLOUT | EPOLLERR)) != 0) {
    on_writable(stream);
  }
  bool input = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  /* TLS may have to write before it can read on: in its handshake and when it renews keys. */
  input = input || (stream->conn.tls != NULL && (events & EPOLLOUT) != 0);
  if (stream->state != STOA_STREAM_CLOSED && is_gone(stream, events)) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  } else if (input && stream->pauses == 0 && !stream->peer_ended && stream->state != STOA_STREAM_CLOSED) {
    on_input(stream);
  }
  if (stream->state != STOA_STREAM_CLOSED) {
    stoa_stream_watch(stream);
  }
}

/* The ready list has reached this stream. */
static void run_share(struct stoa_stream *stream) {
  assert(stream->listed);
  stream->listed = false;
  stream->pauses &= (uint8_t)~STOA_PAUSE_SHARE;
  if (stream->state == STOA_STREAM_CLOSED) {
    stream->protocol->on_closed(stream);
    return;
  }
  stoa_stream_begin_share(stoa_stream_host_of(stream));
  if (!stream->blocked) {
    stream->protocol->on_share(stream);
  }
  if (stream->pauses == 0 && stream->state != STOA_STREAM_CLOSED) {
    stoa_stream_go_on(stream);
  }
  if (stream->state != STOA_STREAM_CLOSED) {
    stoa_stream_watch(stream);
  }
}

void stoa_stream_host_run_ready(struct stoa_stream_host *host) {
  if (host->ready.count == 0) {
    return;
  }
  const struct stoa_clock *clock = stoa_loop_clock(host->loop);
  stoa_stream_begin_share(host);
  uint64_t start_ns = stoa_clock_monotonic_ns(clock);
  host->clock_ns = start_ns;
  /* Each once: a stream that yields again waits for the next turn. */
  for (uint32_t left = host->ready.count; left > 0 && host->clock_ns - start_ns < STOA_STREAM_READY_NS; left--) {
    run_share(stoa_ready_take(&host->ready));
    host->clock_ns = stoa_clock_monotonic_ns(clock);
    host->unclocked_bytes = 0;
  }
  if (host->ready.count > 0) {
    stoa_loop_again(host->loop);
  }
}

/* Life. */

void stoa_stream_host_init(struct stoa_stream_host *host) {
  static const struct stoa_turn_events events = {on_flush, on_sent, on_unmark};
  host->turn.events = &events;
}

void stoa_stream_host_fini(struct stoa_stream_host *host) {
  stoa_turn_fini(&host->turn);
  stoa_ready_fini(&host->ready);
}

void stoa_stream_host_trim(struct stoa_stream_host *host) {
  stoa_turn_trim(&host->turn);
  if (host->ready.count == 0) {
    stoa_ready_fini(&host->ready);
  }
}

int stoa_stream_open(struct stoa_stream *stream, const struct stoa_protocol *protocol, int fd,
                     struct stoa_tls_context *tls_context) {
  struct stoa_stream_host *host = protocol->host;
  assert(fd >= 0);
  assert(stream->state == STOA_STREAM_OPEN);
  if (stoa_turn_admit(&host->turn) != STOA_OK) {
    stoa_sys.close(fd);
    return STOA_E_MEMORY;
  }
  stream->protocol = protocol;
  stream->since_ms = stoa_stream_now32(stream);
  stream->active_ms = stream->since_ms;
  stream->sent_ms = stream->since_ms;
  stream->handshaking = tls_context != NULL;
  int status = stoa_conn_init(&stream->conn, fd, tls_context, on_ready);
  if (status == STOA_OK) {
    status = stoa_loop_add(host->loop, &stream->conn.io);
  }
  if (status != STOA_OK) {
    stream->conn.io.fd = fd;
    stoa_stream_abandon(stream);
  }
  return status;
}

int stoa_stream_start_tls(struct stoa_stream *stream, struct stoa_tls_context *tls_context) {
  assert(stream->conn.tls == NULL);
  assert(stoa_stream_queued(stream) == 0);
  int status = stoa_conn_start_tls(&stream->conn, tls_context);
  stream->handshaking = status == STOA_OK;
  return status;
}

void stoa_stream_abandon(struct stoa_stream *stream) {
  stoa_conn_close(&stream->conn, stoa_stream_host_of(stream)->loop);
  stoa_stream_fini(stream);
}

void stoa_stream_fini(struct stoa_stream *stream) {
  assert(stream->conn.io.fd < 0);
  assert(stream->queue == NULL);
  assert(stream->input == NULL);
  assert(!stream->listed);
  stoa_turn_dismiss(&stoa_stream_host_of(stream)->turn);
}

void stoa_stream_finish(struct stoa_stream *stream) {
  if (stream->state == STOA_STREAM_OPEN) {
    stoa_stream_enter(stream, STOA_STREAM_FLUSHING);
    stream->pauses &= STOA_PAUSE_SHARE;
    stoa_stream_mark(stream);
  }
}

void stoa_stream_drop(struct stoa_stream *stream) {
  if (stream->state == STOA_STREAM_CLOSED) {
    return;
  }
  stoa_stream_enter(stream, STOA_STREAM_CLOSED);
  stoa_conn_close(&stream->conn, stoa_stream_host_of(stream)->loop);
  stoa_stream_output_discard(stream);
  stoa_stream_input_release(stream);
  assert(stoa_stream_queued(stream) == 0);
  if (!stream->listed) {
    stream->protocol->on_closed(stream);
  }
}
