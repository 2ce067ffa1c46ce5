/* Sessions that the program lets in later, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/worker.h>
#include <time.h>

#include "admission.h"
#include "base/memory.h"

#define LATER_MS 1500u

static void test_a_pending_session_is_in_no_group_and_not_read_until_it_is_admitted(void **state) {
  (void)state;
  struct client member, pending;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT), &admission_callbacks);
  admission_enter(&member, "stoa.json");
  fixture_sync(&member);
  admission.decision = STOA_ADMIT_LATER;
  admission.in_connect = JOIN;
  struct life *life = admission_enter(&pending, "stoa.json");
  fixture_send_line(&pending, "pending", 1);
  struct sample_v1_line_message line = {.text = STOA_STR("for members")};
  assert_int_equal(sample_v1_line_broadcast(admission.fixture.server, &line), STOA_OK);
  assert_int_equal(sample_v1_line_publish(admission.fixture.server, stoa_string_of("g"), &line), STOA_OK);
  fixture_expect_line(&member, "for members");
  fixture_sync(&member); /* the pending's line came before its question */
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  assert_int_equal(fixture_read_line(&member).number, 1);
  assert_int_equal(fixture_read_line(&pending).number, 1);
  assert_int_equal(sample_v1_line_publish(admission.fixture.server, stoa_string_of("g"), &line), STOA_OK);
  fixture_sync(&pending);
  assert_int_equal(sample_v1_line_broadcast(admission.fixture.server, &line), STOA_OK);
  fixture_expect_line(&pending, "for members");
  client_close(&pending);
  client_close(&member);
  admission_stop();
}

static void try_to_join(void *context, struct stoa_session *session, int status) {
  atomic_int *out = context;
  atomic_store(out, status == STOA_OK ? stoa_session_join(session, stoa_string_of("g")) : status);
}

static void test_a_pending_session_cannot_join_a_group(void **state) {
  (void)state;
  struct client pending;
  atomic_int status = -1;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT_LATER), &admission_callbacks);
  struct life *life = admission_enter(&pending, "stoa.json");
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, try_to_join, &status), STOA_OK);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  fixture_sync(&pending);
  assert_int_equal(status, STOA_E_CLOSED);
  assert_int_equal(stoa_worker_run_for(admission.fixture.server, &life->id, try_to_join, &status), STOA_OK);
  fixture_sync(&pending);
  assert_int_equal(status, STOA_OK);
  client_close(&pending);
  admission_stop();
}

static void test_a_decision_may_be_made_in_on_connect(void **state) {
  (void)state;
  struct client pending;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT_LATER), &admission_callbacks);
  admission.in_connect = DECIDE_AT_ONCE;
  admission_enter(&pending, "stoa.json");
  fixture_sync(&pending);
  client_close(&pending);
  admission_stop();
}

static void test_a_session_that_is_refused_later_gets_the_reason_and_when_to_come_back(void **state) {
  (void)state;
  struct client pending, plain;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT_LATER), &admission_callbacks);
  struct life *life = admission_enter(&pending, "stoa.json");
  char reason[] = "the token service is down";
  const struct stoa_refusal refusal = {.close_code = 4004, .reason = reason, .retry_ms = 2500};
  assert_int_equal(stoa_server_refuse(admission.fixture.server, &life->id, &refusal), STOA_OK);
  memset(reason, 'x', sizeof reason - 1); /* it was copied */
  struct client_frame frame = client_read_message(&pending);
  assert_non_null(memmem(frame.data, frame.len, "the token service is down", 25));
  assert_non_null(memmem(frame.data, frame.len, "2500", 4));
  assert_int_equal(client_read_close(&pending), 4004);
  client_close(&pending);
  admission_expect_end(life, 4004);
  life = admission_enter(&plain, NULL);
  assert_int_equal(stoa_server_refuse(admission.fixture.server, &life->id, &refusal), STOA_OK);
  assert_int_equal(client_read(&plain).code, 4004); /* and no frame before it that it does not know */
  client_close(&plain);
  admission_stop();
}

static void test_a_session_without_a_decision_in_time_is_closed_with_4004(void **state) {
  (void)state;
  struct client pending;
  struct stoa_limits_config limits = {.handshake_timeout_ms = LATER_MS};
  struct stoa_server_config *config = admission_begin(STOA_ADMIT_LATER);
  config->limits = &limits;
  /* Pings go on meanwhile, and do not put the end off. */
  config->ping_interval_ms = LATER_MS / 10;
  config->pong_timeout_ms = 60000;
  fixture_start(&admission.fixture, config, &admission_callbacks);
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  struct life *life = admission_enter(&pending, "stoa.json");
  assert_int_equal(client_read_close(&pending), STOA_CLOSE_INTERNAL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  int64_t passed_ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
  assert_true(passed_ms >= LATER_MS - 50);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK); /* too late, and no harm */
  client_close(&pending);
  admission_expect_end(life, STOA_CLOSE_INTERNAL);
  admission_stop();
}

static void test_only_the_first_decision_counts(void **state) {
  (void)state;
  struct client first, second;
  const struct stoa_refusal refusal = {.close_code = 4507, .reason = "no"};
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT_LATER), &admission_callbacks);
  struct life *life = admission_enter(&first, "stoa.json");
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  assert_int_equal(stoa_server_refuse(admission.fixture.server, &life->id, &refusal), STOA_OK);
  fixture_sync(&first);
  fixture_sync(&first);
  life = admission_enter(&second, "stoa.json");
  assert_int_equal(stoa_server_refuse(admission.fixture.server, &life->id, &refusal), STOA_OK);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  assert_int_equal(client_read_close(&second), 4507);
  /* One that was let in at once is not decided on again either. */
  client_close(&second);
  admission_expect_end(life, 4507);
  client_close(&first);
  admission_stop();
}

static void test_a_decision_on_a_session_that_has_ended_is_ignored(void **state) {
  (void)state;
  struct client pending;
  const struct stoa_uuid nobody = {{1, 2, 3}};
  const struct stoa_refusal refusal = {.close_code = 4507, .reason = NULL};
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT_LATER), &admission_callbacks);
  struct life *life = admission_enter(&pending, "stoa.json");
  client_close(&pending);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  admission_expect_end(life, 1006);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  assert_int_equal(stoa_server_refuse(admission.fixture.server, &life->id, &refusal), STOA_OK);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &nobody), STOA_OK);
  admission_stop();
}

static void test_a_pending_session_that_is_closed_gets_its_close_frame(void **state) {
  (void)state;
  struct client pending;
  fixture_start(&admission.fixture, admission_begin(STOA_ADMIT_LATER), &admission_callbacks);
  struct life *life = admission_enter(&pending, "stoa.json");
  assert_int_equal(stoa_server_close_session(admission.fixture.server, &life->id, 4503, "out"), STOA_OK);
  assert_int_equal(client_read_close(&pending), 4503);
  client_close(&pending);
  admission_expect_end(life, 4503);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_OK);
  admission_stop();
}

static void test_a_decision_that_cannot_be_sent_is_an_error(void **state) {
  (void)state;
  struct client waiting, blocker;
  struct stoa_server *server;
  struct stoa_server_config *config = admission_begin(STOA_ADMIT_LATER);
  assert_int_equal(stoa_server_create(config, &server), STOA_OK);
  assert_int_equal(stoa_server_admit(server, &admission.lives[0].id), STOA_E_CLOSED);
  assert_int_equal(stoa_server_refuse(server, &admission.lives[0].id, &admission.refusal), STOA_E_CLOSED);
  stoa_server_destroy(server);
  struct stoa_limits_config limits = {.mailbox_bytes_max = 65536 + 4096, .message_bytes_max = 65536};
  config->limits = &limits;
  fixture_start(&admission.fixture, config, &admission_callbacks);
  struct life *life = admission_enter(&waiting, "stoa.json");
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_server_admit(admission.fixture.server, &life->id), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  admission.in_connect = WAIT_FOR_TEST;
  client_connect(&blocker, admission.fixture.address);
  assert_true(client_ask_upgrade(&blocker, "/", "stoa.json", NULL));
  int status = STOA_OK;
  for (unsigned i = 0; status == STOA_OK && i < 1000000; i++) {
    status = stoa_server_admit(admission.fixture.server, &life->id);
  }
  counter_up(&admission.release);
  assert_int_equal(status, STOA_E_LIMIT);
  fixture_sync(&waiting);
  assert_int_equal(client_read_status(&blocker), 101);
  client_close(&blocker);
  client_close(&waiting);
  admission_stop();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_pending_session_is_in_no_group_and_not_read_until_it_is_admitted),
      cmocka_unit_test(test_a_pending_session_cannot_join_a_group),
      cmocka_unit_test(test_a_decision_may_be_made_in_on_connect),
      cmocka_unit_test(test_a_session_that_is_refused_later_gets_the_reason_and_when_to_come_back),
      cmocka_unit_test(test_a_session_without_a_decision_in_time_is_closed_with_4004),
      cmocka_unit_test(test_only_the_first_decision_counts),
      cmocka_unit_test(test_a_decision_on_a_session_that_has_ended_is_ignored),
      cmocka_unit_test(test_a_pending_session_that_is_closed_gets_its_close_frame),
      cmocka_unit_test(test_a_decision_that_cannot_be_sent_is_an_error),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("admission later", tests, NULL, NULL);
}
