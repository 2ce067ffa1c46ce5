/* server/worker/settings.h: which settings a worker uses, and when it takes new ones: in a post between two callbacks
 * of its loop, so that one message or request sees one snapshot. A lock is taken once after each reload.
 *
 * Does not know: what the settings say.
 * Thread: the worker's, except stoa_workers_tell_settings().
 */
#ifndef STOA_SERVER_WORKER_SETTINGS_H
#define STOA_SERVER_WORKER_SETTINGS_H

#include "server/worker/core.h"

/* Take the server's newest settings. apply follows when the worker's hosts and memory exist. */
void stoa_worker_settings_begin(struct stoa_worker *worker);
/* Give the worker's parts what they need of its settings. Nothing of a message is in its scratch memory. */
void stoa_worker_settings_apply(struct stoa_worker *worker);
/* After its last turn. */
void stoa_worker_settings_end(struct stoa_worker *worker);
/* Take newer settings at once, if a post for them waits. For the accept of a connection: what is accepted after a
 * reload has returned sees the new certificates and limits. */
void stoa_worker_settings_refresh(struct stoa_worker *worker);

/* Replace the server's newest settings, and tell all workers. Needs no memory, so it cannot fail. Any thread while the
 * server runs, but one call at a time. Takes the reference. */
void stoa_workers_use_settings(struct stoa_server *server, struct stoa_settings *settings);
/* The server's newest settings; the caller owns the reference. Any thread. */
struct stoa_settings *stoa_server_settings(struct stoa_server *server);

#endif
