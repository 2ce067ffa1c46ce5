#include "engine/local/lane.h"

#include "base/thread.h"
#include "base/units.h"

#include <assert.h>
#include <time.h>

int stoa_lane_init(struct stoa_lane *lane) {
  if (pthread_mutex_init(&lane->mutex, NULL) != 0) {
    return STOA_E_SYSTEM;
  }
  if (pthread_cond_init(&lane->changed, NULL) != 0) {
    pthread_mutex_destroy(&lane->mutex);
    return STOA_E_SYSTEM;
  }
  lane->wanted = 1;
  return STOA_OK;
}

void stoa_lane_fini(struct stoa_lane *lane) {
  assert(lane->queue.count == 0);
  assert(lane->thread_count == 0);
  pthread_cond_destroy(&lane->changed);
  pthread_mutex_destroy(&lane->mutex);
}

int stoa_lane_start(struct stoa_lane *lane, void *(*run)(void *context), void *context) {
  assert(lane->thread_count < STOA_LANE_THREADS_MAX);
  int status = stoa_thread_start(run, context, &lane->threads[lane->thread_count]);
  lane->thread_count += status == STOA_OK ? 1 : 0;
  return status;
}

void stoa_lane_end(struct stoa_lane *lane) {
  pthread_mutex_lock(&lane->mutex);
  lane->is_ending = true;
  pthread_cond_broadcast(&lane->changed);
  pthread_mutex_unlock(&lane->mutex);
  for (; lane->thread_count > 0; lane->thread_count--) {
    pthread_join(lane->threads[lane->thread_count - 1], NULL);
  }
}

void stoa_lane_put(struct stoa_lane *lane, struct stoa_engine_request *request) {
  pthread_mutex_lock(&lane->mutex);
  stoa_engine_queue_put(&lane->queue, request);
  if (lane->queue.count == lane->wanted) {
    pthread_cond_signal(&lane->changed);
  }
  pthread_mutex_unlock(&lane->mutex);
}

void stoa_lane_put_all(struct stoa_lane *lane, struct stoa_engine_queue *queue) {
  pthread_mutex_lock(&lane->mutex);
  uint32_t before = lane->queue.count;
  stoa_engine_queue_move(&lane->queue, queue);
  if (before < lane->wanted && lane->queue.count >= lane->wanted) {
    pthread_cond_signal(&lane->changed);
  }
  pthread_mutex_unlock(&lane->mutex);
}

struct stoa_engine_request *stoa_lane_take(struct stoa_lane *lane) {
  pthread_mutex_lock(&lane->mutex);
  struct stoa_engine_request *request = stoa_engine_queue_take(&lane->queue);
  /* A signal is sent for the first request only; a lane with two threads passes it on. */
  if (lane->queue.count > 0) {
    pthread_cond_signal(&lane->changed);
  }
  pthread_mutex_unlock(&lane->mutex);
  return request;
}

void stoa_lane_take_all(struct stoa_lane *lane, struct stoa_engine_queue *queue) {
  pthread_mutex_lock(&lane->mutex);
  stoa_engine_queue_move(queue, &lane->queue);
  pthread_mutex_unlock(&lane->mutex);
}

uint32_t stoa_lane_count(struct stoa_lane *lane) {
  pthread_mutex_lock(&lane->mutex);
  uint32_t count = lane->queue.count;
  pthread_mutex_unlock(&lane->mutex);
  return count;
}

bool stoa_lane_is_empty(struct stoa_lane *lane) {
  return stoa_lane_count(lane) == 0;
}

static struct timespec time_of(uint64_t ns) {
  return (struct timespec){(time_t)(ns / STOA_NS_PER_S), (long)(ns % STOA_NS_PER_S)};
}

bool stoa_lane_wait(struct stoa_lane *lane, uint64_t due_ns) {
  const struct timespec due = time_of(due_ns);
  pthread_mutex_lock(&lane->mutex);
  bool is_late = due_ns == 0;
  while (lane->queue.count == 0 && !lane->is_ending && !is_late) {
    if (due_ns == UINT64_MAX) {
      pthread_cond_wait(&lane->changed, &lane->mutex);
    } else {
      is_late = pthread_cond_clockwait(&lane->changed, &lane->mutex, CLOCK_MONOTONIC, &due) != 0;
    }
  }
  bool goes_on = lane->queue.count > 0 || !lane->is_ending;
  pthread_mutex_unlock(&lane->mutex);
  return goes_on;
}

void stoa_lane_gather(struct stoa_lane *lane, uint32_t count, uint64_t due_ns) {
  const struct timespec due = time_of(due_ns);
  bool is_late = false;
  assert(lane->thread_count <= 1);
  pthread_mutex_lock(&lane->mutex);
  lane->wanted = count;
  while (lane->queue.count < count && !lane->is_ending && !is_late) {
    is_late = pthread_cond_clockwait(&lane->changed, &lane->mutex, CLOCK_MONOTONIC, &due) != 0;
  }
  lane->wanted = 1;
  pthread_mutex_unlock(&lane->mutex);
}
