/* tests/server/test_app_notify.c: what the service manager is told, and the watchdog. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <stoa/worker.h>

#include "app_stage.h"
#include "base/log_clock.h"
#include "base/sys.h"

#define RUN(app) stage_run((app), (const char *const[]){STAGE_SERVER, NULL})

/* The service manager's end. */
static int manager_fd = -1;
static char folder[] = "/tmp/stoa-notify-XXXXXX";
static char path[64];

static void listen_at(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(name);
  manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(manager_fd >= 0 && len < sizeof address.sun_path);
  memcpy(address.sun_path, name, len);
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
  }
  assert_int_equal(bind(manager_fd, (struct sockaddr *)&address,
                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '@' ? 0 : 1))),
                   0);
  assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static int begin(void **state) {
  memcpy(folder, "/tmp/stoa-notify-XXXXXX", sizeof folder);
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/notify", folder);
  return stage_begin(state);
}

static int end(void **state) {
  if (manager_fd >= 0) {
    close(manager_fd);
  }
  manager_fd = -1;
  unlink(path);
  assert_int_equal(rmdir(folder), 0);
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  return stage_end(state);
}

/* The next message; waits for it. */
static const char *next_message(void) {
  static char message[512];
  struct pollfd waiting = {manager_fd, POLLIN, 0};
  assert_int_equal(poll(&waiting, 1, STAGE_DEADLINE_S * 1000), 1);
  ssize_t len = recv(manager_fd, message, sizeof message - 1, 0);
  assert_true(len > 0);
  message[len] = '\0';
  return message;
}

static bool has_message(void) {
  struct pollfd waiting = {manager_fd, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

static void expect_start(const char *start) {
  const char *message = next_message();
  if (strncmp(message, start, strlen(start)) != 0) {
    fail_msg("expected %s, got %s", start, message);
  }
}

static int nothing_yet(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  assert_false(has_message());
  assert_null(getenv("NOTIFY_SOCKET"));
  assert_null(getenv("WATCHDOG_USEC"));
  assert_null(getenv("WATCHDOG_PID"));
  return STOA_OK;
}

static void *hang_up_then_stop(void *context) {
  expect_start("READY=1\nSTATUS=serving 127.0.0.1:");
  kill(getpid(), SIGHUP);
  expect_start("RELOADING=1\nMONOTONIC_USEC=");
  expect_start("READY=1\n");
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static pthread_t driver;

static int start_driver(struct stoa_app_context *context, void *user) {
  void *(*run)(void *) = *(void *(**)(void *))user;
  return pthread_create(&driver, NULL, run, context) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static int join_driver(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  return pthread_join(driver, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static int expect_stopping(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  expect_start("STOPPING=1\n");
  return STOA_OK;
}

static void run_with(void *(*run)(void *)) {
  const struct stoa_app app = {.name = "told",
                               .user = &run,
                               .before_start = {nothing_yet},
                               .after_start = {nothing_yet, start_driver},
                               .before_stop = {join_driver, expect_stopping}};
  assert_int_equal(RUN(&app), 0);
  assert_false(has_message());
}

static void ready_reloading_and_stopping_are_told_in_order(void **state) {
  (void)state;
  listen_at(path);
  run_with(hang_up_then_stop);
  assert_true(stage_log_has("event=\"configuration reloaded\" changed="));
}

static void an_abstract_address_is_told_too(void **state) {
  (void)state;
  char name[64];
  snprintf(name, sizeof name, "@%s", folder);
  listen_at(name);
  run_with(hang_up_then_stop);
}

static int stop_now(struct stoa_app_context *context, void *user) {
  (void)user;
  stoa_app_stop(context, STOA_OK, NULL);
  return STOA_OK;
}

static void an_address_that_cannot_be_used_is_logged_and_the_program_runs(void **state) {
  static const char *const addresses[] = {"relative", "@", "/", "vsock:2:1", "/nonexistent/notify"};
  const struct stoa_app app = {.name = "untold", .after_start = {stop_now}};
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    stage_begin(state);
    assert_int_equal(setenv("NOTIFY_SOCKET", addresses[i], 1), 0);
    assert_int_equal(RUN(&app), 0);
    assert_true(stage_log_has("event=\"the service manager cannot be notified\" notify_socket="));
  }
}

static void a_failed_start_is_never_ready(void **state) {
  (void)state;
  listen_at(path);
  assert_int_equal(
      stage_run(&(struct stoa_app){.name = "failed"},
                (const char *const[]){"server={addresses: ['unix:/nonexistent/socket'], io_uring: off}", NULL}),
      1);
  expect_start("STOPPING=1\n");
  assert_false(has_message());
}

static ssize_t refuse_to_send(int fd, const void *data, size_t len, int flags) {
  (void)fd, (void)data, (void)len, (void)flags;
  static int calls;
  errno = ++calls % 2 == 1 ? EINTR : EAGAIN;
  return -1;
}

static void a_message_that_is_lost_is_logged(void **state) {
  (void)state;
  const struct stoa_app app = {.name = "unheard", .after_start = {stop_now}};
  listen_at(path);
  stoa_sys.send = refuse_to_send;
  assert_int_equal(RUN(&app), 0);
  assert_true(stage_log_has("event=\"a message to the service manager was lost\" message=\"STOPPING=1"));
}

/* The watchdog. */

static atomic_bool is_blocked;

static void block(void *context, int status) {
  (void)context, (void)status;
  atomic_store(&is_blocked, true);
  stage_gate_wait();
}

static void await_lines(size_t count) {
  size_t before = stage_log_count("a worker does not turn");
  while (stage_log_count("a worker does not turn") < before + count) {
    sched_yield();
  }
}

/* A worker that waits for its processor is logged too, so only what comes after the block counts: one look at the
 * workers may still find what this one did before it. */
static void *block_worker_and_free_it(void *context) {
  expect_start("READY=1\n");
  expect_start("WATCHDOG=1");
  expect_start("WATCHDOG=1");
  assert_int_equal(stoa_worker_run(stoa_app_server(context, 0), 1, block, NULL), STOA_OK);
  while (!atomic_load(&is_blocked)) {
    sched_yield();
  }
  await_lines(2);
  while (has_message()) { /* those that came before it was seen to be stuck */
    expect_start("WATCHDOG=1");
  }
  await_lines(2);
  assert_false(has_message());
  stage_await_log(" worker=1");
  assert_true(stage_log_has("event=\"a worker does not turn; the watchdog gets no sign of life\" server=127.0.0.1:"));
  stage_gate_open();
  expect_start("WATCHDOG=1");
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static int skip_to_stopping(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  const char *message = next_message();
  while (strcmp(message, "WATCHDOG=1") == 0) {
    message = next_message();
  }
  assert_string_equal(message, "STOPPING=1\nSTATUS=draining");
  /* The stop has its own deadline: meanwhile the watchdog is fed whatever the workers do. */
  expect_start("WATCHDOG=1");
  return STOA_OK;
}

static void a_worker_that_is_stuck_stops_the_watchdog(void **state) {
  (void)state;
  stoa_log_use_clock(&stoa_clock_system); /* the line about it comes again and again */
  void *(*run)(void *) = block_worker_and_free_it;
  char pid[16];
  const struct stoa_app app = {
      .name = "watched", .user = &run, .after_start = {start_driver}, .before_stop = {join_driver, skip_to_stopping}};
  snprintf(pid, sizeof pid, "%d", getpid());
  listen_at(path);
  assert_int_equal(setenv("WATCHDOG_USEC", "20000", 1), 0);
  assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
  assert_int_equal(
      stage_run(&app, (const char *const[]){"server={addresses: ['127.0.0.1:0'], workers: 2, io_uring: off}", NULL}),
      0);
}

static void a_watchdog_for_another_process_or_without_a_number_is_not_fed(void **state) {
  static const char *const settings[][2] = {
      {"1000", "1"}, {"soon", NULL}, {"1000", "me"}, {"", NULL}, {"99999999999999999999", NULL}};
  const struct stoa_app app = {.name = "unwatched", .after_start = {stop_now}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    stage_begin(state);
    listen_at(path);
    assert_int_equal(setenv("WATCHDOG_USEC", settings[i][0], 1), 0);
    if (settings[i][1] != NULL) {
      assert_int_equal(setenv("WATCHDOG_PID", settings[i][1], 1), 0);
    }
    assert_int_equal(RUN(&app), 0);
    assert_int_equal(stage_log_has("the service manager's watchdog is ignored"), i > 0);
    expect_start("READY=1");
    expect_start("STOPPING=1");
    assert_false(has_message());
    close(manager_fd);
    unlink(path);
  }
  manager_fd = -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(ready_reloading_and_stopping_are_told_in_order),
      TEST(an_abstract_address_is_told_too),
      TEST(an_address_that_cannot_be_used_is_logged_and_the_program_runs),
      TEST(a_failed_start_is_never_ready),
      TEST(a_message_that_is_lost_is_logged),
      TEST(a_worker_that_is_stuck_stops_the_watchdog),
      TEST(a_watchdog_for_another_process_or_without_a_number_is_not_fed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
