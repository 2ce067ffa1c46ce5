/* server/worker.h: one thread with its loop, listeners, sessions and groups.
 *
 * Thread: its own, except where a function says otherwise. Lifetime: owned by the server.
 */
#ifndef STOA_SERVER_WORKER_H
#define STOA_SERVER_WORKER_H

#include "base/map.h"
#include "net/listener.h"
#include "server/calls.h"
#include "server/format.h"
#include "server/group.h"
#include "server/work.h"
#include "session/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stoa/server.h>

struct stoa_worker {
  struct stoa_session_host host; /* first: a session's host is its worker */
  struct stoa_server *server;
  uint32_t index;
  bool draining;
  atomic_bool thread_started; /* draining and waiting may be on different threads */
  pthread_t thread;
  struct stoa_loop *loop;
  struct stoa_arena *arena;
  struct stoa_listener *listeners;
  size_t listener_count;

  /* Sessions in a dense table; due times beside it, so that a sweep reads 4 bytes a session. */
  struct stoa_session **sessions;
  uint32_t *due_ms; /* low 32 bits */
  uint32_t session_count, session_capacity;
  struct stoa_map ids;
  struct stoa_post forsaken; /* sent by whoever could not hand over a message */
  atomic_bool is_forsaken;   /* and on its way */
  struct stoa_timer sweep;
  bool busy;           /* something happened since the last sweep */
  bool sweeping;       /* this turn swept, which is not counted as something */
  bool resting;        /* nothing did: the next sweep waits until somebody is due */
  uint32_t peak_count; /* of sessions, since memory was given back last */
  struct stoa_timer drain_end;

  struct stoa_calls calls;
  struct stoa_work work;
  struct stoa_groups groups;
  struct stoa_buffer encode_scratch[STOA_CODECS_MAX];
  struct stoa_buffer text_scratch;
  struct stoa_buffer compress_scratch;
};

/* Errors: STOA_E_MEMORY, STOA_E_SYSTEM; fini is due after both. */
int stoa_worker_init(struct stoa_worker *worker, struct stoa_server *server, uint32_t index);
/* Once its thread has ended: drop all sessions, with their on_disconnect. */
void stoa_worker_end_sessions(struct stoa_worker *worker);
/* When all workers' sessions have ended. */
void stoa_worker_fini(struct stoa_worker *worker);

/* Take a listening descriptor; before the thread runs. Errors: STOA_E_SYSTEM, STOA_E_MEMORY */
int stoa_worker_listen(struct stoa_worker *worker, size_t slot, int fd, bool tls);
/* Errors: STOA_E_SYSTEM */
int stoa_worker_start(struct stoa_worker *worker);

/* The worker that this thread is, or NULL. */
struct stoa_worker *stoa_worker_current(void);
/* The same, if it is one of that server. */
struct stoa_worker *stoa_worker_current_of(const struct stoa_server *server);
/* Make this thread be that worker, or none by NULL, while it calls the program on the worker's behalf. */
void stoa_worker_enter(struct stoa_worker *worker);
/* A session's worker. */
static inline struct stoa_worker *stoa_worker_of(const struct stoa_session *session) {
  return (struct stoa_worker *)(void *)session->host;
}

/* Any thread. */
void stoa_worker_drain(struct stoa_worker *worker);
void stoa_worker_abort(struct stoa_worker *worker);

/* Messages for members on this worker were lost for want of memory. Its sessions are closed with 4010 to come back,
 * for nobody must stay with a hole in what it heard. Any worker's thread; takes no memory. */
void stoa_worker_forsake(struct stoa_worker *worker);

/* The session of this worker with that id, if it is open. */
struct stoa_session *stoa_worker_find(struct stoa_worker *worker, const struct stoa_uuid *id);

/* request.c: a request head is complete. */
void stoa_worker_on_request(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data);
/* dispatch.c: a message is complete. */
void stoa_worker_on_message(struct stoa_session *session, struct stoa_bytes message, bool is_text);
/* send.c: one typed frame to one session of this worker. Errors: as stoa_session_send() */
int stoa_worker_send(struct stoa_session *session, struct stoa_outgoing *outgoing);
void stoa_worker_outgoing(struct stoa_worker *worker, struct stoa_outgoing *outgoing);

#endif
