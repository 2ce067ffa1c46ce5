/* tests/server/config/test_app.c: a program from its command line to its exit status. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <stoa/app.h>
#include <stoa/version.h>

#include "base/memory.h"
#include "base/sys.h"

/* What the program wrote to descriptor 1 and 2. */
static char written[3][64 * 1024];
static size_t written_len[3];
/* A server's workers write log lines too. */
static pthread_mutex_t written_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t capture(int fd, const void *data, size_t len) {
  if (fd != STDOUT_FILENO && fd != STDERR_FILENO) {
    return stoa_sys_real.write(fd, data, len);
  }
  pthread_mutex_lock(&written_lock);
  bool fits = len < sizeof written[fd] - written_len[fd];
  if (fits) {
    memcpy(written[fd] + written_len[fd], data, len);
    written_len[fd] += len;
  }
  pthread_mutex_unlock(&written_lock);
  assert_true(fits);
  return (ssize_t)len;
}

static ssize_t capture_bit_by_bit(int fd, const void *data, size_t len) {
  static int calls;
  if (++calls % 2 == 0) {
    errno = EINTR;
    return -1;
  }
  return capture(fd, data, len > 3 ? 3 : len);
}

static ssize_t refuse(int fd, const void *data, size_t len) {
  (void)fd, (void)data, (void)len;
  errno = ENOSPC;
  return -1;
}

static int setup_status;
static const struct stoa_app_config *seen_config;
static struct stoa_server *seen_server;

static int setup(struct stoa_server *server, const void *config, void *user) {
  assert_ptr_equal(user, &setup_status);
  seen_server = server;
  seen_config = config;
  return setup_status;
}

static const struct stoa_app app = {
    .name = "probe", .version = "1.2", .about = "Probes.", .setup = setup, .user = &setup_status};

static int run_app(const struct stoa_app *program, const char *const *arguments) {
  char *argv[16] = {NULL};
  int argc = 0;
  memset(written_len, 0, sizeof written_len);
  memset(written, 0, sizeof written);
  for (; arguments[argc] != NULL; argc++) {
    argv[argc] = strdup(arguments[argc]);
  }
  int exit_status = stoa_app_run(program, argc, argv);
  for (int i = 0; i < argc; i++) {
    free(argv[i]);
  }
  return exit_status;
}

#define RUN(...) run_app(&app, (const char *const[]){"probe", __VA_ARGS__, NULL})

static void expect_written(const char *out, const char *error) {
  assert_string_equal(written[STDOUT_FILENO], out);
  assert_string_equal(written[STDERR_FILENO], error);
}

static int begin(void **state) {
  (void)state;
  stoa_sys.write = capture;
  setup_status = STOA_OK;
  seen_server = NULL;
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  return 0;
}

static void the_version_is_the_programs_or_the_librarys(void **state) {
  (void)state;
  const struct stoa_app plain = {.name = "plain"};
  assert_int_equal(RUN("--version"), 0);
  expect_written("probe 1.2\n", "");
  assert_int_equal(run_app(&plain, (const char *const[]){"plain", "--version", NULL}), 0);
  expect_written("plain " STOA_VERSION "\n", "");
}

static void help_shows_the_usage_and_reads_nothing(void **state) {
  (void)state;
  assert_int_equal(RUN("--help", "-c", "/nonexistent"), 0);
  assert_non_null(strstr(written[STDOUT_FILENO], "Usage: probe [OPTION]...\nProbes.\n\n  -c, --config FILE"));
  assert_string_equal(written[STDERR_FILENO], "");
}

static void wrong_usage_ends_with_2_and_a_hint(void **state) {
  (void)state;
  assert_int_equal(RUN("--foo"), 2);
  expect_written("", "probe: unknown option \"--foo\"; try probe --help\n");
  assert_int_equal(RUN("-c"), 2);
  expect_written("", "probe: option \"-c\" needs a value; try probe --help\n");
}

static void mistakes_in_the_configuration_end_with_1(void **state) {
  (void)state;
  assert_int_equal(RUN("-c", "/nonexistent", "--set", "server.adress=x", "--set", "log.level=loud"), 1);
  expect_written("",
                 "/nonexistent: cannot be read: No such file or directory\n"
                 "--set server.adress=x: unknown key \"adress\" in server; did you mean \"addresses\"?\n"
                 "--set log.level=loud: log.level: expected info, debug, warn, error or off, got \"loud\"\n");
  assert_null(seen_server);
}

static void a_good_configuration_is_ok(void **state) {
  (void)state;
  assert_int_equal(RUN("--check-config", "--set", "server.byte_order=little"), 0);
  expect_written("configuration ok\n", "");
  assert_null(seen_server);
}

static void values_that_the_server_refuses_fail_the_check(void **state) {
  (void)state;
  assert_int_equal(RUN("--check-config", "--set", "server.addresses=[nonsense]", "--set", "log.level=off"), 1);
  assert_string_equal(written[STDOUT_FILENO], "");
  assert_non_null(strstr(written[STDERR_FILENO], "address"));
  assert_non_null(strstr(written[STDERR_FILENO], "the configuration is not usable"));
}

static void the_configuration_in_force_is_printed(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-app-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_true(dprintf(fd, "server:\n  path: /a\n  workers: 3\n") > 0);
  close(fd);
  assert_int_equal(RUN("--print-config", "--config", path, "--set=server.path=/b"), 0);
  char line[64];
  snprintf(line, sizeof line, "\n  workers: 3  # %s:3\n", path);
  const char *out = written[STDOUT_FILENO];
  static const char start[] =
      "server:\n  addresses:  # default\n    - \"0.0.0.0:7700\"\n  path: \"/b\"  # --set\n  codec: \"json\"  # "
      "default\n"
      "  byte_order: big  # default\n";
  assert_memory_equal(out, start, sizeof start - 1);
  assert_non_null(strstr(out, line));
  assert_non_null(strstr(out, "\n  # tls: not set\n  limits:\n    handshake_timeout_ms: 10000  # default\n"));
  assert_non_null(strstr(out, "\n    rate:\n      messages_per_s: 0  # default\n"));
  assert_non_null(strstr(out,
                         "\nlog:\n  level: info  # default\n  format: logfmt  # default\n  connections: on  # "
                         "default\n  requests:\n    mode: errors  # default\n    sample: 100  # default\n"
                         "  slow_turn_ms: 100  # default\n"));
  assert_string_equal(written[STDERR_FILENO], "");
  assert_int_equal(unlink(path), 0);
}

static void what_is_printed_is_a_configuration_of_the_same_values(void **state) {
  (void)state;
  static char first[sizeof written[0]];
  char path[] = "/tmp/stoa-app-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(RUN("--print-config", "--set=server={workers: 3, drain_ms: 7s, hosts: [a.b]}"), 0);
  memcpy(first, written[STDOUT_FILENO], sizeof first);
  assert_int_equal(stoa_sys_real.write(fd, first, strlen(first)), (ssize_t)strlen(first));
  close(fd);
  assert_int_equal(RUN("--print-config", "-c", path), 0);
  const char *a = first;
  const char *b = written[STDOUT_FILENO];
  while (*a != '\0' && *b != '\0') {
    size_t a_len = strcspn(a, "#\n");
    assert_int_equal(a_len, strcspn(b, "#\n"));
    assert_memory_equal(a, b, a_len);
    a += strcspn(a, "\n") + 1;
    b += strcspn(b, "\n") + 1;
  }
  assert_true(*a == '\0' && *b == '\0');
  assert_int_equal(unlink(path), 0);
}

static void variables_stand_between_files_and_settings(void **state) {
  (void)state;
  char path[] = "/tmp/stoa-app-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_true(dprintf(fd, "server: {path: /a, codec: proto, workers: 1}\n") > 0);
  close(fd);
  assert_int_equal(setenv("STOA_SERVER_PATH", "/b", 1), 0);
  assert_int_equal(setenv("STOA_SERVER_WORKERS", "2", 1), 0);
  assert_int_equal(RUN("--print-config", "--set=server.workers=3", "-c", path), 0);
  char line[64];
  snprintf(line, sizeof line, "\n  codec: \"proto\"  # %s:1\n", path);
  assert_non_null(strstr(written[STDOUT_FILENO], line));
  assert_non_null(strstr(written[STDOUT_FILENO], "\n  path: \"/b\"  # STOA_SERVER_PATH\n"));
  assert_non_null(strstr(written[STDOUT_FILENO], "\n  workers: 3  # --set\n"));
  assert_int_equal(setenv("STOA_SERVER_WORKERS", "x", 1), 0);
  assert_int_equal(setenv("STOA_SERVER_PATHS", "x", 1), 0);
  assert_int_equal(RUN("--check-config"), 1);
  expect_written("",
                 "STOA_SERVER_WORKERS: server.workers: expected a number from 0 to 4294967295, got \"x\"\n"
                 "STOA_SERVER_PATHS: unknown environment variable; did you mean \"STOA_SERVER_PATH\"?\n");
  assert_int_equal(unsetenv("STOA_SERVER_PATH"), 0);
  assert_int_equal(unsetenv("STOA_SERVER_PATHS"), 0);
  assert_int_equal(unsetenv("STOA_SERVER_WORKERS"), 0);
  assert_int_equal(unlink(path), 0);
}

static void invalid_origins_and_hosts_are_reported_with_examples(void **state) {
  (void)state;
  assert_int_equal(RUN("--check-config", "--set", "server.allowed_origins=[chat.example, 'https://a.example/chat']",
                       "--set", "server.hosts=['https://b.example']"),
                   1);
  assert_non_null(strstr(written[STDERR_FILENO], "https://chat.example"));
  assert_non_null(strstr(written[STDERR_FILENO], "an origin has no path"));
  assert_non_null(strstr(written[STDERR_FILENO], "server.allowed_origins"));
  assert_non_null(strstr(written[STDERR_FILENO], "a host has no scheme and no path"));
  assert_non_null(strstr(written[STDERR_FILENO], "server.hosts"));
  assert_int_equal(
      RUN("--check-config", "--set", "server={allowed_origins: ['null', 'file://', '*'], hosts: [a.example]}"), 0);
}

static void a_setup_that_fails_ends_with_1(void **state) {
  (void)state;
  setup_status = STOA_E_EXISTS;
  assert_int_equal(RUN("--set", "log.format=json"), 1);
  assert_non_null(strstr(written[STDERR_FILENO], "the server could not start"));
  assert_non_null(strstr(written[STDERR_FILENO], "already exists"));
  assert_int_equal(written[STDERR_FILENO][0], '{');
}

static void an_address_that_cannot_be_bound_ends_with_1(void **state) {
  (void)state;
  assert_int_equal(RUN("--set", "server.addresses=['unix:/nonexistent/folder/socket']"), 1);
  assert_non_null(strstr(written[STDERR_FILENO], "the server could not start"));
}

static int send_signal(struct stoa_app_context *context, void *user) {
  assert_ptr_equal(stoa_app_server(context, 0), seen_server);
  assert_ptr_equal(user, &setup_status);
  return kill(getpid(), SIGTERM) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static void a_program_serves_until_its_signal(void **state) {
  (void)state;
  struct stoa_app signalled = app;
  signalled.after_start[0] = send_signal;
  const char *const arguments[] = {
      "probe", "--set", "server={addresses: ['127.0.0.1:0'], workers: 1}", "--set", "log={level: debug}", NULL};
  assert_int_equal(run_app(&signalled, arguments), 0);
  assert_non_null(seen_server);
  assert_non_null(strstr(written[STDERR_FILENO], "listening"));
  assert_string_equal(written[STDOUT_FILENO], "");
}

static void a_log_that_is_off_writes_nothing(void **state) {
  (void)state;
  setup_status = STOA_E_EXISTS;
  assert_int_equal(RUN("--set", "log.level=off"), 1);
  expect_written("", "");
}

static void a_configuration_type_without_server_or_log_is_refused(void **state) {
  (void)state;
  const struct stoa_app odd = {.name = "odd", .config_type = &stoa_server_config_type};
  assert_int_equal(run_app(&odd, (const char *const[]){"odd", NULL}), 1);
  expect_written("", "odd: stoa.ServerConfig has no stoa.ServerConfig server or no stoa.LogConfig log\n");
}

static void output_goes_on_after_short_and_interrupted_writes(void **state) {
  (void)state;
  stoa_sys.write = capture_bit_by_bit;
  assert_int_equal(RUN("--version"), 0);
  expect_written("probe 1.2\n", "");
}

static void output_that_cannot_be_written_ends_with_1(void **state) {
  (void)state;
  stoa_sys.write = refuse;
  assert_int_equal(RUN("--version"), 1);
  assert_int_equal(RUN("--help"), 1);
  assert_int_equal(RUN("--print-config"), 1);
  assert_int_equal(RUN("--check-config"), 1);
}

static void expect_all_allocations_to_be_survived(const char *const *arguments) {
  for (uint64_t n = 1;; n++) {
    int64_t blocks = stoa_memory_live_blocks();
    stoa_memory_fail_at(n, true);
    int exit_status = run_app(&app, arguments);
    bool hit = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    assert_int_equal(exit_status, hit ? 1 : 0);
    assert_int_equal(stoa_memory_live_blocks(), blocks);
    if (!hit) {
      return;
    }
    assert_non_null(strstr(written[STDERR_FILENO], "out of memory"));
  }
}

static void a_check_survives_the_failure_of_each_allocation(void **state) {
  (void)state;
  expect_all_allocations_to_be_survived((const char *const[]){
      "probe", "--check-config", "--set", "server={path: /chat, allowed_origins: ['*'], hosts: [a.b]}", NULL});
}

static void printing_survives_the_failure_of_each_allocation(void **state) {
  (void)state;
  expect_all_allocations_to_be_survived((const char *const[]){"probe", "--print-config", "--set", "log={}", NULL});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_version_is_the_programs_or_the_librarys),
      TEST(help_shows_the_usage_and_reads_nothing),
      TEST(wrong_usage_ends_with_2_and_a_hint),
      TEST(mistakes_in_the_configuration_end_with_1),
      TEST(a_good_configuration_is_ok),
      TEST(values_that_the_server_refuses_fail_the_check),
      TEST(the_configuration_in_force_is_printed),
      TEST(what_is_printed_is_a_configuration_of_the_same_values),
      TEST(variables_stand_between_files_and_settings),
      TEST(invalid_origins_and_hosts_are_reported_with_examples),
      TEST(a_setup_that_fails_ends_with_1),
      TEST(an_address_that_cannot_be_bound_ends_with_1),
      TEST(a_program_serves_until_its_signal),
      TEST(a_log_that_is_off_writes_nothing),
      TEST(a_configuration_type_without_server_or_log_is_refused),
      TEST(output_goes_on_after_short_and_interrupted_writes),
      TEST(output_that_cannot_be_written_ends_with_1),
      TEST(a_check_survives_the_failure_of_each_allocation),
      TEST(printing_survives_the_failure_of_each_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
