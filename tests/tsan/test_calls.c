/* Calls are answered by several threads at once, while they time out, while their sessions end, and while the server
 * is destroyed. Every call has one end, and nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stoa/log.h>

#include "base/memory.h"
#include "waiting.h"

#define CALLERS 4
#define VISITS 30
#define CALLS_OF_A_VISIT 20
#define ANSWERERS 3
#define WORKERS 3

static const char *const protocols[] = {"stoa.json", "stoa.proto", "stoa.text"};

struct caller {
  pthread_t thread;
  const struct fixture *fixture;
  unsigned number;
};

/* Every third leaves without waiting for its answers. */
static void *call(void *context) {
  const struct caller *caller = context;
  for (unsigned i = 0; i < VISITS; i++) {
    struct client client;
    const char *protocol = protocols[(caller->number + i) % 3];
    fixture_connect(caller->fixture, &client, protocol);
    for (uint32_t n = 0; n < CALLS_OF_A_VISIT; n++) {
      waiting_ask(&client, protocol, "keep", n);
    }
    for (uint32_t n = 0; n < CALLS_OF_A_VISIT && i % 3 != 2; n++) {
      client_read_message(&client);
    }
    client_close(&client);
  }
  return NULL;
}

struct answerer {
  pthread_t thread;
  unsigned number;
};

/* A number that no client uses ends a thread. */
#define LAST UINT32_MAX

static void *answer(void *context) {
  const struct answerer *answerer = context;
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY")};
  for (unsigned i = answerer->number;; i++) {
    struct waiting_call kept = waiting_take();
    if (kept.number == LAST) {
      return NULL;
    }
    int ignored = 0;
    if (i % 4 == 0) {
      ignored = later_v1_later_wait_fail(kept.call, &busy);
    } else if (i % 4 == 1) {
      stoa_call_drop(kept.call);
    } else {
      ignored = waiting_reply(&kept, "keep");
    }
    (void)ignored;
  }
}

static void start_answerers(struct answerer answerers[ANSWERERS]) {
  for (unsigned i = 0; i < ANSWERERS; i++) {
    answerers[i].number = i;
    assert_int_equal(pthread_create(&answerers[i].thread, NULL, answer, &answerers[i]), 0);
  }
}

static void end_answerers(struct answerer answerers[ANSWERERS]) {
  for (unsigned i = 0; i < ANSWERERS; i++) {
    waiting_keep(NULL, LAST);
  }
  for (unsigned i = 0; i < ANSWERERS; i++) {
    pthread_join(answerers[i].thread, NULL);
  }
}

static void hold(uint32_t timeout_ms) {
  struct fixture fixture;
  struct answerer answerers[ANSWERERS];
  struct caller callers[CALLERS];
  struct stoa_server_config *config = fixture_config(WORKERS);
  struct stoa_limits_config limits = {.session_calls_max = 5, .call_timeout_ms = timeout_ms};
  config->limits = &limits;
  waiting_start(&fixture, config, NULL);
  start_answerers(answerers);
  for (unsigned i = 0; i < CALLERS; i++) {
    callers[i] = (struct caller){.fixture = &fixture, .number = i};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
  }
  for (unsigned i = 0; i < CALLERS; i++) {
    pthread_join(callers[i].thread, NULL);
  }
  stoa_server_drain(fixture.server);
  stoa_server_wait(fixture.server);
  end_answerers(answerers); /* no handler runs any more */
  struct stoa_call_counts counts;
  stoa_server_call_counts(fixture.server, &counts);
  assert_true(counts.taken > 0);
  assert_true(counts.late <= counts.timed_out + counts.abandoned);
  fixture_stop(&fixture);
}

static void test_threads_answer_calls_of_sessions_that_come_and_go(void **state) {
  (void)state;
  hold(0);
}

static void test_threads_race_with_timeouts(void **state) {
  (void)state;
  hold(1);
}

/* Answers come while the server is destroyed, and after it. */
static void test_threads_answer_while_the_server_is_destroyed(void **state) {
  (void)state;
  for (unsigned round = 0; round < 20; round++) {
    struct fixture fixture;
    struct answerer answerers[ANSWERERS];
    struct client client;
    int64_t blocks_before = stoa_memory_live_blocks();
    waiting_start(&fixture, fixture_config(WORKERS), NULL);
    fixture_connect(&fixture, &client, "stoa.json");
    for (uint32_t n = 0; n < CALLS_OF_A_VISIT; n++) {
      waiting_ask(&client, "stoa.json", "keep", n);
    }
    waiting_wait(CALLS_OF_A_VISIT);
    start_answerers(answerers);
    stoa_server_destroy(fixture.server);
    end_answerers(answerers);
    client_close(&client);
    assert_int_equal(stoa_memory_live_blocks(), blocks_before);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_threads_answer_calls_of_sessions_that_come_and_go),
      cmocka_unit_test(test_threads_race_with_timeouts),
      cmocka_unit_test(test_threads_answer_while_the_server_is_destroyed),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
