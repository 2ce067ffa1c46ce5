/* session/input.h: input of one session that is not complete yet. Private to this floor. */
#ifndef STOA_SESSION_INPUT_H
#define STOA_SESSION_INPUT_H

#include "session/session.h"
#include "wire/http.h"

struct stoa_session_input {
  struct stoa_buffer stash;   /* bytes that could not be used yet */
  struct stoa_buffer message; /* the message's payload so far, inflated */
  struct stoa_http_head *head;
  struct stoa_inflater *inflater; /* a compressed message is under way */
  uint32_t utf8;                  /* of an inflated text */
  uint32_t started_ms;            /* when the message began */
  bool in_message;
};

/* The session's input, made when it is first needed. NULL when memory is out. */
struct stoa_session_input *stoa_session_input_ensure(struct stoa_session *session);
/* Free it when nothing is left in it. */
void stoa_session_input_trim(struct stoa_session *session);

/* The descriptor has something to read. */
void stoa_session_readable(struct stoa_session *session);
/* Must input wait: for output, or for answers to calls? */
bool stoa_session_input_waits(const struct stoa_session *session);
/* Input that had to wait goes on. */
void stoa_session_process_stash(struct stoa_session *session);
bool stoa_session_input_overdue(const struct stoa_session *session, uint64_t now_ms, uint64_t *out_due_ms);
void stoa_session_input_release(struct stoa_session *session);

/* http_input.c: 408; some input is there. */
void stoa_session_refuse_late(struct stoa_session *session);
/* http_input.c: the request head at the front of data[0, len). Returns the bytes used; 0 asks for more. */
size_t stoa_session_read_head(struct stoa_session *session, uint8_t *data, size_t len);
/* frame_input.c: frames, until the bytes, the state or the peer's patience ends. Returns the bytes used. */
size_t stoa_session_read_frames(struct stoa_session *session, uint8_t *data, size_t len);

#endif
