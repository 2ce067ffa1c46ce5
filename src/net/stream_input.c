#include "net/stream_private.h"

#include "base/sys.h"

#include <assert.h>

/* The clock is read after so many bytes; more often is not worth its cost. */
#define UNCLOCKED_BYTES 4096u
/* A further read from TLS is of many small records, which cost more to decrypt than their bytes suggest. */
#define FURTHER_READ_COST 1024u

/* Shares. */

/* The loop has read the clock when this turn woke up; no need to read it again. */
static void see_turn(struct stoa_stream_host *host) {
  uint64_t turn_ns = stoa_loop_now_ns(host->loop);
  if (host->turn_ns != turn_ns) {
    host->turn_ns = turn_ns;
    host->clock_ns = turn_ns;
    host->unclocked_bytes = 0;
  }
}

void stoa_stream_begin_share(struct stoa_stream_host *host) {
  see_turn(host);
  host->share_ns = host->clock_ns;
  host->share_bytes = 0;
}

bool stoa_stream_turn_is_long(const struct stoa_stream_host *host) {
  return host->turn_ns == stoa_loop_now_ns(host->loop) && host->clock_ns - host->turn_ns >= STOA_STREAM_TURN_NS;
}

void stoa_stream_spend(struct stoa_stream *stream, size_t bytes) {
  struct stoa_stream_host *host = stoa_stream_host_of(stream);
  uint32_t cost = (uint32_t)bytes + STOA_STREAM_MESSAGE_COST;
  host->share_bytes += cost;
  host->unclocked_bytes += cost;
  if (host->unclocked_bytes >= UNCLOCKED_BYTES) {
    host->clock_ns = stoa_clock_monotonic_ns(stoa_loop_clock(host->loop));
    host->unclocked_bytes = 0;
  }
  if (host->share_bytes >= STOA_STREAM_SHARE_BYTES || host->clock_ns - host->share_ns >= STOA_STREAM_SHARE_NS) {
    stoa_stream_yield(stream);
  }
}

/* Incomplete input. */

struct stoa_stream_input *stoa_stream_input_ensure(struct stoa_stream *stream) {
  if (stream->input == NULL) {
    stream->input = stream->protocol->make_input(stream);
    if (stream->input != NULL) {
      stoa_buffer_init(&stream->input->stash, STOA_STREAM_STASH_BYTES_MAX);
    }
  }
  return stream->input;
}

void stoa_stream_input_release(struct stoa_stream *stream) {
  if (stream->input != NULL) {
    stoa_buffer_fini(&stream->input->stash);
    stream->protocol->free_input(stream->input);
    stream->input = NULL;
  }
}

static void trim_input(struct stoa_stream *stream) {
  const struct stoa_stream_input *input = stream->input;
  if (input != NULL && input->stash.len == 0 && stream->protocol->input_is_idle(input)) {
    stoa_stream_input_release(stream);
  }
}

/* The stash stays: the peer sent it after the bytes that the old protocol used. */
void stoa_stream_set_protocol(struct stoa_stream *stream, const struct stoa_protocol *protocol) {
  assert(stream->protocol->host == protocol->host);
  assert(stream->input == NULL || stream->input->stash.len == 0);
  stoa_stream_input_release(stream);
  stream->protocol = protocol;
}

/* Copy the stash to the front of the scratch buffer. */
static size_t unstash(struct stoa_stream *stream) {
  if (stream->input == NULL) {
    return 0;
  }
  size_t len = stream->input->stash.len;
  assert(len <= STOA_STREAM_STASH_BYTES_MAX);
  if (len > 0) {
    memcpy(stoa_stream_host_of(stream)->scratch, stream->input->stash.data, len);
    stream->input->stash.len = 0;
  }
  return len;
}

static void stash(struct stoa_stream *stream, const uint8_t *data, size_t len) {
  if (len == 0) {
    trim_input(stream);
    return;
  }
  struct stoa_stream_input *input = stoa_stream_input_ensure(stream);
  if (input == NULL || stoa_buffer_append(&input->stash, data, len) != STOA_OK) {
    stream->protocol->on_input_end(stream, STOA_E_MEMORY);
  }
}

/* Handle messages from the front of the bytes and keep the rest for later. A stream that is ending keeps nothing. */
static void process(struct stoa_stream *stream, uint8_t *data, size_t len) {
  size_t at = 0;
  size_t used = 1;
  while (at < len && used > 0 && stream->pauses == 0 && stream->state == STOA_STREAM_OPEN) {
    used = stream->protocol->on_input(stream, data + at, len - at);
    assert(used <= len - at);
    at += used;
  }
  if (stream->state == STOA_STREAM_OPEN) {
    stash(stream, data + at, len - at);
  }
}

/* Is the handshake over now? `status` is that of the last read. */
static void note_handshake(struct stoa_stream *stream, int status) {
  const struct stoa_stream_host *host = stoa_stream_host_of(stream);
  bool is_done = !stoa_conn_handshaking(&stream->conn);
  if (!stream->handshaking || (!is_done && status != STOA_E_TLS)) {
    return;
  }
  stream->handshaking = false;
  if (host->on_handshake != NULL) {
    host->on_handshake(stream, is_done);
  }
}

static bool read_once(struct stoa_stream *stream) {
  struct stoa_stream_host *host = stoa_stream_host_of(stream);
  size_t kept = stream->input == NULL ? 0 : stream->input->stash.len;
  size_t len;
  int status = stoa_conn_read(&stream->conn, host->scratch + kept, STOA_STREAM_READ_BYTES, &len);
  if (status == STOA_E_AGAIN) {
    return false;
  }
  if (status != STOA_OK) {
    note_handshake(stream, status);
    stream->protocol->on_input_end(stream, status);
    return false;
  }
  assert(len > 0);
  stoa_stream_note_read(stream, len);
  if (stream->state != STOA_STREAM_OPEN) {
    return true; /* thrown away */
  }
  stream->active_ms = stoa_stream_now32(stream);
  kept = unstash(stream);
  process(stream, host->scratch, kept + len);
  return true;
}

/* The bytes after the header stay in the kernel, because TLS reads them from the descriptor. */
static bool peek_once(struct stoa_stream *stream) {
  uint8_t *scratch = stoa_stream_host_of(stream)->scratch;
  size_t kept = stream->input == NULL ? 0 : stream->input->stash.len;
  size_t len;
  int status = stoa_conn_peek(&stream->conn, scratch + kept, STOA_STREAM_READ_BYTES, &len);
  if (status != STOA_OK) {
    if (status != STOA_E_AGAIN) {
      stream->protocol->on_input_end(stream, status);
    }
    return false;
  }
  kept = unstash(stream);
  const int fd = stream->conn.io.fd;
  size_t used = stream->protocol->on_input(stream, scratch, kept + len);
  assert(used == 0 || used > kept);
  if (stream->state != STOA_STREAM_OPEN) {
    return false;
  }
  if (used == 0) {
    stash(stream, scratch, kept + len);
  }
  /* Cannot fail: the same bytes were peeked just before. */
  size_t taken = used == 0 ? len : used - kept;
  ssize_t ignored = stoa_sys.recv(fd, scratch, taken, 0);
  (void)ignored;
  stoa_stream_note_read(stream, taken);
  return false;
}

bool stoa_stream_has_unread(const struct stoa_stream *stream) {
  /* Without a pause the stash is an incomplete message, which waits for the peer. */
  bool waits_here = stream->pauses != 0 && stream->input != NULL && stream->input->stash.len > 0;
  return stream->listed || waits_here || stoa_conn_has_input(&stream->conn);
}

/* One read a share for a plain connection: the level-triggered loop comes back for more, and no stream delays the
 * others. TLS may have decrypted bytes that epoll does not report, so those are read too. */
void stoa_stream_readable(struct stoa_stream *stream) {
  bool more = stream->protocol->peeks ? peek_once(stream) : read_once(stream);
  while (more && stream->state != STOA_STREAM_CLOSED && stream->pauses == 0 && stoa_conn_pending(&stream->conn)) {
    more = read_once(stream);
    stoa_stream_spend(stream, FURTHER_READ_COST);
  }
  if (stream->state != STOA_STREAM_CLOSED) {
    note_handshake(stream, STOA_OK);
  }
}

void stoa_stream_go_on(struct stoa_stream *stream) {
  if (stream->protocol->on_fed != NULL) {
    stream->protocol->on_fed(stream);
  }
  size_t len = unstash(stream);
  if (len > 0) {
    process(stream, stoa_stream_host_of(stream)->scratch, len);
  }
  if (stream->pauses == 0 && stream->state != STOA_STREAM_CLOSED && !stream->peer_ended) {
    stoa_stream_readable(stream);
  }
}
