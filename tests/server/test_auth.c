/* Sessions that prove with a token whose they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stoa/auth.h>
#include <stoa/log.h>

#include "base/clock.h"
#include "base/memory.h"
#include "fixture.h"
#include "server/worker/stepping.h"

#define SECRET "the secret of these tests, long enough"
#define NOW_S INT64_C(1700000000)

/* A clock that the test moves while the server runs. */
static struct {
  _Atomic int64_t wall_us;
  _Atomic uint64_t ahead_ns;
} times;

static uint64_t monotonic_ns(void *context) {
  (void)context;
  return stoa_clock_monotonic_ns(&stoa_clock_system) + times.ahead_ns;
}

static int64_t wall_us(void *context) {
  (void)context;
  return times.wall_us;
}

static const struct stoa_clock clock_of_test = {monotonic_ns, wall_us, NULL};

static void pass_s(uint32_t seconds) {
  times.wall_us += (int64_t)seconds * 1000000;
  times.ahead_ns += (uint64_t)seconds * 1000000000;
}

static struct fixture fixture;
static struct counter logged = COUNTER_INIT;
static char subject_at_connect[64];

/* A line from "auth" has the token as its text; others are broadcast. */
static const struct stoa_error *on_line(void *user, struct stoa_session *session,
                                        const struct sample_v1_line_message *message) {
  (void)user;
  if (stoa_string_equal(message->from, stoa_string_of("auth"))) {
    return stoa_session_authenticate(session, message->text);
  }
  int ignored = sample_v1_line_broadcast(stoa_session_server(session), message);
  (void)ignored;
  return NULL;
}

/* The reply is the session's subject. */
static const struct stoa_error *on_ask(void *user, struct stoa_session *session,
                                       const struct sample_v1_ask_request *request, struct sample_v1_ask_reply *reply) {
  (void)user;
  (void)request;
  reply->answer = stoa_session_subject(session);
  return NULL;
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  struct stoa_string subject = stoa_session_subject(session);
  (void)user;
  (void)request;
  (void)out_refusal;
  assert_true((subject.data == NULL) == (stoa_session_token(session) == NULL));
  snprintf(subject_at_connect, sizeof subject_at_connect, "%.*s", (int)subject.len,
           subject.data == NULL ? "" : subject.data);
  return STOA_ADMIT;
}

static const struct stoa_callbacks callbacks = {.on_connect = on_connect};

static struct stoa_auth_config *auth_config(void) {
  static struct stoa_auth_config config;
  memset(&config, 0, sizeof config);
  config.secret = stoa_string_of(SECRET);
  return &config;
}

static int try_start(const struct stoa_auth_config *auth, bool is_anonymous_allowed) {
  static const struct sample_v1_sample_handlers handlers = {.line = on_line, .ask = on_ask};
  struct stoa_server_config *config = fixture_config(1);
  config->auth = auth;
  times.wall_us = NOW_S * 1000000;
  fixture.blocks_before = stoa_memory_live_blocks();
  int status = stoa_server_create(config, &fixture.server);
  if (status != STOA_OK) {
    return status;
  }
  stoa_server_use_clock(fixture.server, &clock_of_test);
  stoa_server_set_callbacks(fixture.server, &callbacks);
  assert_int_equal(sample_v1_sample_register(fixture.server, &handlers, NULL), STOA_OK);
  if (is_anonymous_allowed) {
    assert_int_equal(stoa_server_allow_anonymous(fixture.server, FIXTURE_LINE), STOA_OK);
  }
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
  return STOA_OK;
}

static void start(bool is_required, bool is_anonymous_allowed) {
  struct stoa_auth_config *auth = auth_config();
  auth->required = is_required;
  assert_int_equal(try_start(auth, is_anonymous_allowed), STOA_OK);
}

/* A token of that subject, valid for so long. Valid until the next call. */
static const char *token_of(const char *secret, const char *subject, int64_t seconds) {
  static char text[1024];
  char claims[256];
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET,
                                               .content = {(const uint8_t *)secret, strlen(secret)}};
  struct stoa_token_signer *signer;
  struct stoa_buffer token;
  stoa_buffer_init(&token, sizeof text - 1);
  assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_OK);
  snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"exp\":%lld}", subject,
           (long long)times.wall_us / 1000000 + seconds);
  assert_int_equal(stoa_token_sign(signer, stoa_string_of(claims), &token), STOA_OK);
  memcpy(text, token.data, token.len);
  text[token.len] = '\0';
  stoa_buffer_fini(&token);
  stoa_token_signer_destroy(signer);
  return text;
}

static void connect_with(struct client *client, const char *token) {
  char field[1200];
  snprintf(field, sizeof field, "Authorization: Bearer %s\r\n", token);
  client_connect(client, fixture.address);
  assert_int_equal(client_upgrade(client, "/", "stoa.json", field), 101);
}

static void send_token(struct client *client, const char *token) {
  char payload[1200];
  snprintf(payload, sizeof payload, "{\"from\":\"auth\",\"text\":\"%s\"}", token);
  assert_true(client_send_typed(client, FIXTURE_LINE, payload));
}

static void expect_text(struct client *client, const char *text) {
  struct client_frame frame = client_read_message(client);
  assert_non_null(memmem(frame.data, frame.len, text, strlen(text)));
}

static void expect_subject(struct client *client, const char *subject) {
  assert_true(client_send_call(client, FIXTURE_ASK, 1, "{}"));
  expect_text(client, subject);
}

static void test_a_token_of_the_upgrade_is_known_in_on_connect(void **state) {
  (void)state;
  struct client client;
  start(true, false);
  connect_with(&client, token_of(SECRET, "ann", 60));
  expect_subject(&client, "ann");
  assert_string_equal(subject_at_connect, "ann");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_bad_token_closes_with_4500_and_an_expired_one_with_4005(void **state) {
  (void)state;
  struct client client;
  start(false, false);
  strcpy(subject_at_connect, "nobody was asked");
  connect_with(&client, token_of("another secret of sufficient length", "ann", 60));
  expect_text(&client, "UNAUTHORIZED");
  assert_int_equal(client_read_close(&client), STOA_CLOSE_BAD_TOKEN);
  client_close(&client);
  connect_with(&client, token_of(SECRET, "ann", -26));
  expect_text(&client, "TOKEN_EXPIRED");
  assert_int_equal(client_read_close(&client), STOA_CLOSE_TOKEN_EXPIRED);
  client_close(&client);
  assert_string_equal(subject_at_connect, "nobody was asked");
  /* The leeway. */
  connect_with(&client, token_of(SECRET, "ann", -24));
  expect_subject(&client, "ann");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_without_a_required_token_the_program_decides(void **state) {
  (void)state;
  struct client client;
  start(false, false);
  fixture_connect(&fixture, &client, "stoa.json");
  expect_subject(&client, "\"answer\":\"\"");
  assert_string_equal(subject_at_connect, "");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_required_token_must_be_in_the_upgrade_when_no_message_may_have_it(void **state) {
  (void)state;
  struct client client;
  start(true, false);
  fixture_connect(&fixture, &client, "stoa.json");
  expect_text(&client, "UNAUTHORIZED");
  assert_int_equal(client_read_close(&client), STOA_CLOSE_BAD_TOKEN);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_session_without_a_token_is_in_no_group_and_calls_nothing_until_it_has_one(void **state) {
  (void)state;
  struct client member, outside;
  start(true, true);
  connect_with(&member, token_of(SECRET, "ann", 60));
  fixture_connect(&fixture, &outside, "stoa.json");
  expect_subject(&member, "ann");
  assert_true(client_send_call(&outside, FIXTURE_ASK, 7, "{}"));
  expect_text(&outside, "authenticate first");
  fixture_send_line(&member, "ann", 1);
  assert_int_equal(fixture_read_line(&member).number, 1);
  send_token(&outside, token_of(SECRET, "bob", 60));
  expect_subject(&outside, "bob"); /* and no line before */
  fixture_send_line(&member, "ann", 2);
  assert_int_equal(fixture_read_line(&outside).number, 2);
  client_close(&member);
  client_close(&outside);
  fixture_stop(&fixture);
}

static void test_a_bad_token_in_a_message_leaves_the_session_outside(void **state) {
  (void)state;
  struct client client;
  start(true, true);
  fixture_connect(&fixture, &client, "stoa.json");
  send_token(&client, "not a token");
  expect_text(&client, "bad token");
  send_token(&client, token_of(SECRET, "ann", -60));
  expect_text(&client, "TOKEN_EXPIRED");
  assert_true(client_send_call(&client, FIXTURE_ASK, 7, "{}"));
  expect_text(&client, "authenticate first");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_tokens_cannot_be_tried_without_end(void **state) {
  (void)state;
  struct client client;
  start(true, true);
  fixture_connect(&fixture, &client, "stoa.json");
  for (int i = 0; i < 110; i++) {
    send_token(&client, "not a token");
  }
  assert_int_equal(client_read_close(&client), STOA_CLOSE_TOO_MANY_ERRORS);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_session_that_does_not_authenticate_in_time_is_closed_with_4502(void **state) {
  (void)state;
  struct client client, waking;
  start(true, true);
  fixture_connect(&fixture, &client, "stoa.json");
  pass_s(11);
  connect_with(&waking, token_of(SECRET, "ann", 60));
  assert_int_equal(client_read_close(&client), STOA_CLOSE_NO_HELLO);
  client_close(&client);
  client_close(&waking);
  fixture_stop(&fixture);
}

static void test_an_expired_token_ends_the_session_with_4005_unless_it_was_refreshed(void **state) {
  (void)state;
  struct client left, refreshed;
  start(true, true);
  connect_with(&left, token_of(SECRET, "ann", 60));
  connect_with(&refreshed, token_of(SECRET, "bob", 60));
  expect_subject(&left, "ann");
  send_token(&refreshed, token_of(SECRET, "bob", 600));
  expect_subject(&refreshed, "bob");
  /* Expired, but within the leeway. */
  pass_s(84);
  expect_subject(&left, "ann");
  pass_s(2);
  expect_subject(&refreshed, "bob");
  expect_text(&left, "TOKEN_EXPIRED");
  assert_int_equal(client_read_close(&left), STOA_CLOSE_TOKEN_EXPIRED);
  expect_subject(&refreshed, "bob");
  client_close(&left);
  client_close(&refreshed);
  fixture_stop(&fixture);
}

static void test_a_refresh_does_not_change_the_subject(void **state) {
  (void)state;
  struct client client;
  start(true, true);
  connect_with(&client, token_of(SECRET, "ann", 60));
  send_token(&client, token_of(SECRET, "root", 600));
  expect_text(&client, "UNAUTHORIZED");
  expect_subject(&client, "ann");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_token_of_the_query_counts_only_when_that_is_configured(void **state) {
  (void)state;
  struct client client;
  char target[1200];
  struct stoa_auth_config *auth = auth_config();
  for (int takes = 0; takes < 2; takes++) {
    auth->query_token = takes != 0;
    assert_int_equal(try_start(auth, false), STOA_OK);
    snprintf(target, sizeof target, "/?access_token=%s", token_of(SECRET, "ann", 60));
    client_connect(&client, fixture.address);
    assert_int_equal(client_upgrade(&client, target, "stoa.json", NULL), 101);
    expect_subject(&client, takes ? "ann" : "\"answer\":\"\"");
    client_close(&client);
    fixture_stop(&fixture);
  }
}

static void test_issuer_and_audience_are_checked(void **state) {
  (void)state;
  struct client client;
  static const struct stoa_string audiences[] = {STOA_STR("chat")};
  struct stoa_auth_config *auth = auth_config();
  auth->audiences.items = audiences;
  auth->audiences.count = 1;
  assert_int_equal(try_start(auth, false), STOA_OK);
  connect_with(&client, token_of(SECRET, "ann", 60)); /* without aud */
  assert_int_equal(client_read_close(&client), STOA_CLOSE_BAD_TOKEN);
  client_close(&client);
  fixture_stop(&fixture);
  auth = auth_config();
  auth->issuer = stoa_string_of("https://id.example");
  assert_int_equal(try_start(auth, false), STOA_OK);
  connect_with(&client, token_of(SECRET, "ann", 60));
  assert_int_equal(client_read_close(&client), STOA_CLOSE_BAD_TOKEN);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_mistakes_in_the_configuration_are_told_at_create(void **state) {
  (void)state;
  struct stoa_auth_config *auth = auth_config();
  auth->secret = stoa_string_of("short");
  assert_int_equal(try_start(auth, false), STOA_E_TYPE);
  auth = auth_config();
  auth->secret = stoa_string_of("");
  auth->required = true;
  assert_int_equal(try_start(auth, false), STOA_E_ARGUMENT);
  auth = auth_config();
  auth->leeway_s = 3601;
  assert_int_equal(try_start(auth, false), STOA_E_ARGUMENT);
  auth = auth_config();
  auth->jwks_file = stoa_string_of("/nonexistent/keys.json");
  assert_int_equal(try_start(auth, false), STOA_E_NOT_FOUND);
}

static void test_at_most_sixteen_types_may_come_without_a_token(void **state) {
  (void)state;
  struct stoa_server *server;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  for (uint32_t type = 0; type < STOA_ANONYMOUS_TYPES_MAX; type++) {
    assert_int_equal(stoa_server_allow_anonymous(server, type), STOA_OK);
    assert_int_equal(stoa_server_allow_anonymous(server, type), STOA_OK);
  }
  assert_int_equal(stoa_server_allow_anonymous(server, 99), STOA_E_LIMIT);
  assert_int_equal(stoa_server_allow_anonymous(server, 0x40000000), STOA_E_ARGUMENT);
  stoa_server_destroy(server);
}

static void test_without_server_auth_no_token_is_taken(void **state) {
  (void)state;
  struct client client;
  static const struct stoa_auth_config nothing_set;
  const struct stoa_auth_config *const configs[] = {NULL, &nothing_set};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(try_start(configs[i], false), STOA_OK);
    connect_with(&client, "whatever");
    send_token(&client, "whatever");
    expect_text(&client, "takes no tokens");
    client_close(&client);
    fixture_stop(&fixture);
  }
}

/* Each allocation fails once, while a session authenticates by the upgrade and by a message: it is refused, or it
 * works, and nothing is left. */
static void test_failing_memory_refuses_and_leaks_nothing(void **state) {
  (void)state;
  unsigned closed = 0;
  start(true, true);
  for (uint64_t at = 1; at < 60; at++) {
    struct client client;
    char token[1024];
    snprintf(token, sizeof token, "%s", token_of(SECRET, "ann", 6000));
    fixture_connect(&fixture, &client, "stoa.json");
    assert_true(client_send_call(&client, FIXTURE_ASK, 7, "{}"));
    expect_text(&client, "authenticate first");
    stoa_memory_fail_at(at, 1);
    send_token(&client, token);
    assert_true(client_send_call(&client, FIXTURE_ASK, 8, "{}"));
    struct client_frame frame = client_read(&client);
    stoa_memory_fail_at(0, 0);
    closed += frame.opcode == CLIENT_CLOSED || frame.opcode == 8 || memmem(frame.data, frame.len, "ann", 3) == NULL;
    client_close(&client);
  }
  assert_true(closed > 0);
  assert_true(closed < 59);
  fixture_stop(&fixture);
}

static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)context;
  (void)level;
  if (memmem(line.data, line.len, "token refused", 13) != NULL) {
    assert_non_null(memmem(line.data, line.len, "reason=", 7));
    assert_null(memmem(line.data, line.len, "eyJ", 3));
    counter_up(&logged);
  }
}

static void test_a_refusal_is_logged_with_its_reason_and_without_the_token(void **state) {
  (void)state;
  struct client client;
  stoa_log_set_sink(take_line, NULL);
  start(false, false);
  connect_with(&client, token_of("another secret of sufficient length", "ann", 60));
  assert_int_equal(client_read_close(&client), STOA_CLOSE_BAD_TOKEN);
  counter_wait(&logged, 1);
  client_close(&client);
  fixture_stop(&fixture);
  stoa_log_set_sink(NULL, NULL);
}

/* OpenSSL keeps what it allocates when it is first used. */
static int use_openssl_once(void **state) {
  struct client client;
  (void)state;
  start(true, false);
  connect_with(&client, token_of(SECRET, "ann", 60));
  expect_subject(&client, "ann");
  client_close(&client);
  stoa_server_destroy(fixture.server);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      /* First, because a line that is repeated often is suppressed. */
      cmocka_unit_test(test_a_refusal_is_logged_with_its_reason_and_without_the_token),
      cmocka_unit_test(test_a_token_of_the_upgrade_is_known_in_on_connect),
      cmocka_unit_test(test_a_bad_token_closes_with_4500_and_an_expired_one_with_4005),
      cmocka_unit_test(test_without_a_required_token_the_program_decides),
      cmocka_unit_test(test_a_required_token_must_be_in_the_upgrade_when_no_message_may_have_it),
      cmocka_unit_test(test_a_session_without_a_token_is_in_no_group_and_calls_nothing_until_it_has_one),
      cmocka_unit_test(test_a_bad_token_in_a_message_leaves_the_session_outside),
      cmocka_unit_test(test_tokens_cannot_be_tried_without_end),
      cmocka_unit_test(test_a_session_that_does_not_authenticate_in_time_is_closed_with_4502),
      cmocka_unit_test(test_an_expired_token_ends_the_session_with_4005_unless_it_was_refreshed),
      cmocka_unit_test(test_a_refresh_does_not_change_the_subject),
      cmocka_unit_test(test_a_token_of_the_query_counts_only_when_that_is_configured),
      cmocka_unit_test(test_issuer_and_audience_are_checked),
      cmocka_unit_test(test_mistakes_in_the_configuration_are_told_at_create),
      cmocka_unit_test(test_at_most_sixteen_types_may_come_without_a_token),
      cmocka_unit_test(test_without_server_auth_no_token_is_taken),
      cmocka_unit_test(test_failing_memory_refuses_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, use_openssl_once, NULL);
}
