/* bench/posts.c: the cost of posting work from one worker's loop to another's.
 *
 *   stream  one thread posts as fast as it can; the other rarely needs to be woken
 *   one     a post goes there and back before the next one: both threads sleep and are woken each time
 *
 * Prints wall time and CPU time of both threads for each post, in nanoseconds.
 */
#include "loop/loop.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STREAM_POSTS = 2000000, ROUND_TRIPS = 100000, POSTS_IN_STORE = 65536 };

struct side {
  struct stoa_loop *loop;
  pthread_t thread;
};

struct ball {
  struct stoa_post post;
  struct side *here, *there;
  unsigned long left;
};

static struct side sides[2];
static struct stoa_post store[POSTS_IN_STORE];
static atomic_ulong arrived;

static void *turn(void *context) {
  struct side *side = context;
  stoa_loop_run(side->loop);
  return NULL;
}

static void pin(pthread_t thread, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  if (pthread_setaffinity_np(thread, sizeof set, &set) != 0) {
    fprintf(stderr, "posts: cannot bind a thread to processor %d; figures will be noisier\n", cpu);
  }
}

static void open_side(struct side *side, int cpu) {
  if (stoa_loop_create(&stoa_clock_system, &side->loop) != STOA_OK ||
      pthread_create(&side->thread, NULL, turn, side) != 0) {
    fprintf(stderr, "posts: cannot start a loop\n");
    exit(1);
  }
  pin(side->thread, cpu);
}

static double now_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void count(struct stoa_post *post) {
  (void)post;
  atomic_fetch_add_explicit(&arrived, 1, memory_order_release);
}

/* A post may be used again only after it has run, so the posts are reused in a ring. */
static void stream(void) {
  for (unsigned long i = 0; i < STREAM_POSTS; i++) {
    while (i >= atomic_load_explicit(&arrived, memory_order_acquire) + POSTS_IN_STORE) {
      sched_yield();
    }
    struct stoa_post *post = &store[i % POSTS_IN_STORE];
    post->run = count;
    stoa_loop_post(sides[1].loop, post);
  }
  while (atomic_load_explicit(&arrived, memory_order_acquire) < STREAM_POSTS) {
    sched_yield();
  }
}

static void bounce(struct stoa_post *post) {
  struct ball *ball = (struct ball *)(void *)post;
  struct side *to = ball->there;
  if (ball->left == 0) {
    atomic_store_explicit(&arrived, 1, memory_order_release);
    return;
  }
  ball->left--;
  ball->there = ball->here;
  ball->here = to;
  stoa_loop_post(to->loop, post);
}

static void round_trips(void) {
  static struct ball ball;
  ball = (struct ball){.post.run = bounce, .here = &sides[1], .there = &sides[0], .left = 2ul * ROUND_TRIPS};
  atomic_store(&arrived, 0);
  stoa_loop_post(sides[1].loop, &ball.post);
  const struct timespec moment = {0, 1000000};
  while (atomic_load_explicit(&arrived, memory_order_acquire) == 0) {
    nanosleep(&moment, NULL);
  }
}

static void measure(const char *name, void (*work)(void), double posts) {
  double wall = now_ns(CLOCK_MONOTONIC);
  double cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  work();
  printf("%-8s %9.0f posts  %8.1f ns wall  %8.1f ns CPU\n", name, posts, (now_ns(CLOCK_MONOTONIC) - wall) / posts,
         (now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / posts);
}

int main(void) {
  pin(pthread_self(), 0);
  open_side(&sides[0], 0);
  open_side(&sides[1], 1);
  measure("stream", stream, STREAM_POSTS);
  measure("one", round_trips, 2.0 * ROUND_TRIPS);
  for (int i = 0; i < 2; i++) {
    stoa_loop_stop(sides[i].loop);
    pthread_join(sides[i].thread, NULL);
    stoa_loop_destroy(sides[i].loop);
  }
  return 0;
}
