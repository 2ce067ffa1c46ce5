/* Lines that go to the program instead of a descriptor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log_clock.h"
#include "base/log_queue.h"
#include "base/log_writer.h"
#include "base/sys.h"

#define HEAD "time=2026-01-31T12:00:00.000Z level=info event=\"tried\" "
#define DEADLINE_S 60

/* What a sink was given, a line feed after each line. */
struct heard {
  char text[2 * STOA_LOG_QUEUE_BYTES];
  size_t len;
  unsigned lines;
  enum stoa_log_severity level;
  pthread_t thread;
  unsigned echoes; /* lines of its own that it still logs, one for each that it is given */
};

static struct heard one, other;

/* What was written to the descriptor. */
static struct {
  char text[4096];
  size_t len;
  size_t takes; /* at most so many bytes a call; 0: all */
} written;

static struct stoa_clock_fake fake = {.wall_us = 1769860800000000};
static struct stoa_clock fake_clock;

static void log_number(int number) {
  const struct stoa_log_field field = STOA_F_INT("n", number);
  stoa_log_write(NULL, STOA_LOG_INFO, "tried", &field, 1);
}

static void hear(void *context, enum stoa_log_severity level, struct stoa_string line) {
  struct heard *heard = context;
  assert_true(line.len + 2 < sizeof heard->text - heard->len);
  assert_int_equal(line.data[line.len], '\0');
  heard->len += (size_t)sprintf(heard->text + heard->len, "%s\n", line.data);
  heard->level = level;
  heard->thread = pthread_self();
  heard->lines++;
  if (heard->echoes > 0) {
    heard->echoes--;
    log_number(-1);
  }
}

static ssize_t write_to_memory(int fd, const void *data, size_t len) {
  (void)fd;
  len = written.takes > 0 && written.takes < len ? written.takes : len;
  assert_true(len < sizeof written.text - written.len);
  memcpy(written.text + written.len, data, len);
  written.len += len;
  written.text[written.len] = '\0';
  return (ssize_t)len;
}

static int always_ready(struct pollfd *fds, nfds_t count, int timeout_ms) {
  (void)timeout_ms;
  assert_int_equal(count, 1);
  fds[0].revents = POLLOUT;
  return 1;
}

static int begin(void **state) {
  (void)state;
  memset(&one, 0, sizeof one);
  memset(&other, 0, sizeof other);
  memset(&written, 0, sizeof written);
  fake_clock = stoa_clock_fake_init(&fake);
  stoa_log_use_clock(&fake_clock);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_sys.write = write_to_memory;
  stoa_sys.poll = always_ready;
  stoa_log_set_sink(hear, &one);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_log_writer_hold(false);
  stoa_log_set_sink(NULL, NULL);
  stoa_sys = stoa_sys_real;
  stoa_log_use_clock(NULL);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  return 0;
}

static void a_sink_is_given_each_line_and_its_level(void **state) {
  (void)state;
  log_number(1);
  assert_int_equal(one.level, STOA_LOG_INFO);
  stoa_log(STOA_LOG_ERROR, "two\n\"lines\"", STOA_F_STR("key", "a\nb"));
  assert_int_equal(one.level, STOA_LOG_ERROR);
  stoa_log(STOA_LOG_DEBUG, "not asked for", STOA_F_INT("n", 3));
  assert_int_equal(one.lines, 2);
  assert_string_equal(one.text, HEAD
                      "n=1\n"
                      "time=2026-01-31T12:00:00.000Z level=error event=\"two\\n\\\"lines\\\"\" "
                      "key=\"a\\nb\"\n");
  assert_true(pthread_equal(one.thread, pthread_self()));
  assert_int_equal(written.len, 0);
}

static void it_is_given_json_when_that_is_asked_for(void **state) {
  (void)state;
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_JSON);
  log_number(1);
  assert_string_equal(one.text,
                      "{\"time\":\"2026-01-31T12:00:00.000Z\",\"level\":\"info\",\"event\":\"tried\",\"n\":1}\n");
}

static void without_a_sink_lines_go_to_the_descriptor_again(void **state) {
  (void)state;
  log_number(1);
  stoa_log_set_sink(NULL, NULL);
  log_number(2);
  stoa_log_set_sink(hear, &other);
  log_number(3);
  assert_string_equal(one.text, HEAD "n=1\n");
  assert_string_equal(written.text, HEAD "n=2\n");
  assert_string_equal(other.text, HEAD "n=3\n");
}

static void lines_that_wait_go_to_the_sink_that_is_set_when_they_are_due(void **state) {
  (void)state;
  stoa_log_writer_hold(true);
  log_number(1);
  stoa_log_set_sink(hear, &other);
  log_number(2);
  stoa_log_writer_hold(false);
  assert_int_equal(one.lines, 0);
  assert_string_equal(other.text, HEAD "n=1\n" HEAD "n=2\n");
}

static void what_a_descriptor_has_begun_with_ends_there(void **state) {
  (void)state;
  stoa_log_set_sink(NULL, NULL);
  stoa_log_writer_hold(true);
  log_number(1);
  log_number(2);
  written.takes = 5;
  assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_DONE);
  stoa_log_set_sink(hear, &one);
  while (one.lines == 0) {
    assert_int_equal(stoa_log_writer_run_one(0), STOA_LOG_STEP_DONE);
  }
  assert_string_equal(written.text, HEAD "n=1\n");
  assert_string_equal(one.text, HEAD "n=2\n");
}

static void what_a_sink_logs_itself_comes_back_to_it(void **state) {
  (void)state;
  one.echoes = 2;
  log_number(1);
  assert_string_equal(one.text, HEAD "n=1\n" HEAD "n=-1\n" HEAD "n=-1\n");
}

static void a_sink_is_told_of_lines_that_found_no_room(void **state) {
  (void)state;
  stoa_log_writer_hold(true);
  uint64_t before = stoa_log_dropped();
  int put = 0;
  while (stoa_log_dropped() == before) {
    log_number(put++);
  }
  stoa_log_writer_hold(false);
  assert_int_equal(one.lines, put); /* one less, and one that tells so */
  assert_non_null(strstr(one.text, "level=warn event=\"log lines dropped\" count=1\n"));
}

static void the_thread_of_the_log_gives_lines_between_start_and_stop(void **state) {
  (void)state;
  assert_int_equal(stoa_log_writer_start(), STOA_OK);
  log_number(1);
  log_number(2);
  stoa_log_writer_flush();
  stoa_log_writer_stop();
  assert_string_equal(one.text, HEAD "n=1\n" HEAD "n=2\n");
  assert_false(pthread_equal(one.thread, pthread_self()));
}

/* A sink that takes its time, and the thread that sets another one meanwhile. */
static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool is_inside, is_asked, may_end, was_inside_after;
} slow = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void set(bool *flag) {
  pthread_mutex_lock(&slow.mutex);
  *flag = true;
  pthread_cond_broadcast(&slow.changed);
  pthread_mutex_unlock(&slow.mutex);
}

static void await(const bool *flag) {
  struct timespec deadline;
  int result = 0;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += DEADLINE_S;
  pthread_mutex_lock(&slow.mutex);
  while (!*flag && result == 0) {
    result = pthread_cond_timedwait(&slow.changed, &slow.mutex, &deadline);
  }
  pthread_mutex_unlock(&slow.mutex);
  assert_int_equal(result, 0);
}

static void hear_slowly(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)context;
  (void)level;
  (void)line;
  set(&slow.is_inside);
  await(&slow.may_end);
  pthread_mutex_lock(&slow.mutex);
  slow.is_inside = false;
  pthread_mutex_unlock(&slow.mutex);
}

static void *set_another(void *context) {
  set(&slow.is_asked);
  stoa_log_set_sink(hear, &one);
  pthread_mutex_lock(&slow.mutex);
  slow.was_inside_after = slow.is_inside;
  pthread_mutex_unlock(&slow.mutex);
  return context;
}

static void setting_another_sink_waits_for_the_one_before(void **state) {
  pthread_t thread;
  (void)state;
  stoa_log_set_sink(hear_slowly, NULL);
  assert_int_equal(stoa_log_writer_start(), STOA_OK);
  log_number(1);
  await(&slow.is_inside);
  log_number(2);
  assert_int_equal(pthread_create(&thread, NULL, set_another, NULL), 0);
  await(&slow.is_asked);
  set(&slow.may_end);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_false(slow.was_inside_after);
  stoa_log_writer_flush();
  stoa_log_writer_stop();
  assert_true(one.lines <= 1); /* the second may still have gone to the one before */
}

static void hear_into_pipe(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)level;
  ssize_t ignored = write(*(const int *)context, line.data, line.len);
  (void)ignored;
}

static void the_end_of_the_program_gives_the_sink_what_is_left(void **state) {
  static int fds[2];
  char text[256] = {0};
  (void)state;
  stoa_sys = stoa_sys_real;
  assert_int_equal(pipe(fds), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    stoa_log_set_sink(hear_into_pipe, &fds[1]);
    stoa_log_writer_hold(true);
    log_number(1);
    exit(0);
  }
  close(fds[1]);
  ssize_t len;
  size_t at = 0;
  while ((len = read(fds[0], text + at, sizeof text - 1 - at)) > 0) {
    at += (size_t)len;
  }
  close(fds[0]);
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_string_equal(text, HEAD "n=1");
}

static void a_level_is_named_by_its_text_and_found_by_it(void **state) {
  static const char *const texts[] = {[STOA_LOG_DEBUG] = "debug",
                                      [STOA_LOG_INFO] = "info",
                                      [STOA_LOG_WARN] = "warn",
                                      [STOA_LOG_ERROR] = "error",
                                      [STOA_LOG_OFF] = "off"};
  static const char *const none[] = {"", "warning", "Info", "inf", "infos", "unknown"};
  enum stoa_log_severity level = STOA_LOG_WARN;
  (void)state;
  for (unsigned i = 0; i <= STOA_LOG_OFF; i++) {
    assert_string_equal(stoa_log_severity_text((enum stoa_log_severity)i), texts[i]);
    assert_int_equal(stoa_log_severity_of(stoa_string_of(texts[i]), &level), STOA_OK);
    assert_int_equal(level, i);
  }
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    assert_int_equal(stoa_log_severity_of(stoa_string_of(none[i]), &level), STOA_E_NOT_FOUND);
  }
  assert_int_equal(level, STOA_LOG_OFF);
  assert_string_equal(stoa_log_severity_text((enum stoa_log_severity)(STOA_LOG_OFF + 1)), "unknown");
}

#define SUNK(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      SUNK(a_sink_is_given_each_line_and_its_level),
      SUNK(it_is_given_json_when_that_is_asked_for),
      SUNK(without_a_sink_lines_go_to_the_descriptor_again),
      SUNK(lines_that_wait_go_to_the_sink_that_is_set_when_they_are_due),
      SUNK(what_a_descriptor_has_begun_with_ends_there),
      SUNK(what_a_sink_logs_itself_comes_back_to_it),
      SUNK(a_sink_is_told_of_lines_that_found_no_room),
      SUNK(the_thread_of_the_log_gives_lines_between_start_and_stop),
      SUNK(setting_another_sink_waits_for_the_one_before),
      SUNK(the_end_of_the_program_gives_the_sink_what_is_left),
      cmocka_unit_test(a_level_is_named_by_its_text_and_found_by_it),
  };
  return cmocka_run_group_tests_name("log sink", tests, NULL, NULL);
}
