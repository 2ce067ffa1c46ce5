/* Sessions that the program lets in later, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>

#include "fixture.h"

static struct fixture fixture;

/* What the program sees of the one who asks. */
static struct {
  struct counter asked, left;
  struct stoa_uuid id;
  bool close_at_once;
} gate;

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  gate.id = *stoa_session_id(session);
  int ignored = stoa_session_join(session, stoa_string_of("g"));
  (void)ignored;
  if (gate.close_at_once) {
    stoa_session_close(session, 4321, "changed my mind");
  }
  counter_up(&gate.asked);
  return STOA_ADMIT_LATER;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)session;
  (void)code;
  (void)reason;
  counter_up(&gate.left);
}

static void start_fixture(struct stoa_server_config *config) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed};
  memset(&gate, 0, sizeof gate);
  gate.asked = (struct counter)COUNTER_INIT;
  gate.left = (struct counter)COUNTER_INIT;
  fixture_start(&fixture, config, &callbacks);
}

static void broadcast(const char *text) {
  struct sample_v1_line_message line = {.text = stoa_string_of(text)};
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
}

static void test_who_is_let_in_later_is_heard_then_and_missed_what_was_before(void **state) {
  (void)state;
  struct client client;
  start_fixture(fixture_config(1));
  fixture_connect(&fixture, &client, "stoa.json");
  counter_wait(&gate.asked, 1);
  broadcast("before");
  fixture_send_line(&client, "waiting", 7); /* comes back to all once it is read */
  assert_int_equal(stoa_server_admit(fixture.server, &gate.id), STOA_OK);
  assert_int_equal(fixture_read_line(&client).number, 7);
  fixture_sync(&client);
  /* Deciding again changes nothing. */
  assert_int_equal(stoa_server_admit(fixture.server, &gate.id), STOA_OK);
  broadcast("after");
  fixture_expect_line(&client, "after");
  client_close(&client);
  counter_wait(&gate.left, 1);
  fixture_stop(&fixture);
}

static void test_who_is_refused_later_is_told_why(void **state) {
  (void)state;
  struct client client;
  const struct stoa_refusal refusal = {.close_code = 4507, .reason = "not today"};
  start_fixture(fixture_config(1));
  fixture_connect(&fixture, &client, "stoa.json");
  counter_wait(&gate.asked, 1);
  assert_int_equal(stoa_server_refuse(fixture.server, &gate.id, &refusal), STOA_OK);
  assert_int_equal(client_read_close(&client), 4507);
  client_close(&client);
  counter_wait(&gate.left, 1);
  fixture_stop(&fixture);
}

static void test_a_program_may_close_whom_it_meant_to_decide_on_later(void **state) {
  (void)state;
  struct client client;
  start_fixture(fixture_config(1));
  gate.close_at_once = true;
  fixture_connect(&fixture, &client, "stoa.json");
  assert_int_equal(client_read_close(&client), 4321);
  client_close(&client);
  counter_wait(&gate.left, 1);
  fixture_stop(&fixture);
}

static void test_who_leaves_while_waiting_has_left(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.handshake_timeout_ms = 100};
  config->limits = &limits;
  start_fixture(config);
  fixture_connect(&fixture, &client, "stoa.json");
  counter_wait(&gate.asked, 1);
  client_close(&client);
  counter_wait(&gate.left, 1);
  assert_int_equal(stoa_server_admit(fixture.server, &gate.id), STOA_OK);
  fixture_stop(&fixture);
}

/* Pings go on meanwhile, for the client listens; they have a clock of their own. */
static void test_who_is_not_decided_on_in_time_is_closed_with_4004(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.handshake_timeout_ms = 1000};
  config->limits = &limits;
  config->ping_interval_ms = 100;
  config->pong_timeout_ms = 60000;
  start_fixture(config);
  fixture_connect(&fixture, &client, "stoa.json");
  assert_int_equal(client_read_close(&client), STOA_CLOSE_INTERNAL);
  client_close(&client);
  counter_wait(&gate.left, 1);
  fixture_stop(&fixture);
}

int main(void) {
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_who_is_let_in_later_is_heard_then_and_missed_what_was_before),
      cmocka_unit_test(test_who_is_refused_later_is_told_why),
      cmocka_unit_test(test_a_program_may_close_whom_it_meant_to_decide_on_later),
      cmocka_unit_test(test_who_leaves_while_waiting_has_left),
      cmocka_unit_test(test_who_is_not_decided_on_in_time_is_closed_with_4004),
  };
  return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
