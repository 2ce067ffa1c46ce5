/* A type that is a plain message or a call, between a client and a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include <stoa/client.h>
#include <stoa/log.h>

#include "plain.client.stoa.h"
#include "posting.h"

#define DEADLINE_S 60

/* What a client has received. */
static struct {
  enum stoa_client_state state;
  unsigned messages, replies, errors, plain_errors;
  char text[32];
  uint32_t code, plain_type;
} got;

static struct fixture fixture;
static struct stoa_client *client;

static void copy(struct stoa_string text) {
  snprintf(got.text, sizeof got.text, "%.*s", (int)text.len, text.data);
}

static void on_state(void *user, struct stoa_client *from, const struct stoa_client_change *change) {
  (void)user;
  (void)from;
  got.state = change->state;
}

static void on_error(void *user, struct stoa_client *from, uint32_t type, const struct stoa_error *error) {
  (void)user;
  (void)from;
  got.plain_errors++;
  got.plain_type = type;
  got.code = error->code;
}

static void on_chat(void *user, struct stoa_client *from, const struct plain_v1_chat_message *message) {
  (void)user;
  (void)from;
  got.messages++;
  copy(message->text);
}

static void on_ack(void *user, struct stoa_client *from, const struct plain_v1_chat_ack *reply,
                   const struct stoa_call_end *end) {
  (void)user;
  (void)from;
  if (end->result == STOA_CALL_REPLY) {
    got.replies++;
    copy(reply->text);
  } else {
    assert_int_equal(end->result, STOA_CALL_ERROR);
    got.errors++;
    got.code = end->error->code;
  }
}

/* A turn of the client's loop. */
static void step(time_t until) {
  assert_true(time(NULL) <= until);
  stoa_client_step(client, 1000);
}

static void await(const unsigned *count, unsigned value) {
  time_t until = time(NULL) + DEADLINE_S;
  while (*count < value) {
    step(until);
  }
  assert_int_equal(*count, value);
}

static void start(enum stoa_client_subprotocol subprotocol, const struct stoa_codec *codec) {
  static const struct plain_v1_plain_client_handlers handlers = {.chat = on_chat};
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .on_error = on_error};
  char url[160];
  memset(&got, 0, sizeof got);
  posting_create(&fixture, fixture_config(1));
  posting_begin(&fixture);
  snprintf(url, sizeof url, "ws://%s", fixture.address);
  const struct stoa_client_options options = {.url = url, .subprotocol = subprotocol, .codec = codec, .once = true};
  assert_int_equal(stoa_client_create(&options, &callbacks, &client), STOA_OK);
  assert_int_equal(plain_v1_plain_client_register(client, &handlers, NULL), STOA_OK);
  assert_int_equal(stoa_client_open(client), STOA_OK);
  time_t until = time(NULL) + DEADLINE_S;
  while (got.state != STOA_CLIENT_OPEN) {
    step(until);
  }
}

static void stop(void) {
  stoa_client_destroy(client);
  fixture_stop(&fixture);
}

static void send_plain(const char *text) {
  const struct plain_v1_chat_message message = {.text = stoa_string_of(text)};
  assert_int_equal(plain_v1_client_send_chat(client, &message), STOA_OK);
}

static void send_call(const char *text) {
  const struct plain_v1_chat_message message = {.text = stoa_string_of(text)};
  assert_int_equal(plain_v1_plain_client_call_chat(client, &message, 0, on_ack, NULL, NULL), STOA_OK);
}

static void check_messages(void) {
  send_plain("hello");
  await(&got.messages, 1);
  assert_string_equal(got.text, "hello");
  send_call("again");
  await(&got.replies, 1);
  await(&got.messages, 2);
  assert_string_equal(got.text, "again");
  send_plain("quiet");
  send_call("quiet");
  await(&got.replies, 2);
  assert_string_equal(got.text, "quiet");
  assert_int_equal(got.messages, 2);
  assert_int_equal(got.plain_errors + got.errors, 0);
  assert_int_equal(posting_handled(), 4);
}

static void a_client_sends_and_calls_one_type_and_gets_its_messages(void **state) {
  (void)state;
  start(STOA_CLIENT_CODEC, NULL);
  check_messages();
  stop();
  start(STOA_CLIENT_CODEC, &stoa_codec_proto);
  check_messages();
  stop();
  start(STOA_CLIENT_TEXT, NULL);
  check_messages();
  stop();
}

static void a_client_without_a_subprotocol_sends_it_and_gets_its_messages(void **state) {
  (void)state;
  start(STOA_CLIENT_NONE, NULL);
  send_plain("quiet");
  send_plain("refuse"); /* its error is not sent */
  send_plain("hello");
  await(&got.messages, 1);
  assert_string_equal(got.text, "hello");
  assert_int_equal(posting_handled(), 3);
  assert_int_equal(got.plain_errors, 0);
  stop();
}

static void an_error_goes_to_the_call_or_to_the_callback_of_plain_errors(void **state) {
  (void)state;
  start(STOA_CLIENT_CODEC, NULL);
  send_plain("refuse");
  await(&got.plain_errors, 1);
  assert_int_equal(got.code, 1001);
  assert_int_equal(got.plain_type, POSTING_CHAT);
  assert_int_equal(got.errors, 0);
  got.code = 0;
  send_call("refuse");
  await(&got.errors, 1);
  assert_int_equal(got.code, 1001);
  assert_int_equal(got.plain_errors, 1);
  stop();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_client_sends_and_calls_one_type_and_gets_its_messages),
      cmocka_unit_test(a_client_without_a_subprotocol_sends_it_and_gets_its_messages),
      cmocka_unit_test(an_error_goes_to_the_call_or_to_the_callback_of_plain_errors),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("client of a type that is plain or a call", tests, NULL, NULL);
}
