/* server/session_log.h: the lines of the log about sessions: one when a session is admitted, one when it has ended.
 *
 *   event="session opened" session=... address=... codec=json tls=TLSv1.3 trace=...
 *   event="session closed" session=... address=... user=... codec=json tls=TLSv1.3 code=4008 by=server reason="send
 * queue full" duration_ms=... messages_in=... messages_out=... bytes_in=... bytes_out=...
 * trace=...
 *
 * They are not under the log's limit of 10 lines a second for each call, but under one of their own, so that a burst of
 * connections does not push other lines out of the log's queue. Sessions that the server ended, other than by draining,
 * have a share of their own: who was thrown out is in the log also while thousands come and go. Lines above the limit
 * are counted, and a line tells how many sessions were not logged.
 *
 * Thread: the worker's. Lifetime: the limit's state is a part of the worker.
 */
#ifndef STOA_SERVER_SESSION_LOG_H
#define STOA_SERVER_SESSION_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct stoa_session;
struct stoa_worker;

/* Lines of all workers in a second, of each kind; at least STOA_SESSION_LINES_MIN of each worker. */
#define STOA_SESSION_LINES_PER_S 400u
#define STOA_SESSION_LINES_MIN 10u

enum stoa_session_line {
  STOA_SESSION_LINE_OPENED,
  STOA_SESSION_LINE_CLOSED,
  STOA_SESSION_LINE_EXPELLED, /* closed by the server, and not because it drains */
  STOA_SESSION_LINES
};

struct stoa_session_log {
  uint64_t began_ms; /* when the second began that is counted */
  uint32_t written[STOA_SESSION_LINES];
  uint32_t left_out[STOA_SESSION_LINES];
  bool has_left_out; /* one of them is not 0 */
};

/* It was admitted. */
void stoa_session_log_opened(struct stoa_session *session);
/* It has ended; its struct is still whole. Does nothing for one that was never admitted. */
void stoa_session_log_closed(struct stoa_session *session);
/* Call now and then while has_left_out: tells how many were left out, when a second is over. */
void stoa_session_log_tick(struct stoa_worker *worker);
/* The worker ends: tell it now. */
void stoa_session_log_end(struct stoa_worker *worker);

#endif
