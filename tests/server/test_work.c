/* What a program runs on workers: functions, for sessions too, timers, the beginning and end of a worker; and calls
 * that are answered by a timer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/worker.h>

#include "base/memory.h"
#include "waiting.h"

#define WORKERS 3
#define FUNCTIONS 500
#define FAULTS_MAX 400u

static struct fixture fixture;

/* What functions and timers report, on whatever thread. */
struct seen {
  struct counter count;
  struct stoa_server *server;
  int status;
  uint32_t worker;
  uint32_t order[FUNCTIONS];
  unsigned runs;
};

static void start(uint32_t workers) {
  waiting_start(&fixture, fixture_config(workers), NULL);
}

static void begin(struct seen *seen) {
  *seen = (struct seen){.count = COUNTER_INIT, .server = fixture.server, .status = -1, .worker = STOA_WORKER_NONE};
}

static void see(void *context, int status) {
  struct seen *seen = context;
  seen->status = status;
  seen->worker = stoa_worker_index(seen->server);
  seen->runs++;
  counter_up(&seen->count);
}

static void test_a_function_runs_on_the_worker_that_is_named(void **state) {
  (void)state;
  start(WORKERS);
  assert_int_equal(stoa_worker_count(fixture.server), WORKERS);
  assert_int_equal(stoa_worker_index(fixture.server), STOA_WORKER_NONE);
  for (uint32_t i = 0; i < WORKERS; i++) {
    struct seen seen;
    begin(&seen);
    assert_int_equal(stoa_worker_run(fixture.server, i, see, &seen), STOA_OK);
    counter_wait(&seen.count, 1);
    assert_int_equal(seen.worker, i);
    assert_int_equal(seen.status, STOA_OK);
  }
  assert_int_equal(stoa_worker_run(fixture.server, WORKERS, see, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_worker_run(fixture.server, STOA_WORKER_NONE, see, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_worker_defer(fixture.server, see, NULL), STOA_E_ARGUMENT);
  fixture_stop(&fixture);
}

struct numbered {
  struct seen *seen;
  uint32_t number;
};

static void note_number(void *context, int status) {
  struct numbered *numbered = context;
  struct seen *seen = numbered->seen;
  assert_int_equal(status, STOA_OK);
  seen->order[seen->runs++] = numbered->number;
  free(numbered);
  counter_up(&seen->count);
}

static void test_functions_of_one_thread_keep_their_order(void **state) {
  (void)state;
  static struct seen seen;
  start(1);
  begin(&seen);
  for (uint32_t i = 0; i < FUNCTIONS; i++) {
    struct numbered *numbered = malloc(sizeof *numbered);
    assert_non_null(numbered);
    *numbered = (struct numbered){&seen, i};
    assert_int_equal(stoa_worker_run(fixture.server, 0, note_number, numbered), STOA_OK);
  }
  counter_wait(&seen.count, FUNCTIONS);
  for (uint32_t i = 0; i < FUNCTIONS; i++) {
    assert_int_equal(seen.order[i], i);
  }
  fixture_stop(&fixture);
}

static void ask_for_another(void *context, int status) {
  struct seen *seen = context;
  assert_int_equal(status, STOA_OK);
  assert_int_equal(stoa_worker_defer(seen->server, see, seen), STOA_OK);
  assert_int_equal(seen->runs, 0); /* never inside the call */
}

static void test_a_worker_runs_its_own_functions_later(void **state) {
  (void)state;
  struct seen seen;
  start(2);
  begin(&seen);
  assert_int_equal(stoa_worker_run(fixture.server, 1, ask_for_another, &seen), STOA_OK);
  counter_wait(&seen.count, 1);
  assert_int_equal(seen.worker, 1);
  fixture_stop(&fixture);
}

static struct stoa_uuid connected_id;
static struct counter connected;
static struct counter ended;

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  connected_id = *stoa_session_id(session);
  counter_up(&connected);
  return STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)session;
  (void)code;
  (void)reason;
  counter_up(&ended);
}

/* One client of a server that tells its id and its end. */
static void start_with_client(struct client *client, uint32_t workers) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed};
  connected = (struct counter)COUNTER_INIT;
  ended = (struct counter)COUNTER_INIT;
  waiting_start(&fixture, fixture_config(workers), &callbacks);
  fixture_connect(&fixture, client, "stoa.json");
  counter_wait(&connected, 1);
}

static void note_session(void *context, struct stoa_session *session, int status) {
  struct seen *seen = context;
  seen->status = status;
  seen->worker = stoa_worker_index(seen->server);
  if (session != NULL) {
    const struct later_v1_note_message note = {.how = STOA_STR("from the function")};
    assert_memory_equal(stoa_session_id(session), &connected_id, sizeof connected_id);
    assert_int_equal(later_v1_note_push(session, &note), STOA_OK);
    assert_non_null(stoa_arena_alloc(stoa_session_arena(session), 100));
  }
  counter_up(&seen->count);
}

static void test_a_function_runs_with_its_session_or_is_told_that_it_has_ended(void **state) {
  (void)state;
  struct client client;
  struct seen seen;
  start_with_client(&client, WORKERS);
  begin(&seen);
  assert_int_equal(stoa_worker_run_for(fixture.server, &connected_id, note_session, &seen), STOA_OK);
  counter_wait(&seen.count, 1);
  assert_int_equal(seen.status, STOA_OK);
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "from the function", 17));
  client_close(&client);
  counter_wait(&ended, 1);
  uint32_t worker = seen.worker;
  assert_int_equal(stoa_worker_run_for(fixture.server, &connected_id, note_session, &seen), STOA_OK);
  counter_wait(&seen.count, 2);
  assert_int_equal(seen.status, STOA_E_NOT_FOUND);
  assert_int_equal(seen.worker, worker);
  fixture_stop(&fixture);
}

/* A worker that is busy until it is released. */
static struct counter busy_now;
static struct counter go_on;

static void be_busy(void *context, int status) {
  (void)context;
  (void)status;
  counter_up(&busy_now);
  counter_wait(&go_on, 1);
}

static void keep_busy(uint32_t worker) {
  busy_now = (struct counter)COUNTER_INIT;
  go_on = (struct counter)COUNTER_INIT;
  assert_int_equal(stoa_worker_run(fixture.server, worker, be_busy, NULL), STOA_OK);
  counter_wait(&busy_now, 1);
}

static void count_one(void *context, int status) {
  assert_int_equal(status, STOA_OK);
  ++*(unsigned *)context;
}

static void test_the_queue_of_a_busy_worker_is_bounded(void **state) {
  (void)state;
  static unsigned ran;
  struct seen seen;
  start(2);
  begin(&seen);
  ran = 0;
  keep_busy(1);
  unsigned taken = 0;
  int status = STOA_OK;
  while (taken <= STOA_WORKER_QUEUE_MAX && status == STOA_OK) {
    status = stoa_worker_run(fixture.server, 1, count_one, &ran);
    taken += status == STOA_OK;
  }
  assert_int_equal(status, STOA_E_LIMIT);
  assert_int_equal(taken, STOA_WORKER_QUEUE_MAX);
  assert_int_equal(stoa_worker_run_for(fixture.server, &(struct stoa_uuid){.bytes = {[15] = 1}}, note_session, &seen),
                   STOA_E_LIMIT);
  /* The other one has its own. */
  assert_int_equal(stoa_worker_run(fixture.server, 0, see, &seen), STOA_OK);
  counter_wait(&seen.count, 1);
  counter_up(&go_on);
  while (stoa_worker_run(fixture.server, 1, see, &seen) == STOA_E_LIMIT) {
  }
  counter_wait(&seen.count, 2);
  assert_int_equal(ran, taken);
  fixture_stop(&fixture);
}

static void test_functions_that_did_not_run_are_called_with_closed_when_the_server_ends(void **state) {
  (void)state;
  struct seen seen;
  start(2);
  begin(&seen);
  keep_busy(1);
  assert_int_equal(stoa_worker_run(fixture.server, 1, see, &seen), STOA_OK);
  assert_int_equal(stoa_worker_run_for(fixture.server, &(struct stoa_uuid){.bytes = {[15] = 1}}, note_session, &seen),
                   STOA_OK);
  stoa_server_abort(fixture.server); /* the busy worker takes no turn more */
  counter_up(&go_on);
  stoa_server_wait(fixture.server);
  assert_int_equal(stoa_worker_run(fixture.server, 0, see, &seen), STOA_OK); /* nobody runs it any more */
  fixture_stop(&fixture);
  assert_int_equal(seen.count.value, 3);
  assert_int_equal(seen.runs, 2);
  assert_int_equal(seen.status, STOA_E_CLOSED);
}

static void test_a_server_that_does_not_run_takes_no_functions(void **state) {
  (void)state;
  struct stoa_server *server;
  struct stoa_uuid id = {0};
  assert_int_equal(stoa_server_create(fixture_config(2), &server), STOA_OK);
  assert_int_equal(stoa_worker_count(server), 2);
  assert_int_equal(stoa_worker_run(server, 0, see, NULL), STOA_E_CLOSED);
  assert_int_equal(stoa_worker_run_for(server, &id, note_session, NULL), STOA_E_CLOSED);
  stoa_server_destroy(server);
}

/* Timers. */

struct timed {
  struct stoa_worker_timer timer; /* first */
  struct seen *seen;
  struct timed *other;
  uint64_t started_ms, due_ms;
  unsigned again;
};

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_due(struct stoa_worker_timer *timer, int status) {
  struct timed *timed = (struct timed *)(void *)timer;
  assert_false(stoa_worker_timer_runs(timer));
  if (timed->due_ms == 0) {
    timed->due_ms = now_ms(); /* later times would race with who looks at the first */
  }
  if (timed->again > 0) {
    timed->again--;
    assert_int_equal(stoa_worker_timer_start(timed->seen->server, timer, 1), STOA_OK);
  }
  see(timed->seen, status);
}

static void start_timed(void *context, int status) {
  struct timed *timed = context;
  assert_int_equal(status, STOA_OK);
  timed->timer.on_due = on_due;
  timed->started_ms = now_ms();
  assert_int_equal(stoa_worker_timer_start(timed->seen->server, &timed->timer, 50), STOA_OK);
  assert_true(stoa_worker_timer_runs(&timed->timer));
}

static void test_a_timer_is_due_on_its_worker_and_may_be_started_again(void **state) {
  (void)state;
  struct seen seen;
  start(2);
  begin(&seen);
  struct timed timed = {.seen = &seen, .again = 3};
  assert_int_equal(stoa_worker_run(fixture.server, 1, start_timed, &timed), STOA_OK);
  counter_wait(&seen.count, 1);
  assert_true(timed.due_ms - timed.started_ms >= 45); /* a turn's time is a little older than the call */
  counter_wait(&seen.count, 4);
  assert_int_equal(seen.worker, 1);
  assert_int_equal(seen.status, STOA_OK);
  assert_int_equal(stoa_worker_timer_start(fixture.server, &timed.timer, 1), STOA_E_ARGUMENT);
  fixture_stop(&fixture);
  assert_int_equal(seen.runs, 4);
}

static void start_and_stop(void *context, int status) {
  struct timed *timed = context;
  start_timed(timed, status);
  start_timed(timed->other, status);
  start_timed(timed->other, status); /* once more: it still is due once */
  stoa_worker_timer_stop(&timed->timer);
  stoa_worker_timer_stop(&timed->timer);
  assert_false(stoa_worker_timer_runs(&timed->timer));
}

static void test_a_timer_that_was_stopped_is_not_due(void **state) {
  (void)state;
  struct seen seen;
  struct seen seen_other;
  start(1);
  begin(&seen);
  begin(&seen_other);
  struct timed other = {.seen = &seen_other};
  struct timed timed = {.seen = &seen, .other = &other};
  assert_int_equal(stoa_worker_run(fixture.server, 0, start_and_stop, &timed), STOA_OK);
  counter_wait(&seen_other.count, 1);
  stoa_worker_timer_stop(&timed.timer);
  fixture_stop(&fixture);
  assert_int_equal(seen.runs, 0);
  assert_int_equal(seen_other.runs, 1);
}

static void start_long(void *context, int status) {
  struct timed *timed = context;
  assert_int_equal(status, STOA_OK);
  timed->timer.on_due = on_due;
  assert_int_equal(stoa_worker_timer_start(timed->seen->server, &timed->timer, 3600 * 1000), STOA_OK);
  counter_up(&busy_now);
}

static void test_running_timers_are_called_with_closed_when_the_server_ends(void **state) {
  (void)state;
  struct seen seen;
  start(1);
  begin(&seen);
  busy_now = (struct counter)COUNTER_INIT;
  struct timed first = {.seen = &seen};
  struct timed second = {.seen = &seen};
  assert_int_equal(stoa_worker_run(fixture.server, 0, start_long, &first), STOA_OK);
  assert_int_equal(stoa_worker_run(fixture.server, 0, start_long, &second), STOA_OK);
  counter_wait(&busy_now, 2);
  fixture_stop(&fixture);
  assert_int_equal(seen.runs, 2);
  assert_int_equal(seen.status, STOA_E_CLOSED);
  assert_int_equal(seen.worker, 0);
  assert_false(stoa_worker_timer_runs(&first.timer));
}

/* Calls and timers. */

/* Answers a call after 100 ms. */
struct answer {
  struct stoa_worker_timer timer; /* first */
  struct waiting_call kept;
  struct counter *done;
  int status;
};

static void answer_now(struct stoa_worker_timer *timer, int status) {
  struct answer *answer = (struct answer *)(void *)timer;
  assert_int_equal(status, STOA_OK);
  answer->status = waiting_reply(&answer->kept, "by a timer");
  counter_up(answer->done);
}

static void start_answer(void *context, int status) {
  struct answer *answer = context;
  assert_int_equal(status, STOA_OK);
  answer->timer.on_due = answer_now;
  assert_int_equal(stoa_worker_timer_start(fixture.server, &answer->timer, 100), STOA_OK);
}

/* The timer is on the session's worker with one worker, and on each in turn with more. */
static void answer_by_timer(uint32_t workers) {
  static const char *const protocols[] = {"stoa.json", "stoa.proto", "stoa.text"};
  start(workers);
  for (uint32_t i = 0; i < 3; i++) {
    struct client client;
    struct counter done = COUNTER_INIT;
    struct answer answer = {.done = &done};
    fixture_connect(&fixture, &client, protocols[i]);
    waiting_ask(&client, protocols[i], "keep", i);
    uint64_t asked_ms = now_ms();
    answer.kept = waiting_take();
    assert_int_equal(stoa_worker_run(fixture.server, i % workers, start_answer, &answer), STOA_OK);
    waiting_expect(&client, protocols[i], i, "by a timer");
    assert_true(now_ms() - asked_ms >= 95);
    counter_wait(&done, 1);
    assert_int_equal(answer.status, STOA_OK);
    client_close(&client);
  }
  fixture_stop(&fixture);
}

static void test_a_timer_answers_a_call_on_its_own_worker_and_on_others(void **state) {
  (void)state;
  answer_by_timer(1);
  answer_by_timer(3);
}

static void test_a_timer_that_answers_after_the_session_has_ended_gets_an_error(void **state) {
  (void)state;
  struct client client;
  struct counter done = COUNTER_INIT;
  struct answer answer = {.done = &done};
  start_with_client(&client, 1);
  waiting_ask(&client, "stoa.json", "keep", 1);
  answer.kept = waiting_take();
  assert_int_equal(stoa_worker_run(fixture.server, 0, start_answer, &answer), STOA_OK);
  client_close(&client);
  counter_wait(&done, 1);
  assert_int_equal(answer.status, STOA_E_CLOSED);
  fixture_stop(&fixture);
}

/* The beginning and end of workers. */

static struct {
  uint32_t started[WORKERS], stopped[WORKERS];
  uint32_t start_count, stop_count;
  uint32_t fail_at;
  struct timed *timed; /* started at the beginning */
  bool session_came_before_the_last_start, session_ended_after_a_stop;
} hooks;

static int on_worker_start(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  assert_int_equal(stoa_worker_index(server), worker);
  if (worker == hooks.fail_at) {
    return STOA_E_DENIED;
  }
  hooks.started[hooks.start_count++] = worker;
  if (hooks.timed != NULL) {
    hooks.timed->seen->server = server;
    hooks.timed->timer.on_due = on_due;
    assert_int_equal(stoa_worker_timer_start(server, &hooks.timed->timer, 1), STOA_OK);
    hooks.timed = NULL;
  }
  return STOA_OK;
}

static void on_worker_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  assert_int_equal(stoa_worker_index(server), worker);
  assert_int_equal(stoa_worker_defer(server, see, NULL), STOA_E_CLOSED);
  assert_int_equal(stoa_worker_timer_start(server, &(struct stoa_worker_timer){.on_due = on_due}, 1), STOA_E_CLOSED);
  hooks.stopped[hooks.stop_count++] = worker;
}

static enum stoa_admission on_connect_of_hooks(void *user, struct stoa_session *session,
                                               const struct stoa_request *request, struct stoa_refusal *out_refusal) {
  (void)user;
  (void)session;
  (void)request;
  (void)out_refusal;
  hooks.session_came_before_the_last_start = hooks.start_count < WORKERS;
  return STOA_ADMIT;
}

static void on_disconnect_of_hooks(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)session;
  (void)code;
  (void)reason;
  hooks.session_ended_after_a_stop = hooks.stop_count > 0;
}

static const struct stoa_callbacks hook_callbacks = {.on_connect = on_connect_of_hooks,
                                                     .on_closed = on_disconnect_of_hooks,
                                                     .on_worker_start = on_worker_start,
                                                     .on_worker_stop = on_worker_stop};

static void test_each_worker_begins_before_its_first_session_and_ends_after_its_last(void **state) {
  (void)state;
  struct client client;
  struct seen seen;
  begin(&seen);
  struct timed timed = {.seen = &seen};
  memset(&hooks, 0, sizeof hooks);
  hooks.fail_at = WORKERS;
  hooks.timed = &timed;
  waiting_start(&fixture, fixture_config(WORKERS), &hook_callbacks);
  fixture_connect(&fixture, &client, "stoa.json");
  counter_wait(&seen.count, 1);
  assert_int_equal(seen.worker, 0);
  assert_int_equal(hooks.stop_count, 0);
  fixture_stop(&fixture);
  client_close(&client);
  assert_int_equal(hooks.start_count, WORKERS);
  assert_int_equal(hooks.stop_count, WORKERS);
  for (uint32_t i = 0; i < WORKERS; i++) {
    assert_int_equal(hooks.started[i], i);
    assert_int_equal(hooks.stopped[i], i);
  }
  assert_false(hooks.session_came_before_the_last_start);
  assert_false(hooks.session_ended_after_a_stop);
}

static void test_a_worker_that_does_not_begin_stops_the_start(void **state) {
  (void)state;
  memset(&hooks, 0, sizeof hooks);
  hooks.fail_at = 1;
  assert_int_equal(fixture_try_start(&fixture, fixture_config(WORKERS), &hook_callbacks), STOA_E_DENIED);
  assert_int_equal(hooks.start_count, 1);
  assert_int_equal(hooks.stop_count, 1);
  assert_int_equal(hooks.stopped[0], 0);
  assert_int_equal(stoa_memory_live_blocks(), fixture.blocks_before);
}

static void test_every_allocation_of_a_function_may_fail(void **state) {
  (void)state;
  struct seen seen;
  start(1);
  begin(&seen);
  unsigned n = 1;
  unsigned ran = 0;
  uint64_t hits = 1;
  for (; hits > 0 && n < FAULTS_MAX; n++) {
    stoa_memory_fail_at(n, false);
    int status = stoa_worker_run(fixture.server, 0, see, &seen);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
    ran += status == STOA_OK;
    counter_wait(&seen.count, ran);
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
  }
  assert_int_equal(n, 3); /* one allocation */
  assert_int_equal(ran, 1);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_function_runs_on_the_worker_that_is_named),
      cmocka_unit_test(test_functions_of_one_thread_keep_their_order),
      cmocka_unit_test(test_a_worker_runs_its_own_functions_later),
      cmocka_unit_test(test_a_function_runs_with_its_session_or_is_told_that_it_has_ended),
      cmocka_unit_test(test_the_queue_of_a_busy_worker_is_bounded),
      cmocka_unit_test(test_functions_that_did_not_run_are_called_with_closed_when_the_server_ends),
      cmocka_unit_test(test_a_server_that_does_not_run_takes_no_functions),
      cmocka_unit_test(test_a_timer_is_due_on_its_worker_and_may_be_started_again),
      cmocka_unit_test(test_a_timer_that_was_stopped_is_not_due),
      cmocka_unit_test(test_running_timers_are_called_with_closed_when_the_server_ends),
      cmocka_unit_test(test_a_timer_answers_a_call_on_its_own_worker_and_on_others),
      cmocka_unit_test(test_a_timer_that_answers_after_the_session_has_ended_gets_an_error),
      cmocka_unit_test(test_each_worker_begins_before_its_first_session_and_ends_after_its_last),
      cmocka_unit_test(test_a_worker_that_does_not_begin_stops_the_start),
      cmocka_unit_test(test_every_allocation_of_a_function_may_fail),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
