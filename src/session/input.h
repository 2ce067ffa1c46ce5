/* session/input.h: a message that is not complete yet, and the way of input to messages. Private to this folder. */
#ifndef STOA_SESSION_INPUT_H
#define STOA_SESSION_INPUT_H

#include "session/session.h"

struct stoa_session_input {
  struct stoa_stream_input base;  /* first */
  struct stoa_buffer message;     /* the message's payload so far, inflated */
  struct stoa_inflater *inflater; /* a compressed message is under way */
  uint32_t utf8;                  /* of an inflated text */
  uint32_t started_ms;            /* when the message began */
  bool in_message;
};

struct stoa_stream_input *stoa_session_make_input(struct stoa_stream *stream);
void stoa_session_free_input(struct stoa_stream_input *base);
bool stoa_session_input_is_idle(const struct stoa_stream_input *input);

/* Frames, until the bytes, the state or the share end. Returns the bytes used. */
size_t stoa_session_read_frames(struct stoa_stream *stream, uint8_t *data, size_t len);
/* Is a message under way for too long? Else *out_due_ms is when to look again; unchanged without one. */
bool stoa_session_input_overdue(struct stoa_session *session, uint64_t now_ms, uint64_t *out_due_ms);

#endif
