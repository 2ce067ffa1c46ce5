/* client/resolver.h: looks host names up without blocking the caller in the system's resolver.
 *
 * getaddrinfo() may block for a long time and cannot be cancelled. So a look-up is a request in a queue. Threads, which
 * run as long as there are requests, take them from it; a simulation calls stoa_resolver_run_one() instead. The asker
 * may cancel at any time: a request that was not begun is freed at once. One that is running is owned by its thread,
 * which frees it when the system's resolver returns.
 *
 * Bounded: at most threads_max look-ups run at a time, and an asker has one request at a time. When threads_max
 * look-ups wait for name servers that do not answer, others wait too; each asker has its own deadline.
 *
 * Does not know: clients, connections, time.
 * Thread: ask, cancel and on_done: the asker's, which runs the loop. run_one: any.
 * Lifetime: a resolver must live longer than its requests and its threads. The end of a thread is not reported, so a
 *           resolver with threads is static. After a fork during a look-up, the child's copy has no threads.
 */
#ifndef STOA_CLIENT_RESOLVER_H
#define STOA_CLIENT_RESOLVER_H

#include "loop/loop.h"
#include "net/dial.h"

#include <pthread.h>

struct stoa_lookup;

struct stoa_resolver {
  pthread_mutex_t mutex; /* the queue, `threads`, and the states of requests */
  struct stoa_lookup *first, *last;
  unsigned threads;     /* running */
  unsigned threads_max; /* 0: no threads, the owner calls stoa_resolver_run_one() */
  /* As stoa_dial_resolve(); may block. */
  int (*resolve)(void *context, const char *host, uint16_t port,
                 struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX], size_t *out_count);
  void *context;
};

/* The resolver of the process, which uses the system's. */
extern struct stoa_resolver stoa_resolver_system;

/* One request. After `answered` is set, the asker may read everything except `post` and `state`. */
struct stoa_lookup {
  struct stoa_post post; /* to the asker's loop, when the look-up is done */
  struct stoa_lookup *next;
  struct stoa_resolver *resolver;
  struct stoa_loop *loop;
  enum {
    STOA_LOOKUP_QUEUED,
    STOA_LOOKUP_RUNNING,
    STOA_LOOKUP_POSTED,   /* the result is posted to the asker */
    STOA_LOOKUP_ABANDONED /* its current owner frees it */
  } state;
  bool answered; /* used by the asker: on_done was called, or is being called */
  void (*on_done)(struct stoa_lookup *lookup);
  void *context;
  uint16_t port;
  int status; /* as stoa_dial_resolve() */
  int error;  /* errno, with STOA_E_SYSTEM */
  size_t address_count;
  struct stoa_address addresses[STOA_DIAL_ADDRESSES_MAX];
  char host[];
};

/* Look a name up. on_done is called once, on the loop's thread and never inside this call, with the request, which the
 * asker owns until stoa_lookup_cancel().
 *
 * loop     borrowed until on_done or cancel
 * Errors: STOA_E_MEMORY; STOA_E_SYSTEM  no thread could be created, errno says why; there is no request then */
int stoa_resolver_ask(struct stoa_resolver *resolver, struct stoa_loop *loop, const char *host, uint16_t port,
                      void (*on_done)(struct stoa_lookup *lookup), void *context, struct stoa_lookup **out_lookup);

/* Cancel a request, or release one that is done. Never waits, and on_done is not called after it. NULL is fine. */
void stoa_lookup_cancel(struct stoa_lookup *lookup);

/* Do one look-up in this call. False when the queue is empty. */
bool stoa_resolver_run_one(struct stoa_resolver *resolver);

#endif
