/* server/send.h: sends one typed frame to one session of this worker, after everything that was sent to its groups
 * before.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_SEND_H
#define STOA_SERVER_SEND_H

#include "server/format.h"

struct stoa_session;
struct stoa_worker;

/* Errors: as stoa_session_send() */
int stoa_worker_send(struct stoa_session *session, struct stoa_outgoing *outgoing);
/* Fill in what encoding needs from the worker: codecs, limits, scratch memory. */
void stoa_worker_outgoing(struct stoa_worker *worker, struct stoa_outgoing *outgoing);

#endif
