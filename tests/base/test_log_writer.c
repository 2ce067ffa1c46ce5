#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/status.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_clock.h"
#include "base/log_queue.h"
#include "base/log_writer.h"
#include "base/sys.h"

#define HEAD "time=2026-01-31T12:00:00.000Z level=info event=\"tried\" "
#define DROPPED "time=2026-01-31T12:00:00.000Z level=warn event=\"log lines dropped\" count="
#define DEADLINE_MS 30000

/* Takes what is written in place of a descriptor. */
static struct {
  char text[2 * STOA_LOG_QUEUE_BYTES];
  size_t len;
  int write_count;
  int poll_count;
  int fail_errno;   /* all writes fail with it, when not 0 */
  size_t takes;     /* at most so many bytes a call; 0: all */
  bool is_full;     /* poll says so */
  size_t longest;   /* write */
  sigset_t blocked; /* signals of the thread that wrote last */
  pthread_t thread; /* that wrote last */
} sink;

static struct stoa_clock_fake fake = {.wall_us = 1769860800000000};
static struct stoa_clock fake_clock;

static ssize_t write_to_sink(int fd, const void *data, size_t len) {
  (void)fd;
  sink.write_count++;
  sink.thread = pthread_self();
  pthread_sigmask(SIG_SETMASK, NULL, &sink.blocked);
  if (sink.fail_errno != 0) {
    errno = sink.fail_errno;
    return -1;
  }
  sink.longest = len > sink.longest ? len : sink.longest;
  len = sink.takes > 0 && sink.takes < len ? sink.takes : len;
  assert_true(len < sizeof sink.text - sink.len);
  memcpy(sink.text + sink.len, data, len);
  sink.len += len;
  sink.text[sink.len] = '\0';
  return (ssize_t)len;
}

static int poll_sink(struct pollfd *fds, nfds_t count, int timeout_ms) {
  (void)timeout_ms;
  sink.poll_count++;
  if (count == 0 || sink.is_full) {
    return 0;
  }
  fds[0].revents = POLLOUT;
  return 1;
}

static void begin(void) {
  memset(&sink, 0, sizeof sink);
  fake_clock = stoa_clock_fake_init(&fake);
  stoa_log_use_clock(&fake_clock);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
}

static int begin_sink(void **state) {
  (void)state;
  begin();
  stoa_sys.write = write_to_sink;
  stoa_sys.poll = poll_sink;
  return 0;
}

static int begin_held(void **state) {
  begin_sink(state);
  stoa_log_writer_hold(true);
  return 0;
}

static void log_number(int number) {
  const struct stoa_log_field field = STOA_F_INT("n", number);
  stoa_log_write(NULL, STOA_LOG_INFO, "tried", &field, 1);
}

static int end(void **state) {
  (void)state;
  sink.fail_errno = 0;
  sink.is_full = false;
  sink.takes = 0;
  sink.len = 0;
  stoa_sys.write = write_to_sink;
  stoa_sys.poll = poll_sink;
  stoa_log_writer_hold(false);
  log_number(0); /* what was dropped is told before it, and not in the next test */
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_NOTHING);
  stoa_sys = stoa_sys_real;
  stoa_log_use_clock(NULL);
  return 0;
}

static void log_long(size_t len) {
  static char value[1024];
  memset(value, 'x', sizeof value);
  struct stoa_log_field fields[8];
  size_t count = 0;
  for (; len > 0; count++) {
    size_t part = len < sizeof value ? len : sizeof value;
    fields[count] = STOA_F_TEXT("v", stoa_string_make(value, part));
    len -= part;
  }
  stoa_log_write(NULL, STOA_LOG_INFO, "tried", fields, count);
}

static int run_all(void) {
  int steps = 0;
  while (stoa_log_writer_run_one(0) == STOA_LOG_STEP_DONE) {
    steps++;
  }
  return steps;
}

static void lines_are_queued_in_order_until_run_one_is_called(void **state) {
  (void)state;
  log_number(1);
  log_number(2);
  assert_int_equal(sink.write_count, 0);
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_DONE);
  assert_string_equal(sink.text, HEAD "n=1\n");
  log_number(3);
  assert_int_equal(run_all(), 2);
  assert_string_equal(sink.text, HEAD "n=1\n" HEAD "n=2\n" HEAD "n=3\n");
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_NOTHING);
}

static int count_in_sink(const char *text) {
  int count = 0;
  for (const char *at = strstr(sink.text, text); at != NULL; at = strstr(at + 1, text)) {
    count++;
  }
  return count;
}

static void a_full_queue_drops_lines_and_logs_their_count_once_when_half_is_free(void **state) {
  (void)state;
  uint64_t before = stoa_log_dropped();
  int put = 0;
  while (stoa_log_dropped() == before) {
    log_long(2000);
    put++;
    assert_true(put < 1000);
  }
  int kept = put - 1;
  assert_true((unsigned)kept * 2000u > STOA_LOG_QUEUE_BYTES / 2 && (unsigned)kept * 2000u < STOA_LOG_QUEUE_BYTES);
  log_number(1); /* would fit, but what was dropped came before it */
  for (int i = 0; i < kept / 4; i++) {
    assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_DONE);
  }
  log_number(2);
  assert_int_equal(stoa_log_dropped(), before + 3);
  run_all();
  log_number(3);
  run_all();
  const char tail[] = DROPPED "3\n" HEAD "n=3\n";
  assert_string_equal(sink.text + sink.len - strlen(tail), tail);
  assert_int_equal(count_in_sink("log lines dropped"), 1);
  assert_int_equal(count_in_sink("v=x"), 2 * kept); /* two values a line */
  assert_int_equal(stoa_log_dropped(), before + 3);
}

static void a_descriptor_that_is_not_writable_is_not_written(void **state) {
  (void)state;
  log_number(1);
  sink.is_full = true;
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_STUCK);
  assert_int_equal(sink.write_count, 0);
  sink.is_full = false;
  sink.fail_errno = EAGAIN;
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_STUCK);
  assert_int_equal(sink.poll_count, 2);
  /* Ready, and yet it takes nothing: who may wait waits before it asks again. */
  assert_int_equal(stoa_log_writer_run_one(50), STOA_LOG_STEP_STUCK);
  assert_int_equal(sink.poll_count, 4);
  sink.fail_errno = 0;
  run_all();
  assert_string_equal(sink.text, HEAD "n=1\n");
}

static void a_full_disk_drops_lines_and_logs_their_count_when_there_is_space(void **state) {
  (void)state;
  uint64_t before = stoa_log_dropped();
  sink.fail_errno = ENOSPC;
  for (int i = 0; i < 5; i++) {
    log_number(i);
    run_all();
  }
  assert_int_equal(stoa_log_dropped(), before + 5);
  assert_int_equal(sink.write_count, 9); /* from the second on, a line about the lines before it was tried too */
  sink.fail_errno = 0;
  log_number(5);
  run_all();
  assert_string_equal(sink.text, DROPPED "5\n" HEAD "n=5\n");
  assert_int_equal(stoa_log_dropped(), before + 5);
}

static void a_short_write_is_continued_where_it_stopped(void **state) {
  (void)state;
  sink.takes = 10;
  log_number(1);
  log_number(2);
  assert_true(run_all() > 10);
  assert_string_equal(sink.text, HEAD "n=1\n" HEAD "n=2\n");
}

static void the_line_after_one_that_failed_half_way_begins_a_new_line(void **state) {
  (void)state;
  sink.takes = 10;
  log_number(1);
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_DONE);
  sink.fail_errno = ENOSPC;
  run_all();
  sink.takes = 0;
  sink.fail_errno = 0;
  log_number(2);
  run_all();
  assert_string_equal(sink.text, "time=2026-\n" DROPPED "1\n" HEAD "n=2\n");
}

static void a_write_is_never_longer_than_a_pipe_writes_atomically(void **state) {
  (void)state;
  log_long(3500);
  assert_int_equal(run_all(), 1);
  log_long(7000);
  assert_int_equal(run_all(), 2);
  assert_int_equal(sink.longest, PIPE_BUF);
}

static void the_logging_thread_writes_while_there_is_no_writer_thread(void **state) {
  (void)state;
  log_number(1);
  assert_string_equal(sink.text, HEAD "n=1\n");
  sink.is_full = true;
  log_number(2);
  assert_string_equal(sink.text, HEAD "n=1\n");
  sink.is_full = false;
  log_number(3);
  assert_string_equal(sink.text, HEAD "n=1\n" HEAD "n=2\n" HEAD "n=3\n");
}

static void the_writer_thread_runs_between_start_and_stop_with_signals_blocked(void **state) {
  (void)state;
  assert_int_equal(stoa_log_writer_start(), STOA_OK);
  assert_int_equal(stoa_log_writer_start(), STOA_OK);
  log_number(1);
  stoa_log_writer_stop();
  log_number(2);
  stoa_log_writer_stop(); /* waits for the thread */
  assert_string_equal(sink.text, HEAD "n=1\n" HEAD "n=2\n");
  assert_false(pthread_equal(sink.thread, pthread_self()));
  assert_int_equal(sigismember(&sink.blocked, SIGTERM), 1);
  assert_int_equal(sigismember(&sink.blocked, SIGINT), 1);
  assert_int_equal(sigismember(&sink.blocked, SIGHUP), 1);
  log_number(3);
  assert_true(pthread_equal(sink.thread, pthread_self()));
  assert_int_equal(sigismember(&sink.blocked, SIGTERM), 0);
}

static int no_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  (void)thread;
  (void)attributes;
  (void)run;
  (void)context;
  return EAGAIN;
}

static void when_the_thread_cannot_be_created_the_logging_thread_writes_without_waiting(void **state) {
  (void)state;
  stoa_sys.pthread_create = no_thread;
  assert_int_equal(stoa_log_writer_start(), STOA_E_SYSTEM);
  log_number(1);
  sink.is_full = true;
  log_number(2); /* returns */
  sink.is_full = false;
  log_number(3);
  assert_string_equal(sink.text, HEAD "n=1\n" HEAD "n=2\n" HEAD "n=3\n");
  stoa_log_writer_stop();
}

/* With pipes and processes. */

static int begin_real(void **state) {
  (void)state;
  begin();
  signal(SIGPIPE, SIG_IGN);
  return 0;
}

#define PIPE_BYTES_MIN 4096
#define WAITS_MAX 600 /* of 100 ms without a byte */
#define PIPE_BYTES_MAX (1024 * 1024)

static void make_pipe(int out_fds[2], int bytes) {
  assert_int_equal(pipe2(out_fds, O_CLOEXEC), 0);
  assert_true(fcntl(out_fds[1], F_SETPIPE_SZ, bytes) > 0);
}

/* All that comes until the other ends are closed; valid until the next call. Not from the heap: a test that fails here
 * would leave it to the leak check of the next test's child. */
static const char *read_all(int fd) {
  static char text[PIPE_BYTES_MAX];
  size_t len = 0;
  ssize_t got;
  while ((got = read(fd, text + len, sizeof text - len - 1)) > 0) {
    len += (size_t)got;
  }
  text[len] = '\0';
  close(fd);
  return text;
}

static void logging_never_waits_for_a_pipe_that_is_not_read(void **state) {
  (void)state;
  int fds[2];
  make_pipe(fds, PIPE_BYTES_MIN);
  uint64_t before = stoa_log_dropped();
  stoa_log_setup(fds[1], STOA_LOG_INFO, STOA_LOG_LOGFMT);
  assert_int_equal(stoa_log_writer_start(), STOA_OK);
  for (int i = 0; i < 20000; i++) {
    log_number(i); /* were one to wait, this test would not end */
  }
  assert_true(stoa_log_dropped() > before);
  stoa_log_writer_stop(); /* this returns too */
  /* Somebody reads at last: what was queued comes in order, then what it cost. */
  int flags = fcntl(fds[0], F_GETFL);
  assert_int_equal(fcntl(fds[0], F_SETFL, flags | O_NONBLOCK), 0);
  static char text[1024 * 1024];
  size_t len = 0;
  for (int waits = 0; waits < WAITS_MAX && strstr(text, "log lines dropped") == NULL;) {
    ssize_t got = read(fds[0], text + len, sizeof text - len - 1);
    len += got > 0 ? (size_t)got : 0;
    run_all(); /* what the thread, which may still be there, does not write */
    struct pollfd ready = {fds[0], POLLIN, 0};
    waits += poll(&ready, 1, 100) == 0;
  }
  assert_true(strncmp(text, HEAD "n=0\n" HEAD "n=1\n", strlen(HEAD HEAD) + 8) == 0);
  assert_non_null(strstr(text, DROPPED));
  close(fds[0]);
  run_all();
  close(fds[1]);
}

static void a_pipe_without_a_reader_drops_lines_without_waiting(void **state) {
  (void)state;
  int fds[2];
  make_pipe(fds, PIPE_BYTES_MIN);
  close(fds[0]);
  uint64_t before = stoa_log_dropped();
  stoa_log_setup(fds[1], STOA_LOG_INFO, STOA_LOG_LOGFMT);
  log_number(1);
  log_number(2);
  assert_int_equal(stoa_log_dropped(), before + 2);
  stoa_log_writer_flush();
  close(fds[1]);
}

/* Runs in a child, with the log at a pipe of its own; returns the pipe's reading end. */
static int in_child(void (*run)(void), int pipe_bytes, pid_t *out_pid) {
  int fds[2];
  make_pipe(fds, pipe_bytes);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    close(fds[0]);
    stoa_log_setup(fds[1], STOA_LOG_INFO, STOA_LOG_LOGFMT);
    run();
    _exit(9);
  }
  close(fds[1]);
  *out_pid = pid;
  return fds[0];
}

static void end_child(pid_t pid, int expected_status) {
  struct pollfd ended = {pidfd_open(pid, 0), POLLIN, 0};
  assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
  close(ended.fd);
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), expected_status);
}

static void log_much_and_exit(void) {
  int ignored = stoa_log_writer_start();
  (void)ignored;
  for (int i = 0; i < 1000; i++) {
    log_number(i);
  }
  stoa_log_write(NULL, STOA_LOG_ERROR, "the last", NULL, 0);
  exit(1);
}

static void the_last_line_before_exit_is_not_lost(void **state) {
  (void)state;
  pid_t pid;
  /* The pipe takes all, for whoever exits waits only so long for a reader, which may be slow on a busy machine. */
  int fd = in_child(log_much_and_exit, PIPE_BYTES_MAX, &pid);
  const char *text = read_all(fd);
  end_child(pid, 1);
  assert_non_null(strstr(text, "n=999\n"));
  assert_non_null(strstr(text, "level=error event=\"the last\""));
}

static void exit_does_not_wait_for_a_pipe_that_is_not_read(void **state) {
  (void)state;
  pid_t pid;
  int fd = in_child(log_much_and_exit, PIPE_BYTES_MIN, &pid);
  end_child(pid, 1);
  close(fd);
}

static void log_in_child_and_exit(void) {
  stoa_log_writer_hold(false);
  log_number(2);
  int ignored = stoa_log_writer_start();
  (void)ignored;
  log_number(3);
  exit(0);
}

static void a_forked_child_logs_its_own_lines_and_not_those_of_its_parent(void **state) {
  (void)state;
  int fds[2];
  make_pipe(fds, PIPE_BYTES_MIN);
  stoa_log_setup(fds[1], STOA_LOG_INFO, STOA_LOG_LOGFMT);
  assert_int_equal(stoa_log_writer_start(), STOA_OK);
  stoa_log_writer_stop();
  stoa_log_writer_hold(true);
  log_number(1);
  pid_t pid;
  int fd = in_child(log_in_child_and_exit, PIPE_BYTES_MAX, &pid);
  const char *child = read_all(fd);
  end_child(pid, 0);
  assert_string_equal(child, HEAD "n=2\n" HEAD "n=3\n");
  stoa_log_writer_hold(false);
  close(fds[1]);
  const char *parent = read_all(fds[0]);
  assert_string_equal(parent, HEAD "n=1\n");
}

#define HELD(test) cmocka_unit_test_setup_teardown(test, begin_held, end)
#define FREE(test) cmocka_unit_test_setup_teardown(test, begin_sink, end)
#define REAL(test) cmocka_unit_test_setup_teardown(test, begin_real, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      HELD(lines_are_queued_in_order_until_run_one_is_called),
      HELD(a_full_queue_drops_lines_and_logs_their_count_once_when_half_is_free),
      HELD(a_descriptor_that_is_not_writable_is_not_written),
      HELD(a_full_disk_drops_lines_and_logs_their_count_when_there_is_space),
      HELD(a_short_write_is_continued_where_it_stopped),
      HELD(the_line_after_one_that_failed_half_way_begins_a_new_line),
      HELD(a_write_is_never_longer_than_a_pipe_writes_atomically),
      FREE(the_logging_thread_writes_while_there_is_no_writer_thread),
      FREE(the_writer_thread_runs_between_start_and_stop_with_signals_blocked),
      FREE(when_the_thread_cannot_be_created_the_logging_thread_writes_without_waiting),
      REAL(logging_never_waits_for_a_pipe_that_is_not_read),
      REAL(a_pipe_without_a_reader_drops_lines_without_waiting),
      REAL(the_last_line_before_exit_is_not_lost),
      REAL(exit_does_not_wait_for_a_pipe_that_is_not_read),
      REAL(a_forked_child_logs_its_own_lines_and_not_those_of_its_parent),
  };
  return cmocka_run_group_tests_name("log writer", tests, NULL, NULL);
}
