/* engine/local/lane.h: a queue of requests and the threads that work them off, or a caller that does.
 *
 * Thread: any.
 */
#ifndef STOA_ENGINE_LOCAL_LANE_H
#define STOA_ENGINE_LOCAL_LANE_H

#include "engine/request.h"

#include <pthread.h>

#define STOA_LANE_THREADS_MAX 2u

struct stoa_lane {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct stoa_engine_queue queue;
  uint32_t wanted; /* a thread is woken when the queue gets so long */
  bool is_ending;
  uint32_t thread_count;
  pthread_t threads[STOA_LANE_THREADS_MAX];
};

/* Errors: STOA_E_SYSTEM */
int stoa_lane_init(struct stoa_lane *lane);
void stoa_lane_fini(struct stoa_lane *lane);
/* Start one more thread, with all signals blocked. Errors: STOA_E_SYSTEM */
int stoa_lane_start(struct stoa_lane *lane, void *(*run)(void *context), void *context);
/* Make the waits end, and join the threads. */
void stoa_lane_end(struct stoa_lane *lane);

void stoa_lane_put(struct stoa_lane *lane, struct stoa_engine_request *request);
/* Move all requests of a queue behind those that wait. */
void stoa_lane_put_all(struct stoa_lane *lane, struct stoa_engine_queue *queue);
/* NULL: there is none. */
struct stoa_engine_request *stoa_lane_take(struct stoa_lane *lane);
/* Move all requests to the end of `queue`. */
void stoa_lane_take_all(struct stoa_lane *lane, struct stoa_engine_queue *queue);
bool stoa_lane_is_empty(struct stoa_lane *lane);
/* Wait for a request, or until due_ns of the monotonic clock (UINT64_MAX: for ever). False: the lane ends and is empty.
 */
bool stoa_lane_wait(struct stoa_lane *lane, uint64_t due_ns);
/* Wait until there are `count` requests, until due_ns, or until the lane ends; for a lane with one thread. */
void stoa_lane_gather(struct stoa_lane *lane, uint32_t count, uint64_t due_ns);
/* How many wait. */
uint32_t stoa_lane_count(struct stoa_lane *lane);

#endif
