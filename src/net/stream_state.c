#include "net/stream_private.h"

#include <assert.h>

/* Allowed changes of state: forward only; closing is allowed at any time. */
static bool may_follow(enum stoa_stream_state from, enum stoa_stream_state to) {
  switch (from) {
    case STOA_STREAM_OPEN:
      return to == STOA_STREAM_FLUSHING || to == STOA_STREAM_CLOSED;
    case STOA_STREAM_FLUSHING:
      return to == STOA_STREAM_HALF_CLOSED || to == STOA_STREAM_CLOSED;
    case STOA_STREAM_HALF_CLOSED:
      return to == STOA_STREAM_CLOSED;
    case STOA_STREAM_CLOSED:
      return false;
  }
  return false;
}

void stoa_stream_enter(struct stoa_stream *stream, enum stoa_stream_state state) {
  assert(may_follow((enum stoa_stream_state)stream->state, state));
  stream->state = (uint8_t)((unsigned)state & 15u);
}

void stoa_stream_mark(struct stoa_stream *stream) {
  if (stream->state == STOA_STREAM_CLOSED) {
    return;
  }
  if (!stream->marked) {
    stream->turn_index = stoa_turn_mark(&stoa_stream_host_of(stream)->turn, stream);
    stream->marked = true;
  } else if (stream->flushed) {
    stream->marked_again = true;
  }
}

void stoa_stream_doom(struct stoa_stream *stream, enum stoa_stream_fate fate) {
  assert(fate != STOA_FATE_ALIVE);
  if (fate > (enum stoa_stream_fate)stream->fate) {
    stream->fate = (uint8_t)((unsigned)fate & 15u);
  }
  stoa_stream_mark(stream);
}

/* A stream that waits for its share stays watched: it runs soon, and two epoll calls would cost more than events that
 * are ignored. */
void stoa_stream_watch(struct stoa_stream *stream) {
  bool want_read = (stream->pauses & ~STOA_PAUSE_SHARE) == 0 && !stream->peer_ended;
  bool want_write = stream->blocked || (stream->pauses & STOA_PAUSE_OUTPUT) != 0;
  uint32_t events = stoa_conn_events(&stream->conn, want_read, want_write);
  if (stoa_loop_modify(stoa_stream_host_of(stream)->loop, &stream->conn.io, events) != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
  }
}

void stoa_stream_pause(struct stoa_stream *stream, enum stoa_stream_pause reason) {
  assert(reason != STOA_PAUSE_SHARE); /* set with the ready list, by stoa_stream_yield() */
  stream->pauses |= (uint8_t)reason;
  stoa_stream_mark(stream); /* the end of the turn changes the watched events */
}

/* False without memory: the stream is not on the list. */
static bool list(struct stoa_stream *stream) {
  assert(stream->state != STOA_STREAM_CLOSED);
  if (!stream->listed) {
    stream->listed = stoa_ready_put(&stoa_stream_host_of(stream)->ready, stream) == STOA_OK;
    if (stream->listed) {
      stream->pauses |= STOA_PAUSE_SHARE;
      stoa_loop_again(stoa_stream_host_of(stream)->loop);
    }
  }
  return stream->listed;
}

void stoa_stream_yield(struct stoa_stream *stream) {
  if (stream->state != STOA_STREAM_CLOSED) {
    bool ignored = list(stream);
    (void)ignored;
  }
}

void stoa_stream_resume(struct stoa_stream *stream, enum stoa_stream_pause reason) {
  if ((stream->pauses & reason) == 0 || stream->state == STOA_STREAM_CLOSED) {
    return;
  }
  stream->pauses &= (uint8_t)~reason;
  stoa_stream_mark(stream);
  if ((stream->pauses & ~STOA_PAUSE_SHARE) == 0 && !list(stream)) {
    /* Its stash would wait for ever. */
    stoa_stream_doom(stream, STOA_FATE_MEMORY);
  }
}

void stoa_stream_note_acked(struct stoa_stream *stream) {
  stream->acked = (uint32_t)stoa_conn_acked_bytes(&stream->conn);
}

bool stoa_stream_takes(struct stoa_stream *stream) {
  uint32_t before = stream->acked;
  stoa_stream_note_acked(stream);
  return stream->acked != before && stoa_conn_unacked_bytes(&stream->conn) > 0;
}
