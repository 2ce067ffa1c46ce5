/* tour.h: visits the sessions of all workers, one worker after the other.
 *
 * Does not know: what the visit is for.
 * Thread: each visit runs on the worker of its session; two of one tour never run at once.
 */
#ifndef CHATROOM_TOUR_H
#define CHATROOM_TOUR_H

#include <stoa/worker.h>

struct tour {
  struct stoa_server *server;
  /* For each session, with the tour as its context. */
  stoa_worker_session_visit *visit;
  /* Called once, on a worker, and never inside tour_begin() when that has succeeded. STOA_OK: all were visited.
   * STOA_E_CLOSED: the server is being destroyed; STOA_E_LIMIT, STOA_E_MEMORY: some were not visited. */
  void (*on_end)(struct tour *tour, int status);
  uint32_t next; /* the tour's own */
};

/* Begin with server, visit and on_end set; the tour stays where it is until on_end. Errors: as stoa_worker_run();
 * on_end is not called then */
int tour_begin(struct tour *tour);

#endif
