/* tools/stoa/doctor/session.h: a WebSocket after the upgrade, as far as `stoa doctor` needs it: control frames, and
 * that messages arrive. Their content is skipped.
 *
 * Thread: one. Lifetime: the wire is borrowed.
 */
#ifndef STOA_TOOL_DOCTOR_SESSION_H
#define STOA_TOOL_DOCTOR_SESSION_H

#include <stdint.h>

#include "doctor/wire.h"

enum { DOCTOR_CONTROL_MAX = 125 };

enum doctor_event {
  DOCTOR_EVENT_LATE, /* the deadline has passed */
  DOCTOR_EVENT_PING, /* it is answered */
  DOCTOR_EVENT_PONG,
  DOCTOR_EVENT_MESSAGE,
  DOCTOR_EVENT_CLOSE,
  DOCTOR_EVENT_ENDED, /* without a close frame */
  DOCTOR_EVENT_WRONG  /* not a frame of a server: `wrong` says why */
};

struct doctor_session {
  struct doctor_wire *wire;
  size_t len, at; /* what was read and not used */
  uint64_t skip;  /* bytes of a message that are to come */
  uint8_t data[4096];
  int64_t traffic_ms; /* when the last byte went, in either direction */
  uint8_t control[DOCTOR_CONTROL_MAX];
  size_t control_len; /* of the last control frame */
  unsigned close_code;
  const char *wrong;
};

/* `data` is what came with the answer's head. */
void doctor_session_init(struct doctor_session *session, struct doctor_wire *wire, const char *data, size_t len);
/* The next frame. */
enum doctor_event doctor_session_next(struct doctor_session *session, int64_t deadline_ms);
/* Send a ping with that text, or a close frame with 1000. False: the connection is broken. */
bool doctor_session_ping(struct doctor_session *session, const char *text, int64_t deadline_ms);
bool doctor_session_close(struct doctor_session *session, int64_t deadline_ms);

#endif
