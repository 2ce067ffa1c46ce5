/* server/worker/core.h: the worker's struct: one thread with its loop, listeners, sessions and groups. All code that
 * uses a worker includes this; worker.h creates one, and life.h runs it.
 *
 * Does not know: the callbacks of its loop, hosts and timers.
 * Thread: its own, except where a function says otherwise. Lifetime: owned by the server.
 */
#ifndef STOA_SERVER_WORKER_CORE_H
#define STOA_SERVER_WORKER_CORE_H

#include "base/container.h"
#include "base/map.h"
#include "base/metric.h"
#include "http/http.h"
#include "net/proxy_input.h"
#include "server/call/calls.h"
#include "server/call/pending.h"
#include "server/format.h"
#include "server/group/group.h"
#include "server/group/placement.h"
#include "server/listener/listeners.h"
#include "server/listener/tls.h"
#include "server/server_session.h"
#include "server/session_log.h"
#include "server/settings/settings.h"
#include "server/worker/budget.h"
#include "server/worker/watch.h"
#include "server/worker/work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stoa/server.h>

/* Who takes its turns. */
enum stoa_worker_life {
  STOA_WORKER_STANDS,   /* no one: it has not begun, or has ended */
  STOA_WORKER_THREADED, /* a thread of its own, which may have ended but is not joined */
  STOA_WORKER_STEPPED   /* the caller of stoa_worker_turn() (stepping.h) */
};

struct stoa_message_trace;

struct stoa_worker {
  struct stoa_stream_host streams; /* first: a stream's host is its worker */
  struct stoa_http_host http;
  struct stoa_proxy_host proxy;
  struct stoa_session_host sessions;
  struct stoa_session_host fallbacks; /* sessions of clients without WebSocket, see session/fallback.h */
  struct stoa_server *server;
  uint32_t index;
  bool draining;
  bool serves_posts; /* while draining: it listens, for posts to sessions of the HTTP fallback */
  atomic_int life;   /* enum stoa_worker_life: draining and waiting may be on different threads */
  pthread_t thread;  /* while THREADED */
  struct stoa_loop *loop;
  struct stoa_arena *arena;
  struct stoa_listener *listeners; /* owned by listeners.h: one for each socket that is watched here */
  size_t listener_count;           /* 0: it does not listen yet, or no longer */
  struct stoa_spare spare;
  struct stoa_settings *settings; /* counted; replaced between callbacks of the loop, see settings.h */
  struct stoa_post settings_post;
  atomic_bool settings_posted;

  /* Connections in a dense table; due times are separate, so that a sweep reads 4 bytes a connection. */
  struct stoa_server_session **table;
  uint32_t *due_ms; /* low 32 bits */
  uint32_t table_count, table_capacity;
  struct stoa_map ids; /* of sessions */
  struct stoa_post drain_post;
  atomic_bool drain_posted;
  struct stoa_timer sweep;
  bool busy;           /* something happened since the last sweep */
  bool sweeping;       /* this turn swept, which does not count as busy */
  bool resting;        /* not busy: the next sweep waits until a connection is due */
  uint32_t peak_count; /* most connections since memory was released last */
  struct stoa_timer drain_end;
  struct stoa_timer posts_end; /* while serves_posts: looks whether there is a session left */

  /* Posts from other threads that wait for this worker, see post.h. */
  struct stoa_budget mailbox; /* messages and requests */
  struct stoa_budget batches; /* of groups that other workers own */
  struct stoa_post lost_post; /* members here missed a message, see posts.c */
  atomic_bool lost_posted;    /* lost_post was posted and has not run yet */

  struct stoa_pendings pendings;
  struct stoa_call_scope *call_scope;       /* NULL: no handler runs */
  struct stoa_message_trace *message_trace; /* NULL: nothing of a session is handled; see trace/message.h */
  /* A message that waited goes on with its chain; the bytes are borrowed until it returns. */
  void (*on_resumed)(struct stoa_invocation *invocation, struct stoa_bytes payload);
  struct stoa_metric_shard *metrics; /* borrowed from the server's */
  struct stoa_metric_cell *requests; /* its cells of STOA_M_REQUESTS */
  uint32_t sample_in;                /* requests until one is measured, see metrics.h */
  struct stoa_worker_watch watch;
  struct stoa_session_log session_log;
  struct stoa_exchange_account *exchanges; /* of HTTP requests, see exchange.h */

  struct stoa_work work;
  struct stoa_groups groups;
  struct stoa_placements placements;
  struct stoa_buffer encode_scratch[STOA_CODECS_MAX];
  struct stoa_buffer text_scratch;
  struct stoa_buffer compress_scratch;
};

/* Any thread. */
static inline bool stoa_worker_runs(const struct stoa_worker *worker) {
  return atomic_load(&worker->life) != STOA_WORKER_STANDS;
}

/* The worker that this thread is, or NULL. */
struct stoa_worker *stoa_worker_current(void);
/* The same, if it belongs to that server. */
static inline struct stoa_worker *stoa_worker_here(const struct stoa_server *server) {
  struct stoa_worker *worker = stoa_worker_current();
  return worker != NULL && worker->server == server ? worker : NULL;
}
/* Set this thread's current worker, or none with NULL, while it calls the program on the worker's behalf. */
void stoa_worker_enter(struct stoa_worker *worker);
/* A stream's worker, and a session's. */
static inline struct stoa_worker *stoa_worker_of_stream(const struct stoa_stream *stream) {
  return stoa_container_of(stoa_stream_host_of(stream), struct stoa_worker, streams);
}
static inline struct stoa_worker *stoa_worker_of(const struct stoa_session *session) {
  return stoa_worker_of_stream(&session->stream);
}

/* True while the header of the PROXY protocol has not come. */
static inline bool stoa_worker_awaits_proxy_header(const struct stoa_session *session) {
  return session->stream.protocol == &stoa_worker_of(session)->proxy.protocol;
}

#endif
