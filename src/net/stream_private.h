/* net/stream_private.h: functions shared by the files of a stream. Calls go one way: stream.c to stream_input.c and
 * stream_output.c, and all to stream_state.c.
 */
#ifndef STOA_NET_STREAM_PRIVATE_H
#define STOA_NET_STREAM_PRIVATE_H

#include "net/stream.h"

/* stream_state.c */

void stoa_stream_enter(struct stoa_stream *stream, enum stoa_stream_state state);
/* Have the loop watch the events that the stream needs. */
void stoa_stream_watch(struct stoa_stream *stream);

static inline void stoa_stream_note_written(struct stoa_stream *stream, size_t len) {
  stream->bytes_out += len;
  stoa_stream_host_of(stream)->bytes_out += len;
}

static inline void stoa_stream_note_read(struct stoa_stream *stream, size_t len) {
  stream->bytes_in += len;
  stoa_stream_host_of(stream)->bytes_in += len;
}

/* stream_output.c */

/* Write unsent output, as much as the connection takes; or, if may_gather, leave it to the turn's hand-over. Returns
 * false when it is left, and stoa_stream_sent() follows. */
bool stoa_stream_send_own(struct stoa_stream *stream, bool may_gather);
/* Handle the result of a gathered send. Returns true when it was the stream's own bytes. */
bool stoa_stream_sent(const struct stoa_turn_send *send, ssize_t taken);
/* Drop all unsent output. */
void stoa_stream_output_discard(struct stoa_stream *stream);

/* stream_input.c */

/* Begin a new share for the next stream. */
void stoa_stream_begin_share(struct stoa_stream_host *host);
/* True when this turn has taken so long that further streams wait for the next one. */
bool stoa_stream_turn_is_long(const struct stoa_stream_host *host);
/* The descriptor has something to read. */
void stoa_stream_readable(struct stoa_stream *stream);
/* Handle the stash, then what the kernel has. */
void stoa_stream_go_on(struct stoa_stream *stream);

#endif
