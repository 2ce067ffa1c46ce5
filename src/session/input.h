/* session/input.h: an incomplete message, and the reading of frames. Private to this folder. */
#ifndef STOA_SESSION_INPUT_H
#define STOA_SESSION_INPUT_H

#include "session/session.h"

struct stoa_session_input {
  struct stoa_stream_input base;  /* first */
  struct stoa_buffer message;     /* the message's payload so far, inflated */
  struct stoa_inflater *inflater; /* while a compressed message is being received */
  uint32_t utf8;                  /* state of the UTF-8 check of a compressed text */
  uint32_t started_ms;            /* when the message began */
  bool in_message;
};

struct stoa_stream_input *stoa_session_make_input(struct stoa_stream *stream);
void stoa_session_free_input(struct stoa_stream_input *base);
bool stoa_session_input_is_idle(const struct stoa_stream_input *input);

/* session.c: what the beginnings of all kinds of sessions have in common, after stoa_stream_set_protocol().
 * Errors: STOA_E_SYSTEM  no random id */
int stoa_session_open(struct stoa_session *session, struct stoa_session_host *host);

/* A whole message for the host; it may close the session. */
void stoa_session_deliver(struct stoa_session *session, struct stoa_bytes message, bool is_text);
/* Too much output waits: read no more until it was sent. */
void stoa_session_pause_when_full(struct stoa_session *session);

/* Read frames until the bytes or the share are used up, or the state changes. Returns the bytes used. */
size_t stoa_session_read_frames(struct stoa_stream *stream, uint8_t *data, size_t len);
/* Has an incomplete message taken too long? If not, *out_due_ms is when to check again; it is unchanged without such a
 * message. */
bool stoa_session_input_overdue(struct stoa_session *session, uint64_t now_ms, uint64_t *out_due_ms);

#endif
