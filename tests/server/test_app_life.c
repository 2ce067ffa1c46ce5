/* tests/server/test_app_life.c: the life of a program: its hooks, components and servers, and every way to stop. */
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

#include <stoa/version.h>
#include <stoa/worker.h>

#include "app_stage.h"
#include "base/sys.h"

#define RUN(app) stage_run((app), (const char *const[]){STAGE_SERVER, NULL})

static const char *failing; /* the hook or component that fails */
static struct stoa_server *second;
static struct stoa_app_context *seen;

static int pass(const char *word) {
  stage_note(word);
  return failing != NULL && strcmp(failing, word) == 0 ? STOA_E_LIMIT : STOA_OK;
}

#define HOOK(name)                                                       \
  static int name(struct stoa_app_context *context, void *user) {        \
    assert_ptr_equal(user, &failing);                                    \
    assert_ptr_equal(stoa_app_of(stoa_app_server(context, 0)), context); \
    return pass(#name);                                                  \
  }
HOOK(first_before_start)
HOOK(second_before_start)
HOOK(first_after_start)
HOOK(first_before_stop)
HOOK(second_before_stop)
HOOK(first_after_stop)
HOOK(second_after_stop)

static int stop_itself(struct stoa_app_context *context, void *user) {
  (void)user;
  stoa_app_stop(context, STOA_OK, "the test is over");
  return STOA_OK;
}

static int start_component(void *user) {
  char word[32];
  snprintf(word, sizeof word, "start_%s", (const char *)user);
  return pass(word);
}

static void stop_component(void *user) {
  char word[32];
  snprintf(word, sizeof word, "stop_%s", (const char *)user);
  stage_note(word);
}

static int on_worker_start(void *user, struct stoa_server *server, uint32_t worker) {
  (void)server;
  assert_int_equal(worker, 0);
  return pass(user);
}

static void on_worker_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user, (void)server, (void)worker;
  stage_note("worker_stops");
}

static char store_name[] = "store";
static char index_name[] = "index";
static char first_name[] = "first_server";
static char second_name[] = "second_server";

static void add_store(struct stoa_app_context *context) {
  const struct stoa_app_component store = {store_name, start_component, stop_component, store_name};
  assert_int_equal(stoa_app_add_component(context, &store), STOA_OK);
}

static int setup_all(struct stoa_server *server, const void *config, void *user) {
  struct stoa_app_context *context = stoa_app_of(server);
  const struct stoa_app_component words = {index_name, start_component, stop_component, index_name};
  const struct stoa_app_component quiet = {.name = "quiet"};
  const struct stoa_callbacks callbacks = {
      .on_worker_start = on_worker_start, .on_worker_stop = on_worker_stop, .user = first_name};
  const struct stoa_callbacks callbacks_of_second = {
      .on_worker_start = on_worker_start, .on_worker_stop = on_worker_stop, .user = second_name};
  const struct stoa_string address = STOA_STR("127.0.0.1:0");
  const struct stoa_server_config second_config = {
      .addresses = {&address, 1}, .workers = 1, .io_uring = STOA_IO_URING_OFF};
  assert_ptr_equal(user, &failing);
  assert_ptr_equal(stoa_app_configuration(context), config);
  seen = context;
  stoa_server_set_callbacks(server, &callbacks);
  add_store(context);
  assert_int_equal(stoa_app_add_component(context, &words), STOA_OK);
  assert_int_equal(stoa_app_add_component(context, &quiet), STOA_OK);
  assert_int_equal(stoa_server_create(&second_config, &second), STOA_OK);
  stoa_server_set_callbacks(second, &callbacks_of_second);
  assert_int_equal(stoa_app_add_server(context, second), STOA_OK);
  assert_ptr_equal(stoa_app_server(context, 1), second);
  assert_null(stoa_app_server(context, 2));
  return pass("setup");
}

static const struct stoa_app full = {.name = "full",
                                     .setup = setup_all,
                                     .user = &failing,
                                     .before_start = {first_before_start, second_before_start},
                                     .after_start = {first_after_start, stop_itself},
                                     .before_stop = {first_before_stop, second_before_stop},
                                     .after_stop = {first_after_stop, second_after_stop}};

#define STOPS "first_before_stop second_before_stop"
#define STOPPED "first_after_stop second_after_stop"
#define STARTS "setup first_before_start second_before_start"

static void all_steps_run_in_their_order(void **state) {
  (void)state;
  failing = NULL;
  assert_int_equal(RUN(&full), 0);
  assert_string_equal(stage_trace(),
                      STARTS " start_store start_index first_server second_server first_after_start " STOPS
                             " worker_stops worker_stops stop_index stop_store " STOPPED);
  assert_true(stage_log_has("event=\"the program stops itself\" reason=\"the test is over\""));
}

/* What fails, and what runs then. */
static const struct {
  const char *failing;
  const char *trace;
} failures[] = {
    {"setup", "setup"},
    {"first_before_start", "setup first_before_start " STOPS " " STOPPED},
    {"second_before_start", STARTS " " STOPS " " STOPPED},
    {"start_store", STARTS " start_store " STOPS " " STOPPED},
    {"start_index", STARTS " start_store start_index " STOPS " stop_store " STOPPED},
    {"first_server", STARTS " start_store start_index first_server " STOPS " stop_index stop_store " STOPPED},
    {"second_server", STARTS " start_store start_index first_server second_server " STOPS
                             " worker_stops stop_index stop_store " STOPPED},
    {"first_after_start", STARTS " start_store start_index first_server second_server first_after_start " STOPS
                                 " worker_stops worker_stops stop_index stop_store " STOPPED},
};

static void a_failed_step_of_the_start_stops_what_has_started(void **state) {
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
    stage_begin(state);
    failing = failures[i].failing;
    assert_int_equal(RUN(&full), 1);
    assert_string_equal(stage_trace(), failures[i].trace);
    assert_int_equal(stage_log_count("event=\"the server could not start\""), 1);
    assert_true(stage_log_has("reason=\"limit reached\""));
  }
}

static void a_failed_stop_hook_does_not_keep_the_others_from_running(void **state) {
  static const char *const hooks[] = {"first_before_stop", "first_after_stop"};
  for (size_t i = 0; i < 2; i++) {
    stage_begin(state);
    failing = hooks[i];
    assert_int_equal(RUN(&full), 1);
    assert_non_null(strstr(stage_trace(), STOPS " worker_stops worker_stops stop_index stop_store " STOPPED));
    assert_true(stage_log_has("event=\"a hook of the program failed\""));
    assert_false(stage_log_has("the server could not start"));
  }
}

static int end_second(struct stoa_app_context *context, void *user) {
  (void)user;
  stoa_server_abort(stoa_app_server(context, 1));
  return STOA_OK;
}

static void the_end_of_one_server_stops_the_others(void **state) {
  (void)state;
  struct stoa_app app = full;
  failing = NULL;
  app.after_start[1] = end_second;
  assert_int_equal(RUN(&app), 0);
  assert_non_null(strstr(stage_trace(), STOPS " worker_stops worker_stops stop_index stop_store " STOPPED));
  assert_true(stage_log_has("event=\"a server has ended; the program stops\""));
}

static int fail_later(struct stoa_app_context *context, void *user) {
  (void)user;
  stoa_app_stop(context, STOA_E_SYSTEM, "the disk is gone");
  stoa_app_stop(context, STOA_OK, NULL);
  return STOA_OK;
}

static void a_component_that_fails_while_it_runs_ends_the_program_with_1(void **state) {
  (void)state;
  struct stoa_app app = full;
  failing = NULL;
  app.after_start[1] = fail_later;
  assert_int_equal(RUN(&app), 1);
  assert_true(
      stage_log_has("event=\"a part of the program has failed; the program stops\" reason=\"the disk is gone\""));
  assert_non_null(strstr(stage_trace(), "stop_index stop_store " STOPPED));
}

static int try_to_add(struct stoa_app_context *context, void *user) {
  struct stoa_server *server;
  const struct stoa_app_component component = {.name = "late"};
  (void)user;
  assert_int_equal(stoa_server_create(NULL, &server), STOA_OK);
  assert_int_equal(stoa_app_add_server(context, server), STOA_E_ARGUMENT);
  assert_int_equal(stoa_app_add_component(context, &component), STOA_E_ARGUMENT);
  stoa_server_destroy(server);
  return stop_itself(context, NULL);
}

static int setup_too_much(struct stoa_server *server, const void *config, void *user) {
  struct stoa_app_context *context = stoa_app_of(server);
  const struct stoa_app_component component = {.name = "one of many"};
  const struct stoa_app_component nameless = {.start = start_component};
  const struct stoa_string address = STOA_STR("127.0.0.1:0");
  const struct stoa_server_config small = {.addresses = {&address, 1}, .workers = 1, .io_uring = STOA_IO_URING_OFF};
  struct stoa_server *more;
  (void)config, (void)user;
  assert_int_equal(stoa_app_add_server(context, server), STOA_E_EXISTS);
  assert_int_equal(stoa_app_add_component(context, &nameless), STOA_E_ARGUMENT);
  for (int i = 0; i < STOA_APP_COMPONENTS_MAX; i++) {
    assert_int_equal(stoa_app_add_component(context, &component), STOA_OK);
  }
  assert_int_equal(stoa_app_add_component(context, &component), STOA_E_LIMIT);
  for (int i = 1; i < STOA_APP_SERVERS_MAX; i++) {
    assert_int_equal(stoa_server_create(&small, &more), STOA_OK);
    assert_int_equal(stoa_app_add_server(context, more), STOA_OK);
  }
  assert_int_equal(stoa_server_create(&small, &more), STOA_OK);
  assert_int_equal(stoa_app_add_server(context, more), STOA_E_LIMIT);
  assert_null(stoa_app_of(more));
  stoa_server_destroy(more);
  return STOA_OK;
}

static void servers_and_components_are_added_in_setup_up_to_a_limit(void **state) {
  (void)state;
  const struct stoa_app app = {.name = "many", .setup = setup_too_much, .after_start = {try_to_add}};
  assert_int_equal(RUN(&app), 0);
}

static int check_identity(struct stoa_app_context *context, void *user) {
  struct stoa_uuid id;
  assert_string_equal(stoa_app_name(context), "named");
  assert_string_equal(stoa_app_metadata(context, "zone"), "eu-1");
  assert_null(stoa_app_metadata(context, "rack"));
  if (user == NULL) {
    assert_int_equal(stoa_uuid_parse(stoa_string_of(stoa_app_id(context)), &id), STOA_OK);
    assert_string_equal(stoa_app_version(context), STOA_VERSION);
  } else {
    assert_string_equal(stoa_app_id(context), "node-7");
    assert_string_equal(stoa_app_version(context), "3.4");
  }
  return stop_itself(context, NULL);
}

static void a_program_knows_its_id_version_and_metadata(void **state) {
  (void)state;
  const struct stoa_app_pair metadata[] = {{"zone", "eu-1"}, {"role", "edge"}};
  struct stoa_app app = {.name = "named", .metadata = metadata, .metadata_count = 2, .after_start = {check_identity}};
  assert_int_equal(RUN(&app), 0);
  assert_true(stage_log_has("metadata=\"zone=eu-1,role=edge\""));
  app.id = "node-7";
  app.version = "3.4";
  app.user = &app;
  assert_int_equal(RUN(&app), 0);
  assert_true(stage_log_has("event=\"starting\" name=named version=3.4 id=node-7 metadata="));
}

static int no_descriptor_for_signals(int fd, const sigset_t *signals, int flags) {
  (void)fd, (void)signals, (void)flags;
  errno = EMFILE;
  return -1;
}

static int no_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  (void)thread, (void)attributes, (void)run, (void)argument;
  return EAGAIN;
}

static void without_a_descriptor_or_a_thread_for_signals_nothing_starts(void **state) {
  sigset_t set;
  stoa_sys.signalfd = no_descriptor_for_signals;
  failing = NULL;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(RUN(&full), 1);
    assert_string_equal(stage_trace(), "");
    assert_true(stage_log_has("event=\"the server could not start\" reason=\"system call failed\" step=signals"));
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    assert_false(sigismember(&set, SIGTERM));
    stage_end(state);
    stage_begin(state);
    stoa_sys.pthread_create = no_thread;
  }
}

/* Signals. */

static int signal_in_setup(struct stoa_server *server, const void *config, void *user) {
  (void)server, (void)config, (void)user;
  assert_int_equal(kill(getpid(), SIGTERM), 0);
  stage_await_log("event=\"draining\" signal=15 sessions=0");
  return STOA_OK;
}

static void a_signal_during_setup_ends_the_start_without_an_error(void **state) {
  (void)state;
  failing = NULL;
  const struct stoa_app app = {.name = "early",
                               .setup = signal_in_setup,
                               .user = &failing,
                               .before_start = {first_before_start},
                               .after_stop = {first_after_stop}};
  assert_int_equal(RUN(&app), 0);
  assert_string_equal(stage_trace(), "");
  assert_false(stage_log_has("listening"));
}

static void open_gate_for_exit(int status) {
  assert_int_equal(status, 1);
  stage_note("exit_now");
  stage_gate_open();
}

static int send_signal(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  return kill(getpid(), SIGINT) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static int send_two_more(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  assert_int_equal(kill(getpid(), SIGINT), 0);
  stage_await_log("event=\"ending now\" signal=2");
  assert_int_equal(kill(getpid(), SIGTERM), 0);
  stage_gate_wait();
  return STOA_OK;
}

static void the_second_signal_aborts_and_the_third_ends_the_process(void **state) {
  (void)state;
  const struct stoa_app app = {.name = "urgent", .after_start = {send_signal}, .before_stop = {send_two_more}};
  stoa_sys.exit_now = open_gate_for_exit;
  assert_int_equal(RUN(&app), 0);
  assert_string_equal(stage_trace(), "exit_now");
  assert_true(
      stage_log_has("event=\"a third signal ends the process before everything has stopped\" "
                    "hung=before_stop[0]"));
}

/* The deadline of the stop. */

static void hang(void *user) {
  (void)user;
  stage_gate_wait();
}

static int setup_hanging(struct stoa_server *server, const void *config, void *user) {
  const struct stoa_app_component store = {.name = "store", .stop = hang};
  (void)config, (void)user;
  return stoa_app_add_component(stoa_app_of(server), &store);
}

static void a_component_that_hangs_at_the_stop_is_named_and_ends_the_process(void **state) {
  (void)state;
  const struct stoa_app app = {
      .name = "stuck", .setup = setup_hanging, .after_start = {stop_itself}, .stop_timeout_ms = 20};
  stoa_sys.exit_now = open_gate_for_exit;
  RUN(&app);
  assert_string_equal(stage_trace(), "exit_now");
  assert_true(
      stage_log_has("event=\"the program did not stop in time; the process ends now\" "
                    "hung=\"stop of the component store\" stop_timeout_ms=20"));
}

static void hang_on_worker(void *context, int status) {
  (void)context, (void)status;
  stage_note("hangs");
  stage_await_log("the stop takes too long; the servers end now");
}

static int block_worker_and_stop(struct stoa_app_context *context, void *user) {
  (void)user;
  assert_int_equal(stoa_worker_run(stoa_app_server(context, 0), 0, hang_on_worker, NULL), STOA_OK);
  return stop_itself(context, NULL);
}

static void a_drain_that_takes_too_long_is_aborted_and_the_rest_still_stops(void **state) {
  (void)state;
  failing = NULL;
  const struct stoa_app app = {.name = "slow",
                               .user = &failing,
                               .after_start = {block_worker_and_stop},
                               .after_stop = {first_after_stop},
                               .stop_timeout_ms = 20};
  assert_int_equal(RUN(&app), 1);
  assert_string_equal(stage_trace(), "hangs first_after_stop");
  assert_true(stage_log_has("hung=\"drain of the server 127.0.0.1:"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_begin, stage_end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(all_steps_run_in_their_order),
      TEST(a_failed_step_of_the_start_stops_what_has_started),
      TEST(a_failed_stop_hook_does_not_keep_the_others_from_running),
      TEST(the_end_of_one_server_stops_the_others),
      TEST(a_component_that_fails_while_it_runs_ends_the_program_with_1),
      TEST(servers_and_components_are_added_in_setup_up_to_a_limit),
      TEST(a_program_knows_its_id_version_and_metadata),
      TEST(without_a_descriptor_or_a_thread_for_signals_nothing_starts),
      TEST(a_signal_during_setup_ends_the_start_without_an_error),
      TEST(the_second_signal_aborts_and_the_third_ends_the_process),
      TEST(a_component_that_hangs_at_the_stop_is_named_and_ends_the_process),
      TEST(a_drain_that_takes_too_long_is_aborted_and_the_rest_still_stops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
