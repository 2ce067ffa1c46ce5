/* client/resolver.h: looks host names up, so that nobody has to wait for the system's resolver.
 *
 * getaddrinfo() takes as long as name servers let it take, and cannot be stopped. So a look-up is a request in a queue.
 * Threads, which live as long as there are requests, take them from there; a simulation calls stoa_resolver_run_one()
 * instead. Whoever asked may stop waiting at any time: a request that nobody has begun is freed at once, one that is
 * being worked on belongs to the thread that works on it, which frees it when the system's resolver returns.
 *
 * Bounded: at most threads_max look-ups run at a time, and who asks has one request at a time. When threads_max are
 * stuck at name servers that do not answer, others wait; each has a deadline of its own.
 *
 * Does not know: clients, connections, time.
 * Thread: ask, cancel and on_done: the asker's, which turns the loop. run_one: any.
 * Lifetime: a resolver lives longer than its requests, and than its threads, of which nobody is told when they end:
 *           one with threads is static. A fork while a look-up runs leaves the child's copy of it without threads.
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
  unsigned threads;     /* at work */
  unsigned threads_max; /* 0: stoa_resolver_run_one() is called by somebody else */
  /* As stoa_dial_resolve(); may block. */
  int (*resolve)(void *context, const char *host, uint16_t port,
                 struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX], size_t *out_count);
  void *context;
};

/* The process's own, which asks the system. */
extern struct stoa_resolver stoa_resolver_system;

/* One request. All but `post` and `state` is read by the asker once `answered` is set. */
struct stoa_lookup {
  struct stoa_post post; /* to the asker's loop, when it is done */
  struct stoa_lookup *next;
  struct stoa_resolver *resolver;
  struct stoa_loop *loop;
  enum {
    STOA_LOOKUP_QUEUED,
    STOA_LOOKUP_RUNNING,
    STOA_LOOKUP_POSTED,   /* its result is on its way to the asker */
    STOA_LOOKUP_ABANDONED /* it is freed by whoever has it */
  } state;
  bool answered; /* the asker's: on_done was called, or is being called */
  void (*on_done)(struct stoa_lookup *lookup);
  void *context;
  uint16_t port;
  int status; /* as stoa_dial_resolve() */
  int error;  /* errno, with STOA_E_SYSTEM */
  size_t address_count;
  struct stoa_address addresses[STOA_DIAL_ADDRESSES_MAX];
  char host[];
};

/* Look a name up. on_done is called once, on the loop's thread and never inside this call, with the request, which is
 * the asker's until stoa_lookup_cancel().
 *
 * loop     borrowed until on_done or cancel
 * Errors: STOA_E_MEMORY; STOA_E_SYSTEM  there is no thread to be had, errno tells why; nothing was asked */
int stoa_resolver_ask(struct stoa_resolver *resolver, struct stoa_loop *loop, const char *host, uint16_t port,
                      void (*on_done)(struct stoa_lookup *lookup), void *context, struct stoa_lookup **out_lookup);

/* Stop waiting, or release a request that is done. Never waits, and on_done is not called after it. NULL is fine. */
void stoa_lookup_cancel(struct stoa_lookup *lookup);

/* Do one look-up, here and now. False when there was none to do. */
bool stoa_resolver_run_one(struct stoa_resolver *resolver);

#endif
