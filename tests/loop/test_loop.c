#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "loop/loop.h"

#define THREADS 4
#define POSTS_PER_THREAD 20000

static struct stoa_clock_fake fake_time;
static struct stoa_clock fake_clock;

static struct stoa_loop *make_loop(void) {
  struct stoa_loop *loop = NULL;
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &loop), STOA_OK);
  return loop;
}

static struct stoa_loop *make_fake_loop(uint64_t now_ms) {
  struct stoa_loop *loop = NULL;
  fake_clock = stoa_clock_fake_init(&fake_time);
  fake_time.monotonic_ns = now_ms * 1000000;
  assert_int_equal(stoa_loop_create(&fake_clock, &loop), STOA_OK);
  return loop;
}

static void advance(struct stoa_loop *loop, uint64_t ms) {
  fake_time.monotonic_ns += ms * 1000000;
  stoa_loop_turn(loop, 0);
}

/* Times. */

static struct stoa_loop_times seen_times;
static unsigned times_count;

static void see_times(void *context, const struct stoa_loop_times *times) {
  assert_ptr_equal(context, &seen_times);
  seen_times = *times;
  times_count++;
}

static void take_3_ms(struct stoa_timer *timer) {
  (void)timer;
  fake_time.monotonic_ns += 3000000;
}

static void post_takes_5_ms(struct stoa_post *post) {
  (void)post;
  fake_time.monotonic_ns += 5000000;
}

static void hook_takes_7_ms(void *context) {
  (void)context;
  fake_time.monotonic_ns += 7000000;
}

static void test_a_turn_reports_the_time_of_each_step_and_how_late_its_timers_were(void **state) {
  (void)state;
  struct stoa_loop *loop = make_fake_loop(1000);
  struct stoa_timer timer = {.on_due = take_3_ms};
  struct stoa_post post = {.run = post_takes_5_ms};
  stoa_loop_on_times(loop, see_times, &seen_times);
  stoa_loop_on_turn_end(loop, hook_takes_7_ms, NULL);
  stoa_loop_timer_start(loop, &timer, 16);
  stoa_loop_post(loop, &post);
  advance(loop, 50);
  assert_int_equal(times_count, 1);
  assert_true(seen_times.has_timers);
  assert_int_equal(seen_times.late_ns, 34000000);
  assert_int_equal(seen_times.steps_ns[STOA_LOOP_EVENTS], 0);
  assert_int_equal(seen_times.steps_ns[STOA_LOOP_POSTS], 5000000);
  assert_int_equal(seen_times.steps_ns[STOA_LOOP_TIMERS], 3000000);
  assert_int_equal(seen_times.steps_ns[STOA_LOOP_END], 7000000);
  assert_int_equal(seen_times.turn_ns, 15000000);
  advance(loop, 1);
  assert_int_equal(times_count, 2);
  assert_false(seen_times.has_timers);
  assert_int_equal(seen_times.turn_ns, 7000000);
  stoa_loop_destroy(loop);
}

/* Posts. */

struct numbered {
  struct stoa_post post;
  struct stoa_loop *loop;
  uint32_t *next_of_thread; /* what is expected next */
  uint32_t number;
  uint32_t *left;
};

static void run_numbered(struct stoa_post *post) {
  struct numbered *numbered = (struct numbered *)(void *)post;
  assert_int_equal(numbered->number, *numbered->next_of_thread);
  (*numbered->next_of_thread)++;
  (*numbered->left)--;
  if (*numbered->left == 0) {
    stoa_loop_stop(numbered->loop);
  }
}

static void *post_all(void *context) {
  struct numbered *posts = context;
  for (uint32_t i = 0; i < POSTS_PER_THREAD; i++) {
    stoa_loop_post(posts[i].loop, &posts[i].post);
  }
  return NULL;
}

static void test_posts_of_several_threads_keep_each_ones_order(void **state) {
  (void)state;
  struct stoa_loop *loop = make_loop();
  static struct numbered posts[THREADS][POSTS_PER_THREAD];
  uint32_t next[THREADS] = {0};
  uint32_t left = THREADS * POSTS_PER_THREAD;
  pthread_t threads[THREADS];
  for (uint32_t t = 0; t < THREADS; t++) {
    for (uint32_t i = 0; i < POSTS_PER_THREAD; i++) {
      posts[t][i] = (struct numbered){
          .post.run = run_numbered, .loop = loop, .next_of_thread = &next[t], .number = i, .left = &left};
    }
    assert_int_equal(pthread_create(&threads[t], NULL, post_all, posts[t]), 0);
  }
  stoa_loop_run(loop); /* ends only when none was lost and every wake-up came through */
  for (uint32_t t = 0; t < THREADS; t++) {
    pthread_join(threads[t], NULL);
    assert_int_equal(next[t], POSTS_PER_THREAD);
  }
  stoa_loop_destroy(loop);
}

/* What happened in a turn, in letters. */
struct trace {
  struct stoa_loop *loop;
  char text[64];
  struct stoa_io io;
  struct stoa_timer timer;
  struct stoa_deferred deferred;
  struct stoa_post posts[4];
  size_t posted;
  bool post_in_each_phase;
};

static struct trace trace;

static void note(char letter) {
  size_t len = strlen(trace.text);
  assert_true(len + 1 < sizeof trace.text);
  trace.text[len] = letter;
}

static void run_traced_post(struct stoa_post *post) {
  (void)post;
  note('p');
}

static void post_from_here(void) {
  if (trace.post_in_each_phase && trace.posted < 4) {
    struct stoa_post *post = &trace.posts[trace.posted++];
    post->run = run_traced_post;
    stoa_loop_post(trace.loop, post);
  }
}

static void on_traced_io(struct stoa_io *io, uint32_t events) {
  char byte;
  (void)events;
  assert_int_equal(read(io->fd, &byte, 1), 1);
  note('i');
  post_from_here();
}

static void on_traced_timer(struct stoa_timer *timer) {
  (void)timer;
  note('t');
  post_from_here();
}

static void on_traced_end(void *context) {
  (void)context;
  note('e');
  if (strchr(trace.text, 'd') == NULL) {
    post_from_here();
  }
}

static void run_traced_deferred(struct stoa_deferred *deferred) {
  (void)deferred;
  note('d');
  post_from_here();
}

static int begin_trace(bool post_in_each_phase, int pair[2]) {
  memset(&trace, 0, sizeof trace);
  trace.loop = make_fake_loop(1000);
  trace.post_in_each_phase = post_in_each_phase;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  trace.io = (struct stoa_io){pair[0], EPOLLIN, on_traced_io};
  assert_int_equal(stoa_loop_add(trace.loop, &trace.io), STOA_OK);
  trace.timer.on_due = on_traced_timer;
  stoa_loop_timer_start(trace.loop, &trace.timer, 0);
  stoa_loop_on_turn_end(trace.loop, on_traced_end, NULL);
  trace.deferred.run = run_traced_deferred;
  stoa_loop_defer(trace.loop, &trace.deferred);
  assert_int_equal(write(pair[1], "x", 1), 1);
  return 0;
}

static void end_trace(int pair[2]) {
  stoa_loop_remove(trace.loop, &trace.io);
  stoa_loop_destroy(trace.loop);
  close(pair[0]);
  close(pair[1]);
}

static void test_a_turn_runs_descriptors_posts_timers_the_hook_and_then_releases(void **state) {
  (void)state;
  int pair[2];
  begin_trace(false, pair);
  struct stoa_post post = {NULL, run_traced_post};
  stoa_loop_post(trace.loop, &post);
  advance(trace.loop, 100);
  assert_string_equal(trace.text, "ipted");
  end_trace(pair);
}

static struct stoa_deferred gathered;

static void run_gathered(struct stoa_deferred *deferred) {
  assert_ptr_equal(deferred, &gathered);
  note('g');
}

static void gather_in_post(struct stoa_post *post) {
  (void)post;
  note('p');
  assert_true(stoa_loop_is_turning(trace.loop));
  gathered.run = run_gathered;
  stoa_loop_hand_over(trace.loop, &gathered);
}

static void gather_in_hook(void *context) {
  (void)context;
  note('e');
  if (strchr(trace.text, 'g') == NULL) {
    gathered.run = run_gathered;
    stoa_loop_hand_over(trace.loop, &gathered);
  }
}

static void test_what_a_turn_gathers_is_handed_over_before_the_hook(void **state) {
  (void)state;
  int pair[2];
  begin_trace(false, pair);
  struct stoa_post post = {NULL, gather_in_post};
  assert_false(stoa_loop_is_turning(trace.loop));
  stoa_loop_post(trace.loop, &post);
  advance(trace.loop, 100);
  assert_string_equal(trace.text, "iptged");
  end_trace(pair);
}

static void test_what_the_hook_gathers_is_handed_over_in_the_next_turn_which_does_not_wait(void **state) {
  (void)state;
  memset(&trace, 0, sizeof trace);
  trace.loop = make_loop();
  stoa_loop_on_turn_end(trace.loop, gather_in_hook, NULL);
  stoa_loop_turn(trace.loop, 0);
  stoa_loop_turn(trace.loop, -1);
  assert_string_equal(trace.text, "ege");
  stoa_loop_destroy(trace.loop);
}

static unsigned writes;

static ssize_t count_write(int fd, const void *data, size_t len) {
  writes++;
  return write(fd, data, len);
}

static void test_a_post_to_its_own_loop_costs_no_system_call(void **state) {
  (void)state;
  int pair[2];
  begin_trace(true, pair);
  writes = 0;
  stoa_sys.write = count_write;
  advance(trace.loop, 100);
  advance(trace.loop, 100);
  assert_int_equal(trace.posted, 4);
  assert_int_equal(writes, 0);
  struct stoa_post post = {NULL, run_traced_post};
  stoa_loop_post(trace.loop, &post); /* not in a turn */
  assert_int_equal(writes, 1);
  stoa_sys.write = write;
  end_trace(pair);
}

static void test_a_post_out_of_any_phase_wakes_the_loop(void **state) {
  (void)state;
  int pair[2];
  begin_trace(true, pair);
  advance(trace.loop, 100);
  size_t posted = trace.posted;
  assert_int_equal(posted, 4); /* io, timer, hook, release */
  /* No timeout: were a wake-up lost, this would never return. */
  trace.post_in_each_phase = false;
  stoa_loop_turn(trace.loop, -1);
  size_t ran = 0;
  for (const char *at = trace.text; *at != '\0'; at++) {
    ran += *at == 'p' ? 1 : 0;
  }
  assert_int_equal(ran, 4);
  end_trace(pair);
}

static void test_the_turn_after_releases_does_not_wait(void **state) {
  (void)state;
  memset(&trace, 0, sizeof trace);
  trace.loop = make_loop();
  trace.deferred.run = run_traced_deferred;
  stoa_loop_on_turn_end(trace.loop, on_traced_end, NULL);
  stoa_loop_defer(trace.loop, &trace.deferred);
  stoa_loop_turn(trace.loop, 0);
  stoa_loop_turn(trace.loop, -1); /* what the release left for the hook is seen at once */
  assert_string_equal(trace.text, "ede");
  stoa_loop_destroy(trace.loop);
}

static void test_what_was_posted_before_the_end_runs_at_the_end(void **state) {
  (void)state;
  memset(&trace, 0, sizeof trace);
  trace.loop = make_loop();
  struct stoa_post post = {NULL, run_traced_post};
  trace.deferred.run = run_traced_deferred;
  stoa_loop_post(trace.loop, &post);
  stoa_loop_defer(trace.loop, &trace.deferred);
  stoa_loop_destroy(trace.loop);
  assert_string_equal(trace.text, "pd");
  stoa_loop_destroy(NULL);
}

/* Timers. */

struct alarm {
  struct stoa_timer timer;
  struct stoa_loop *loop;
  uint64_t rang_ms;
  unsigned rings;
  struct alarm *stops; /* another one */
  uint64_t again_ms;
};

static void on_alarm(struct stoa_timer *timer) {
  struct alarm *alarm = (struct alarm *)(void *)timer;
  alarm->rang_ms = stoa_loop_now_ms(alarm->loop);
  alarm->rings++;
  if (alarm->stops != NULL) {
    stoa_loop_timer_stop(alarm->loop, &alarm->stops->timer);
  }
  if (alarm->again_ms > 0) {
    stoa_loop_timer_start(alarm->loop, timer, alarm->again_ms);
  }
}

static struct alarm make_alarm(struct stoa_loop *loop) {
  return (struct alarm){.timer.on_due = on_alarm, .loop = loop};
}

static void test_timers_expire_in_the_order_of_their_time_and_never_early(void **state) {
  (void)state;
  struct stoa_loop *loop = make_fake_loop(12345);
  struct alarm alarms[200];
  for (size_t i = 0; i < 200; i++) {
    alarms[i] = make_alarm(loop);
    stoa_loop_timer_start(loop, &alarms[i].timer, i * 37 % 5000);
  }
  for (uint64_t passed = 0; passed < 5100; passed++) {
    advance(loop, 1);
  }
  for (size_t i = 0; i < 200; i++) {
    uint64_t due = 12345 + i * 37 % 5000;
    assert_int_equal(alarms[i].rings, 1);
    assert_true(alarms[i].rang_ms >= due);
    assert_true(alarms[i].rang_ms <= due + 16);
  }
  stoa_loop_destroy(loop);
}

static void test_a_timer_that_is_started_again_expires_at_its_new_time_only(void **state) {
  (void)state;
  struct stoa_loop *loop = make_fake_loop(0);
  struct alarm alarm = make_alarm(loop);
  stoa_loop_timer_start(loop, &alarm.timer, 100);
  stoa_loop_timer_start(loop, &alarm.timer, 1000);
  advance(loop, 500);
  assert_int_equal(alarm.rings, 0);
  advance(loop, 508);
  assert_int_equal(alarm.rings, 1);
  advance(loop, 5000);
  assert_int_equal(alarm.rings, 1);
  stoa_loop_destroy(loop);
}

static void test_a_timer_may_stop_another_that_is_due_too(void **state) {
  (void)state;
  struct stoa_loop *loop = make_fake_loop(0);
  struct alarm one = make_alarm(loop);
  struct alarm two = make_alarm(loop);
  one.stops = &two;
  two.stops = &one;
  stoa_loop_timer_start(loop, &one.timer, 10);
  stoa_loop_timer_start(loop, &two.timer, 10);
  advance(loop, 100);
  assert_int_equal(one.rings + two.rings, 1);
  stoa_loop_timer_stop(loop, &one.timer); /* a stopped one */
  stoa_loop_destroy(loop);
}

static void test_a_timer_may_start_itself_without_prolonging_the_turn(void **state) {
  (void)state;
  struct stoa_loop *loop = make_fake_loop(0);
  struct alarm alarm = make_alarm(loop);
  alarm.again_ms = 1;
  stoa_loop_timer_start(loop, &alarm.timer, 0);
  for (unsigned i = 1; i <= 10; i++) {
    advance(loop, 8);
    assert_int_equal(alarm.rings, i);
  }
  stoa_loop_destroy(loop);
}

static void test_a_timer_a_year_away_expires_then_and_not_after_each_revolution(void **state) {
  (void)state;
  const uint64_t year_ms = 365ull * 24 * 3600 * 1000;
  struct stoa_loop *loop = make_fake_loop(7);
  struct alarm far = make_alarm(loop);
  struct alarm near = make_alarm(loop);
  near.again_ms = 1000;
  stoa_loop_timer_start(loop, &far.timer, year_ms);
  stoa_loop_timer_start(loop, &near.timer, 1000);
  for (unsigned i = 0; i < 100; i++) {
    advance(loop, 2048); /* the length of a revolution */
  }
  assert_int_equal(far.rings, 0);
  assert_true(near.rings >= 99);
  advance(loop, year_ms);
  assert_int_equal(far.rings, 1);
  stoa_loop_destroy(loop);
}

static void test_a_delay_beyond_the_end_of_time_is_never_due(void **state) {
  (void)state;
  struct stoa_loop *loop = make_fake_loop(12345);
  struct alarm alarm = make_alarm(loop);
  stoa_loop_timer_start(loop, &alarm.timer, UINT64_MAX);
  for (unsigned i = 0; i < 20; i++) {
    advance(loop, 365ull * 24 * 3600 * 1000);
  }
  assert_int_equal(alarm.rings, 0);
  stoa_loop_timer_stop(loop, &alarm.timer);
  assert_int_equal(stoa_loop_wait_ms(loop), -1);
  stoa_loop_destroy(loop);
}

/* Waiting: what the loop asks the kernel for is looked at, and nothing is waited for. */

static struct {
  int calls;
  int timeout_ms;
  int64_t timeout_ns;
  int fine_errno; /* of the fine call, 0 when it works */
} waited;

static int wait_not_at_all(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) {
  (void)epoll_fd;
  (void)events;
  (void)events_max;
  waited.calls++;
  waited.timeout_ms = timeout_ms;
  return 0;
}

static int wait_finely_not_at_all(int epoll_fd, struct epoll_event *events, int events_max,
                                  const struct timespec *timeout, const sigset_t *signals) {
  (void)epoll_fd;
  (void)events;
  (void)events_max;
  assert_null(signals);
  if (waited.fine_errno != 0) {
    errno = waited.fine_errno;
    return -1;
  }
  waited.calls++;
  waited.timeout_ns = timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec;
  return 0;
}

static struct stoa_loop *make_watched_loop(void) {
  struct stoa_loop *loop = make_fake_loop(1000);
  memset(&waited, 0, sizeof waited);
  waited.timeout_ms = -2;
  waited.timeout_ns = -2;
  stoa_sys.epoll_wait = wait_not_at_all;
  stoa_sys.epoll_pwait2 = wait_finely_not_at_all;
  return loop;
}

static void end_watched_loop(struct stoa_loop *loop) {
  stoa_sys = stoa_sys_real;
  stoa_loop_destroy(loop);
}

static void test_a_loop_without_timers_waits_without_end(void **state) {
  (void)state;
  struct stoa_loop *loop = make_watched_loop();
  assert_true(stoa_loop_due_ns(loop) == UINT64_MAX);
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ms, -1);
  stoa_loop_turn(loop, 70);
  assert_int_equal(waited.timeout_ms, 70);
  end_watched_loop(loop);
}

static void test_a_loop_waits_until_its_next_timer_but_at_most_the_given_time(void **state) {
  (void)state;
  struct stoa_loop *loop = make_watched_loop();
  struct alarm alarm = make_alarm(loop);
  stoa_loop_timer_start(loop, &alarm.timer, 400);
  fake_time.monotonic_ns += 1;
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ms, 400); /* 399.999999 rounded up, or the turn would find nothing due */
  assert_true(stoa_loop_due_ns(loop) == 1400 * UINT64_C(1000000));
  stoa_loop_turn(loop, 70);
  assert_int_equal(waited.timeout_ms, 70);
  fake_time.monotonic_ns = 1400 * UINT64_C(1000000);
  assert_int_equal(stoa_loop_wait_ms(loop), 0);
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ms, 0);
  assert_int_equal(alarm.rings, 1);
  end_watched_loop(loop);
}

static void test_the_next_turn_does_not_wait_when_work_is_left(void **state) {
  (void)state;
  struct stoa_loop *loop = make_watched_loop();
  stoa_loop_again(loop);
  assert_int_equal(stoa_loop_wait_ms(loop), 0);
  assert_true(stoa_loop_due_ns(loop) == 0);
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ms, 0);
  stoa_loop_turn(loop, -1); /* it was asked for once */
  assert_int_equal(waited.timeout_ms, -1);
  end_watched_loop(loop);
}

static void test_a_loop_wakes_at_a_time_that_is_finer_than_a_timer(void **state) {
  (void)state;
  struct stoa_loop *loop = make_watched_loop();
  struct alarm alarm = make_alarm(loop);
  uint64_t now_ns = fake_time.monotonic_ns;
  stoa_loop_timer_start(loop, &alarm.timer, 400);
  stoa_loop_wake_at(loop, now_ns + 1234567);
  stoa_loop_wake_at(loop, now_ns + 9234567); /* the nearest counts */
  assert_true(stoa_loop_due_ns(loop) == now_ns + 1234567);
  assert_int_equal(stoa_loop_wait_ms(loop), 2);
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ns, 1234567);
  fake_time.monotonic_ns += 1000000;
  stoa_loop_turn(loop, -1); /* too early: it still counts */
  assert_int_equal(waited.timeout_ns, 234567);
  assert_int_equal(waited.timeout_ms, -2);
  fake_time.monotonic_ns += 234567;
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ms, -2);
  stoa_loop_turn(loop, -1);
  assert_int_equal(waited.timeout_ms, 399); /* reached: the timer is next */
  assert_int_equal(waited.calls, 4);
  end_watched_loop(loop);
}

static void test_a_kernel_without_fine_waits_is_asked_for_whole_milliseconds(void **state) {
  (void)state;
  const int reasons[] = {ENOSYS, EPERM};
  for (size_t i = 0; i < 2; i++) {
    struct stoa_loop *loop = make_watched_loop();
    waited.fine_errno = reasons[i];
    stoa_loop_wake_at(loop, fake_time.monotonic_ns + 1234567);
    stoa_loop_turn(loop, -1);
    assert_int_equal(waited.timeout_ms, 2);
    assert_int_equal(waited.calls, 1);
    waited.fine_errno = 0; /* not asked again */
    stoa_loop_turn(loop, -1);
    assert_int_equal(waited.timeout_ns, -2);
    end_watched_loop(loop);
  }
}

static void test_a_fine_wait_ends_in_time_by_the_real_clock(void **state) {
  (void)state;
  struct stoa_loop *loop = make_loop();
  uint64_t due_ns = stoa_clock_monotonic_ns(&stoa_clock_system) + 1500000;
  stoa_loop_wake_at(loop, due_ns);
  stoa_loop_turn(loop, -1);
  assert_true(stoa_clock_monotonic_ns(&stoa_clock_system) >= due_ns);
  assert_int_equal(stoa_loop_wait_ms(loop), -1);
  stoa_loop_destroy(loop);
}

/* Descriptors. */

struct endpoint {
  struct stoa_io io;
  struct stoa_loop *loop;
  struct endpoint *other;
  unsigned calls;
};

static void on_endpoint(struct stoa_io *io, uint32_t events) {
  struct endpoint *endpoint = (struct endpoint *)(void *)io;
  (void)events;
  endpoint->calls++;
  if (endpoint->other != NULL) {
    stoa_loop_remove(endpoint->loop, &endpoint->other->io);
  }
}

static void test_an_event_of_a_descriptor_that_was_removed_meanwhile_is_dropped(void **state) {
  (void)state;
  struct stoa_loop *loop = make_loop();
  int one[2];
  int two[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, one), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, two), 0);
  struct endpoint a = {.io = {one[0], EPOLLIN, on_endpoint}, .loop = loop};
  struct endpoint b = {.io = {two[0], EPOLLIN, on_endpoint}, .loop = loop, .other = &a};
  a.other = &b;
  assert_int_equal(stoa_loop_add(loop, &a.io), STOA_OK);
  assert_int_equal(stoa_loop_add(loop, &b.io), STOA_OK);
  assert_int_equal(write(one[1], "x", 1), 1);
  assert_int_equal(write(two[1], "x", 1), 1);
  stoa_loop_turn(loop, -1);
  assert_int_equal(a.calls + b.calls, 1);
  assert_int_equal((a.io.fd < 0) + (b.io.fd < 0), 1);
  stoa_loop_destroy(loop);
  for (int i = 0; i < 2; i++) {
    close(one[i]);
    close(two[i]);
  }
}

static void test_only_what_is_watched_is_reported(void **state) {
  (void)state;
  struct stoa_loop *loop = make_loop();
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  struct endpoint end = {.io = {pair[0], EPOLLIN, on_endpoint}, .loop = loop};
  assert_int_equal(stoa_loop_add(loop, &end.io), STOA_OK);
  assert_int_equal(stoa_loop_modify(loop, &end.io, 0), STOA_OK);
  assert_int_equal(write(pair[1], "x", 1), 1);
  stoa_loop_turn(loop, 0);
  assert_int_equal(end.calls, 0);
  assert_int_equal(stoa_loop_modify(loop, &end.io, EPOLLOUT), STOA_OK);
  stoa_loop_turn(loop, 0);
  assert_int_equal(end.calls, 1);
  stoa_loop_remove(loop, &end.io);
  stoa_loop_remove(loop, &end.io);
  stoa_loop_destroy(loop);
  close(pair[0]);
  close(pair[1]);
}

/* Errors. */

static int refused_with;
static int refuse_control(int epoll_fd, int operation, int fd, struct epoll_event *event) {
  (void)epoll_fd;
  (void)operation;
  (void)fd;
  (void)event;
  errno = refused_with;
  return -1;
}

static void test_each_error_of_the_kernel_has_its_own_status(void **state) {
  (void)state;
  struct stoa_loop *loop = make_loop();
  struct stoa_loop *none = NULL;
  struct stoa_io io = {0, EPOLLIN, on_endpoint};
  stoa_sys.epoll_ctl = refuse_control;
  refused_with = ENOMEM;
  assert_int_equal(stoa_loop_add(loop, &io), STOA_E_MEMORY);
  refused_with = ENOSPC;
  assert_int_equal(stoa_loop_add(loop, &io), STOA_E_SYSTEM);
  assert_int_equal(stoa_loop_modify(loop, &io, EPOLLOUT), STOA_E_SYSTEM);
  assert_int_equal(io.events, EPOLLIN);
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &none), STOA_E_SYSTEM);
  assert_null(none);
  stoa_sys = stoa_sys_real;
  stoa_loop_destroy(loop);
}

static int interrupt_once(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) {
  (void)epoll_fd;
  (void)events;
  (void)events_max;
  (void)timeout_ms;
  stoa_sys = stoa_sys_real;
  errno = EINTR;
  return -1;
}

static void test_an_interrupted_wait_is_a_turn_without_events(void **state) {
  (void)state;
  memset(&trace, 0, sizeof trace);
  trace.loop = make_loop();
  struct stoa_post post = {NULL, run_traced_post};
  stoa_loop_post(trace.loop, &post);
  stoa_sys.epoll_wait = interrupt_once;
  stoa_loop_turn(trace.loop, -1);
  assert_string_equal(trace.text, "p");
  stoa_loop_destroy(trace.loop);
}

static void test_a_loop_without_memory_is_an_error_and_leaves_nothing(void **state) {
  (void)state;
  int64_t before = stoa_memory_live_blocks();
  struct stoa_loop *loop = NULL;
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &loop), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_null(loop);
  assert_int_equal(stoa_memory_live_blocks(), before);
}

static void *stop_it(void *context) {
  stoa_loop_stop(context);
  return NULL;
}

static void test_any_thread_may_stop_a_loop_that_waits(void **state) {
  (void)state;
  struct stoa_loop *loop = make_loop();
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, stop_it, loop), 0);
  stoa_loop_run(loop);
  pthread_join(thread, NULL);
  stoa_loop_run(loop); /* stopped for good */
  assert_ptr_equal(stoa_loop_clock(loop), &stoa_clock_system);
  stoa_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_turn_reports_the_time_of_each_step_and_how_late_its_timers_were),
      cmocka_unit_test(test_posts_of_several_threads_keep_each_ones_order),
      cmocka_unit_test(test_a_turn_runs_descriptors_posts_timers_the_hook_and_then_releases),
      cmocka_unit_test(test_what_a_turn_gathers_is_handed_over_before_the_hook),
      cmocka_unit_test(test_what_the_hook_gathers_is_handed_over_in_the_next_turn_which_does_not_wait),
      cmocka_unit_test(test_a_post_to_its_own_loop_costs_no_system_call),
      cmocka_unit_test(test_a_post_out_of_any_phase_wakes_the_loop),
      cmocka_unit_test(test_the_turn_after_releases_does_not_wait),
      cmocka_unit_test(test_what_was_posted_before_the_end_runs_at_the_end),
      cmocka_unit_test(test_timers_expire_in_the_order_of_their_time_and_never_early),
      cmocka_unit_test(test_a_timer_that_is_started_again_expires_at_its_new_time_only),
      cmocka_unit_test(test_a_timer_may_stop_another_that_is_due_too),
      cmocka_unit_test(test_a_timer_may_start_itself_without_prolonging_the_turn),
      cmocka_unit_test(test_a_timer_a_year_away_expires_then_and_not_after_each_revolution),
      cmocka_unit_test(test_a_delay_beyond_the_end_of_time_is_never_due),
      cmocka_unit_test(test_a_loop_without_timers_waits_without_end),
      cmocka_unit_test(test_a_loop_waits_until_its_next_timer_but_at_most_the_given_time),
      cmocka_unit_test(test_the_next_turn_does_not_wait_when_work_is_left),
      cmocka_unit_test(test_a_loop_wakes_at_a_time_that_is_finer_than_a_timer),
      cmocka_unit_test(test_a_kernel_without_fine_waits_is_asked_for_whole_milliseconds),
      cmocka_unit_test(test_a_fine_wait_ends_in_time_by_the_real_clock),
      cmocka_unit_test(test_an_event_of_a_descriptor_that_was_removed_meanwhile_is_dropped),
      cmocka_unit_test(test_only_what_is_watched_is_reported),
      cmocka_unit_test(test_each_error_of_the_kernel_has_its_own_status),
      cmocka_unit_test(test_an_interrupted_wait_is_a_turn_without_events),
      cmocka_unit_test(test_a_loop_without_memory_is_an_error_and_leaves_nothing),
      cmocka_unit_test(test_any_thread_may_stop_a_loop_that_waits),
  };
  return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
