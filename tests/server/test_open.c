/* A server in the program's own loop: one poll(2) loop in one thread turns it and a client that visits it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stoa/call.h>
#include <stoa/log.h>
#include <stoa/worker.h>

#include "base/memory.h"
#include "base/sys.h"
#include "lib/authority.h"
#include "net/tls.h"
#include "observer.h"

#define DEADLINE_S 60
#define FAULTS_MAX 2000u
#define CALLS 4u

static struct fixture fixture;
static struct observer observer;
static struct authority authority;

/* What happened, and where: all of it on this thread, and inside a step. */
static struct {
  bool runs;     /* the newest step's answer */
  bool stepping; /* one is under way */
  pthread_t owner;
  struct stoa_uuid id; /* of the session that came last */
  unsigned entered, left, starts, stops, functions;
  int function_status;
  uint16_t code;
  int start_status;
  struct stoa_call *calls[CALLS]; /* that wait for a thread */
  unsigned call_count;
  struct stoa_worker_timer timer;
  struct stoa_call *timed;
  bool wait_was_asked; /* of the kernel, in a step that must not wait */
} seen;

static void assert_inside_a_step(void) {
  assert_true(pthread_equal(pthread_self(), seen.owner));
  assert_true(seen.stepping);
  assert_int_equal(stoa_worker_index(fixture.server), 0);
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  assert_inside_a_step();
  seen.id = *stoa_session_id(session);
  seen.entered++;
  return STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)session;
  (void)reason;
  seen.code = code;
  seen.left++;
}

static int on_worker_start(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  assert_int_equal(worker, 0);
  assert_int_equal(stoa_worker_index(server), 0);
  seen.starts++;
  return seen.start_status;
}

static void on_worker_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)server;
  assert_int_equal(worker, 0);
  seen.stops++;
}

static int answer(struct stoa_call *call, const char *text) {
  const struct sample_v1_ask_reply reply = {.answer = stoa_string_of(text)};
  return sample_v1_sample_ask_reply(call, &reply);
}

static void on_due(struct stoa_worker_timer *timer, int status) {
  (void)timer;
  assert_int_equal(status, STOA_OK);
  assert_inside_a_step();
  assert_int_equal(answer(seen.timed, "by a timer"), STOA_OK);
}

static const struct stoa_error *on_ask(void *user, struct stoa_session *session,
                                       const struct sample_v1_ask_request *request, struct sample_v1_ask_reply *reply) {
  struct stoa_call *call;
  (void)user;
  assert_inside_a_step();
  if (stoa_string_equal(request->question, stoa_string_of("timer"))) {
    seen.timer.on_due = on_due;
    assert_int_equal(stoa_call_take(session, &seen.timed), STOA_OK);
    assert_int_equal(stoa_worker_timer_start(fixture.server, &seen.timer, 20), STOA_OK);
    return STOA_LATER;
  }
  if (stoa_string_equal(request->question, stoa_string_of("thread"))) {
    assert_int_equal(stoa_call_take(session, &call), STOA_OK);
    seen.calls[seen.call_count++] = call;
    return STOA_LATER;
  }
  reply->answer = request->question;
  return NULL;
}

static const struct stoa_error *on_line(void *user, struct stoa_session *session,
                                        const struct sample_v1_line_message *line) {
  (void)user;
  assert_inside_a_step();
  assert_int_equal(sample_v1_line_broadcast(stoa_session_server(session), line), STOA_OK);
  return NULL;
}

static int try_open(const struct stoa_server_config *config) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect,
                                                  .on_closed = on_closed,
                                                  .on_worker_start = on_worker_start,
                                                  .on_worker_stop = on_worker_stop};
  static const struct sample_v1_sample_handlers handlers = {.line = on_line, .ask = on_ask};
  fixture.blocks_before = stoa_memory_live_blocks();
  fixture.server = NULL;
  seen.owner = pthread_self();
  int status = stoa_server_create(config, &fixture.server);
  if (status == STOA_OK) {
    stoa_server_set_callbacks(fixture.server, &callbacks);
    status = sample_v1_sample_register(fixture.server, &handlers, NULL);
  }
  return status == STOA_OK ? stoa_server_open(fixture.server) : status;
}

static void start(const struct stoa_server_config *config) {
  memset(&seen, 0, sizeof seen);
  memset(&observer, 0, sizeof observer);
  assert_int_equal(try_open(config), STOA_OK);
  assert_int_equal(seen.starts, 1);
  seen.runs = true;
  fixture.address = stoa_server_address(fixture.server, 0);
}

/* The loop. */

static void step(int wait_ms) {
  seen.stepping = true;
  seen.runs = stoa_server_step(fixture.server, wait_ms);
  seen.stepping = false;
}

static int nearer(int one_ms, int other_ms) {
  if (one_ms < 0 || other_ms < 0) {
    return one_ms < 0 ? other_ms : one_ms;
  }
  return one_ms < other_ms ? one_ms : other_ms;
}

/* Wait as both ask for, and turn only who has something to do by what it says itself. */
static void turn(int most_ms) {
  struct pollfd fds[2] = {{seen.runs ? stoa_server_fd(fixture.server) : -1, POLLIN, 0},
                          {observer.client == NULL ? -1 : stoa_client_fd(observer.client), POLLIN, 0}};
  int wait_ms = nearer(most_ms, seen.runs ? stoa_server_wait_ms(fixture.server) : -1);
  if (observer.client != NULL) {
    wait_ms = nearer(wait_ms, stoa_client_wait_ms(observer.client));
  }
  poll(fds, 2, wait_ms);
  if (seen.runs && (fds[0].revents != 0 || stoa_server_wait_ms(fixture.server) == 0)) {
    step(0);
  }
  if (observer.client != NULL && (fds[1].revents != 0 || stoa_client_wait_ms(observer.client) == 0)) {
    stoa_client_step(observer.client, 0);
  }
}

static void await(const atomic_uint *count, unsigned value) {
  time_t until = time(NULL) + DEADLINE_S;
  while (atomic_load(count) < value) {
    assert_true(time(NULL) <= until);
    turn(1000);
  }
}

static void await_state(enum stoa_client_state state) {
  time_t until = time(NULL) + DEADLINE_S;
  while (atomic_load(&observer.state) != (unsigned)state) {
    assert_true(time(NULL) <= until);
    turn(1000);
  }
}

static void await_end(void) {
  time_t until = time(NULL) + DEADLINE_S;
  while (seen.runs) {
    assert_true(time(NULL) <= until);
    turn(1000);
  }
}

static bool is_readable(void) {
  struct pollfd fd = {stoa_server_fd(fixture.server), POLLIN, 0};
  return poll(&fd, 1, 0) == 1;
}

/* Until it has nothing to do but wait. */
static void quiet(void) {
  time_t until = time(NULL) + DEADLINE_S;
  while (is_readable() || stoa_server_wait_ms(fixture.server) == 0) {
    assert_true(time(NULL) <= until);
    turn(0);
  }
}

static void visit(const char *ca_file) {
  static char url[64];
  snprintf(url, sizeof url, "%s://127.0.0.1%s/", ca_file == NULL ? "ws" : "wss", strrchr(fixture.address, ':'));
  const struct stoa_client_options options = {.url = url, .ca_file = ca_file, .once = true};
  assert_int_equal(observer_try_open(&observer, &options), STOA_OK);
  await_state(STOA_CLIENT_OPEN);
}

static void in_thread(void *(*run)(void *context)) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Tests. */

static void a_server_and_a_client_exchange_messages_in_one_poll_loop(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  for (unsigned i = 1; i <= 20; i++) {
    assert_int_equal(observer_send_line(&observer, "me", i, "a line"), STOA_OK);
  }
  await(&observer.lines, 20);
  assert_int_equal(observer_ask(&observer, "at once"), STOA_OK);
  await(&observer.answers, 1);
  assert_string_equal(observer.answer, "at once");
  stoa_client_close(observer.client, 1000, NULL);
  await_state(STOA_CLIENT_ENDED);
  while (seen.left == 0) {
    turn(1000);
  }
  assert_int_equal(seen.code, 1000);
  assert_true(seen.runs);
  observer_close(&observer);
  fixture_stop(&fixture);
  assert_int_equal(seen.stops, 1);
}

/* More than the sockets hold: some of it waits for room, and must be told of by the descriptor too. */
static void what_does_not_fit_into_the_socket_at_once_is_sent_by_the_loop(void **state) {
  static char big[30001];
  (void)state;
  memset(big, 'x', sizeof big - 1);
  start(fixture_config(1));
  visit(NULL);
  for (unsigned i = 1; i <= 200; i++) {
    while (observer_send_line(&observer, "me", i, big) != STOA_OK) {
      turn(1000);
    }
  }
  await(&observer.lines, 200);
  observer_close(&observer);
  fixture_stop(&fixture);
}

static void a_timer_answers_a_call(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  assert_int_equal(observer_ask(&observer, "timer"), STOA_OK);
  await(&observer.answers, 1);
  assert_string_equal(observer.answer, "by a timer");
  observer_close(&observer);
  fixture_stop(&fixture);
}

static void *answer_all(void *context) {
  for (unsigned i = 0; i < seen.call_count; i++) {
    assert_int_equal(answer(seen.calls[i], "by a thread"), STOA_OK);
  }
  return context;
}

static void another_thread_answers_calls_and_wakes_the_descriptor(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  for (unsigned i = 0; i < CALLS; i++) {
    assert_int_equal(observer_ask(&observer, "thread"), STOA_OK);
  }
  while (seen.call_count < CALLS) {
    turn(1000);
  }
  quiet();
  in_thread(answer_all);
  assert_true(is_readable());
  await(&observer.answers, CALLS);
  assert_string_equal(observer.answer, "by a thread");
  observer_close(&observer);
  fixture_stop(&fixture);
}

static void *broadcast(void *context) {
  const struct sample_v1_line_message line = {.text = STOA_STR("from elsewhere")};
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
  return context;
}

static void *send_one(void *context) {
  const struct sample_v1_line_message line = {.text = STOA_STR("to one")};
  assert_int_equal(sample_v1_line_send(fixture.server, &seen.id, &line), STOA_OK);
  return context;
}

static void on_run(void *context, int status) {
  (void)context;
  seen.functions++;
  seen.function_status = status;
}

static void *run_function(void *context) {
  assert_int_equal(stoa_worker_run(fixture.server, 0, on_run, NULL), STOA_OK);
  return context;
}

static void *close_it(void *context) {
  assert_int_equal(stoa_server_close_session(fixture.server, &seen.id, 4321, "as asked"), STOA_OK);
  return context;
}

static void whatever_other_threads_ask_for_wakes_the_descriptor(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  quiet();
  in_thread(broadcast);
  assert_true(is_readable());
  await(&observer.lines, 1);
  assert_string_equal(observer.line_text, "from elsewhere");
  quiet();
  in_thread(send_one);
  assert_true(is_readable());
  await(&observer.lines, 2);
  assert_string_equal(observer.line_text, "to one");
  quiet();
  in_thread(run_function);
  assert_true(is_readable());
  step(0);
  assert_int_equal(seen.functions, 1);
  assert_int_equal(seen.function_status, STOA_OK);
  quiet();
  in_thread(close_it);
  assert_true(is_readable());
  await_state(STOA_CLIENT_ENDED);
  assert_int_equal(observer.close_code, 4321);
  observer_close(&observer);
  fixture_stop(&fixture);
}

/* Between steps the thread is like any other. */
static void what_the_thread_itself_asks_for_between_steps_waits_for_the_next_one(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  quiet();
  assert_int_equal(stoa_worker_index(fixture.server), STOA_WORKER_NONE);
  run_function(NULL);
  broadcast(NULL);
  assert_int_equal(seen.functions, 0);
  assert_true(is_readable());
  step(-1);
  assert_int_equal(seen.functions, 1);
  await(&observer.lines, 1);
  observer_close(&observer);
  fixture_stop(&fixture);
}

static int epoll_wait_watched(int fd, struct epoll_event *events, int count, int timeout_ms) {
  seen.wait_was_asked |= timeout_ms != 0;
  return stoa_sys_real.epoll_wait(fd, events, count, timeout_ms);
}

static int epoll_pwait2_watched(int fd, struct epoll_event *events, int count, const struct timespec *timeout,
                                const sigset_t *mask) {
  seen.wait_was_asked |= timeout == NULL || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
  return stoa_sys_real.epoll_pwait2(fd, events, count, timeout, mask);
}

static void a_step_of_zero_never_waits(void **state) {
  (void)state;
  start(fixture_config(1));
  stoa_sys.epoll_wait = epoll_wait_watched;
  stoa_sys.epoll_pwait2 = epoll_pwait2_watched;
  for (unsigned i = 0; i < 10; i++) {
    step(0);
    assert_true(seen.runs);
  }
  visit(NULL);
  quiet();
  step(0);
  stoa_sys = stoa_sys_real;
  observer_close(&observer);
  fixture_stop(&fixture);
  assert_false(seen.wait_was_asked);
}

static int no_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  (void)thread;
  (void)attributes;
  (void)run;
  (void)context;
  return EAGAIN;
}

static void it_needs_no_thread(void **state) {
  (void)state;
  stoa_sys.pthread_create = no_thread;
  start(fixture_config(1));
  visit(NULL);
  observer_close(&observer);
  fixture_stop(&fixture);
  stoa_sys = stoa_sys_real;
}

static void a_drain_ends_it_when_all_have_gone(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  stoa_server_drain(fixture.server);
  assert_true(is_readable());
  await_end();
  assert_int_equal(seen.left, 1);
  assert_int_equal(seen.code, 4001);
  await_state(STOA_CLIENT_ENDED);
  assert_int_equal(observer.close_code, 4001);
  observer_close(&observer);
  fixture_stop(&fixture);
  assert_int_equal(seen.stops, 1);
}

static void a_drain_ends_it_after_drain_ms_too(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(1);
  config->drain_ms = 50;
  start(config);
  visit(NULL);
  struct stoa_client *silent = observer.client;
  observer.client = NULL; /* not turned any more, so it does not close */
  stoa_server_drain(fixture.server);
  await_end();
  assert_int_equal(seen.left, 0);
  stoa_server_wait(fixture.server); /* has nothing to wait for */
  stoa_client_destroy(silent);
  fixture_stop(&fixture);
  assert_int_equal(seen.left, 1);
  assert_int_equal(seen.stops, 1);
}

static void *abort_it(void *context) {
  stoa_server_abort(fixture.server);
  return context;
}

static void an_abort_of_another_thread_ends_it_and_destroying_tells_the_sessions(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  quiet();
  in_thread(abort_it);
  assert_true(is_readable());
  assert_int_equal(stoa_server_wait_ms(fixture.server), 0);
  step(-1);
  assert_false(seen.runs);
  step(-1);
  assert_false(seen.runs);
  assert_int_equal(stoa_server_wait_ms(fixture.server), -1);
  assert_int_equal(seen.left, 0);
  assert_int_equal(seen.stops, 0);
  observer_close(&observer);
  fixture_stop(&fixture);
  assert_int_equal(seen.left, 1);
  assert_int_equal(seen.code, 1001);
  assert_int_equal(seen.stops, 1);
}

static void waiting_takes_the_turns_until_the_end(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(1);
  config->drain_ms = 50;
  start(config);
  stoa_server_drain(fixture.server);
  stoa_server_wait(fixture.server);
  step(0);
  assert_false(seen.runs);
  fixture_stop(&fixture);
}

static void destroying_one_that_runs_ends_it(void **state) {
  (void)state;
  start(fixture_config(1));
  visit(NULL);
  observer_close(&observer);
  run_function(NULL);
  fixture_stop(&fixture);
  assert_int_equal(seen.functions, 1);
  assert_int_equal(seen.left, 1);
  assert_int_equal(seen.stops, 1);
}

/* Nothing that a machine's number of cores could make of it either. */
static void any_other_number_of_workers_than_one_is_refused(void **state) {
  (void)state;
  const uint32_t numbers[] = {0, 2, 3};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    memset(&seen, 0, sizeof seen);
    assert_int_equal(try_open(fixture_config(numbers[i])), STOA_E_ARGUMENT);
    assert_int_equal(seen.starts, 0);
    assert_null(stoa_server_address(fixture.server, 0));
    fixture_stop(&fixture);
  }
}

static void an_address_that_is_taken_is_refused_and_may_be_tried_again(void **state) {
  static struct stoa_string addresses[1];
  (void)state;
  start(fixture_config(1));
  struct fixture first = fixture;
  char text[64];
  snprintf(text, sizeof text, "%s", fixture.address);
  struct stoa_server_config *config = fixture_config(1);
  addresses[0] = stoa_string_of(text);
  config->addresses.items = addresses;
  seen.starts = 0;
  assert_int_equal(try_open(config), STOA_E_SYSTEM);
  assert_int_equal(seen.starts, 0);
  stoa_server_destroy(first.server);
  assert_int_equal(stoa_server_open(fixture.server), STOA_OK);
  assert_int_equal(seen.starts, 1);
  step(0);
  assert_true(seen.runs);
  stoa_server_destroy(fixture.server);
}

static void what_on_worker_start_answers_is_what_open_answers(void **state) {
  (void)state;
  memset(&seen, 0, sizeof seen);
  seen.start_status = STOA_E_DENIED;
  assert_int_equal(try_open(fixture_config(1)), STOA_E_DENIED);
  assert_int_equal(seen.stops, 0);
  fixture_stop(&fixture);
}

static void each_allocation_of_open_may_fail(void **state) {
  unsigned n = 0;
  uint64_t hits = 1;
  (void)state;
  memset(&seen, 0, sizeof seen);
  while (hits > 0 && n < FAULTS_MAX) {
    stoa_memory_fail_at(++n, false);
    int status = try_open(fixture_config(1));
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    if (status == STOA_OK) {
      step(0);
      assert_true(seen.runs);
    } else {
      assert_int_equal(status, STOA_E_MEMORY);
    }
    fixture_stop(&fixture);
  }
  assert_true(n > 10 && n < FAULTS_MAX);
}

static void tls_is_served_in_the_same_loop(void **state) {
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  static char big[50001];
  struct stoa_server_config *config = fixture_config(1);
  const struct stoa_tls_config tls = {.certificate = stoa_string_of(authority.certificate),
                                      .key = stoa_string_of(authority.key)};
  (void)state;
  memset(big, 'x', sizeof big - 1);
  config->addresses.items = addresses;
  config->tls = &tls;
  start(config);
  visit(authority.ca);
  for (unsigned i = 1; i <= 20; i++) {
    while (observer_send_line(&observer, "me", i, big) != STOA_OK) {
      turn(1000);
    }
  }
  await(&observer.lines, 20);
  assert_int_equal(observer_ask(&observer, "timer"), STOA_OK);
  await(&observer.answers, 1);
  stoa_server_drain(fixture.server);
  await_end();
  await_state(STOA_CLIENT_ENDED);
  assert_int_equal(observer.close_code, 4001);
  observer_close(&observer);
  stoa_server_destroy(fixture.server); /* OpenSSL keeps what it has once looked up */
}

static int set_up(void **state) {
  (void)state;
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  stoa_tls_memory_setup();
  authority_make(&authority);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  authority_remove(&authority);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_and_a_client_exchange_messages_in_one_poll_loop),
      cmocka_unit_test(what_does_not_fit_into_the_socket_at_once_is_sent_by_the_loop),
      cmocka_unit_test(a_timer_answers_a_call),
      cmocka_unit_test(another_thread_answers_calls_and_wakes_the_descriptor),
      cmocka_unit_test(whatever_other_threads_ask_for_wakes_the_descriptor),
      cmocka_unit_test(what_the_thread_itself_asks_for_between_steps_waits_for_the_next_one),
      cmocka_unit_test(a_step_of_zero_never_waits),
      cmocka_unit_test(it_needs_no_thread),
      cmocka_unit_test(a_drain_ends_it_when_all_have_gone),
      cmocka_unit_test(a_drain_ends_it_after_drain_ms_too),
      cmocka_unit_test(an_abort_of_another_thread_ends_it_and_destroying_tells_the_sessions),
      cmocka_unit_test(waiting_takes_the_turns_until_the_end),
      cmocka_unit_test(destroying_one_that_runs_ends_it),
      cmocka_unit_test(any_other_number_of_workers_than_one_is_refused),
      cmocka_unit_test(an_address_that_is_taken_is_refused_and_may_be_tried_again),
      cmocka_unit_test(what_on_worker_start_answers_is_what_open_answers),
      cmocka_unit_test(each_allocation_of_open_may_fail),
      cmocka_unit_test(tls_is_served_in_the_same_loop),
  };
  return cmocka_run_group_tests_name("a server in the program's own loop", tests, set_up, tear_down);
}
