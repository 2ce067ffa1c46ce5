/* A type whose request is a plain message or a call: one handler for both, with a reply for the call only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/call.h>
#include <stoa/log.h>
#include <stoa/middleware.h>

#include "posting.h"

#define CALL 0x80000000u
#define ERROR 0x40000000u

static struct fixture fixture;
static struct client client;

static void start(void) {
  posting_create(&fixture, fixture_config(1));
  posting_begin(&fixture);
}

static void stop(void) {
  client_close(&client);
  fixture_stop(&fixture);
}

static void send_plain(const char *text) {
  char payload[64];
  snprintf(payload, sizeof payload, "{\"text\":\"%s\"}", text);
  assert_true(client_send_typed(&client, POSTING_CHAT, payload));
}

static void send_call(uint32_t id, const char *text) {
  char payload[64];
  snprintf(payload, sizeof payload, "{\"text\":\"%s\"}", text);
  assert_true(client_send_call(&client, POSTING_CHAT, id, payload));
}

static uint32_t read_u32(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void expect_at(size_t header_len, uint32_t word, const char *text) {
  struct client_frame frame = client_read_message(&client);
  assert_int_equal(frame.opcode, 2);
  assert_true(frame.len >= header_len);
  assert_int_equal(read_u32(frame.data), word);
  assert_true(frame.len > header_len && frame.data[header_len] == '{');
  assert_non_null(memmem(frame.data, frame.len, text, strlen(text)));
}

/* The next frame is plain: a message, or an error of one. */
static void expect_plain(const char *text) {
  expect_at(4, POSTING_CHAT, text);
}

static void expect_plain_error(const char *text) {
  expect_at(4, ERROR | POSTING_CHAT, text);
}

/* The next frame answers a call. */
static void expect_answer(uint32_t word, uint32_t id, const char *text) {
  struct client_frame frame = client_read_message(&client);
  assert_true(frame.len >= 8);
  assert_int_equal(read_u32(frame.data), word);
  assert_int_equal(read_u32(frame.data + 4), id);
  assert_non_null(memmem(frame.data, frame.len, text, strlen(text)));
}

/* All that was sent before has been handled, and nothing else was answered. */
static void expect_silence_until(uint32_t id) {
  send_call(id, "quiet");
  expect_answer(CALL | POSTING_CHAT, id, "{\"text\":\"quiet\"}");
}

static void a_request_is_handled_in_both_forms_and_only_a_call_gets_a_reply(void **state) {
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("quiet");
  expect_silence_until(7);
  assert_int_equal(posting_handled(), 2);
  send_plain("hello");
  expect_plain("{\"text\":\"hello\"}");
  send_call(8, "again");
  struct client_frame first = client_read_message(&client);
  /* The reply and the broadcast come in either order. */
  bool is_reply_first = read_u32(first.data) == (CALL | POSTING_CHAT);
  is_reply_first ? expect_plain("again") : expect_answer(CALL | POSTING_CHAT, 8, "again");
  expect_silence_until(9);
  stop();
}

static void a_text_packet_without_an_id_gets_no_reply(void **state) {
  static const char plain[] = "{\"type\":0,\"payload\":{\"text\":\"quiet\"}}";
  static const char call[] = "{\"type\":0,\"id\":5,\"payload\":{\"text\":\"quiet\"}}";
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.text");
  assert_true(client_send(&client, 0x81, plain, sizeof plain - 1));
  assert_true(client_send(&client, 0x81, call, sizeof call - 1));
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "\"id\":5", 6));
  assert_int_equal(posting_handled(), 2);
  stop();
}

static void an_error_has_the_form_of_its_request(void **state) {
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("refuse");
  expect_plain_error("{\"code\":1001,\"reason\":\"BUSY\"");
  send_call(3, "refuse");
  expect_answer(CALL | ERROR | POSTING_CHAT, 3, "\"code\":1001");
  /* Errors before the handler too. */
  send_plain("longer than the rule of the field allows");
  expect_plain_error("\"code\":107");
  send_call(4, "longer than the rule of the field allows");
  expect_answer(CALL | ERROR | POSTING_CHAT, 4, "\"code\":107");
  stop();
}

static void the_first_client_sends_plainly_and_gets_messages_but_no_errors(void **state) {
  (void)state;
  start();
  fixture_connect(&fixture, &client, NULL);
  send_plain("refuse");
  send_plain("fail");
  send_plain("now");
  send_plain("hello");
  expect_plain("{\"text\":\"hello\"}");
  assert_int_equal(posting_handled(), 4);
  /* A call works without a subprotocol as well. */
  expect_silence_until(2);
  stop();
}

static void a_plain_frame_of_a_type_that_is_only_a_call_is_refused(void **state) {
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  assert_true(client_send_typed(&client, POSTING_STRICT, "{}"));
  expect_at(4, ERROR | POSTING_STRICT, "this type is a call");
  assert_true(client_send_typed(&client, ERROR | POSTING_CHAT, "{}"));
  expect_plain_error("\"code\":107");
  assert_int_equal(posting_handled(), 0);
  stop();
}

static void a_plain_message_that_is_answered_in_its_handler_ends_without_a_reply(void **state) {
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("now");
  send_plain("broken"); /* nothing is encoded */
  expect_silence_until(1);
  send_plain("fail");
  expect_plain_error("{\"code\":1001,\"reason\":\"BUSY\"");
  send_plain("drop");
  expect_plain_error("\"reason\":\"INTERNAL\"");
  send_call(2, "now");
  expect_answer(CALL | POSTING_CHAT, 2, "{\"text\":\"now\"}");
  send_call(3, "fail");
  expect_answer(CALL | ERROR | POSTING_CHAT, 3, "BUSY");
  stop();
}

static void another_thread_ends_a_plain_message_without_a_reply(void **state) {
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY")};
  const struct plain_v1_chat_ack ack = {.text = STOA_STR("later")};
  const struct plain_v1_chat_ack broken = {.text = STOA_STR("\xff")};
  struct stoa_call_counts counts;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("keep");
  assert_int_equal(plain_v1_plain_chat_reply(posting_take(), &ack), STOA_OK);
  send_plain("keep");
  assert_int_equal(plain_v1_plain_chat_reply(posting_take(), &broken), STOA_OK);
  expect_silence_until(1);
  send_plain("keep");
  assert_int_equal(plain_v1_plain_chat_fail(posting_take(), &busy), STOA_OK);
  expect_plain_error("{\"code\":1001,\"reason\":\"BUSY\"");
  send_plain("keep");
  stoa_call_drop(posting_take());
  expect_plain_error("\"reason\":\"INTERNAL\"");
  send_call(2, "keep");
  assert_int_equal(plain_v1_plain_chat_reply(posting_take(), &ack), STOA_OK);
  expect_answer(CALL | POSTING_CHAT, 2, "{\"text\":\"later\"}");
  stoa_server_call_counts(fixture.server, &counts);
  assert_int_equal(counts.replied, 3);
  assert_int_equal(counts.failed, 1);
  assert_int_equal(counts.dropped, 1);
  assert_int_equal(counts.outstanding, 0);
  stop();
}

static void a_plain_message_without_an_answer_times_out_with_a_plain_error(void **state) {
  struct stoa_limits_config limits = {.call_timeout_ms = 50};
  struct stoa_server_config *config = fixture_config(1);
  const struct plain_v1_chat_ack ack = {.text = STOA_STR("too late")};
  (void)state;
  config->limits = &limits;
  posting_create(&fixture, config);
  posting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("keep");
  struct stoa_call *call = posting_take();
  expect_plain_error("\"reason\":\"TIMEOUT\"");
  assert_int_equal(plain_v1_plain_chat_reply(call, &ack), STOA_E_TIMEOUT);
  expect_silence_until(1);
  stop();
}

/* What a middleware saw, in the worker; read after a frame that was sent later. */
static struct { unsigned calls, plain, done, failed; } seen;

static const struct stoa_error *look(void *user, struct stoa_invocation *invocation) {
  (void)user;
  seen.calls += stoa_invocation_is_call(invocation);
  seen.plain += !stoa_invocation_is_call(invocation);
  return NULL;
}

static void look_after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  (void)user;
  seen.done += stoa_invocation_end(invocation) == STOA_INVOCATION_DONE && error == NULL;
  seen.failed += stoa_invocation_end(invocation) == STOA_INVOCATION_FAILED && error != NULL;
}

static void a_middleware_sees_which_form_it_was_and_how_it_ended(void **state) {
  const struct stoa_middleware middleware = {.name = "look", .before = look, .after = look_after};
  const struct plain_v1_chat_ack ack = {.text = STOA_STR("later")};
  (void)state;
  memset(&seen, 0, sizeof seen);
  posting_create(&fixture, fixture_config(1));
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
  posting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("quiet");
  send_plain("now");
  send_plain("keep");
  assert_int_equal(plain_v1_plain_chat_reply(posting_take(), &ack), STOA_OK);
  send_plain("refuse");
  expect_plain_error("BUSY");
  send_call(1, "quiet");
  expect_answer(CALL | POSTING_CHAT, 1, "quiet");
  expect_silence_until(2);
  stop();
  assert_int_equal(seen.plain, 4);
  assert_int_equal(seen.calls, 2);
  assert_int_equal(seen.done, 5);
  assert_int_equal(seen.failed, 1);
}

/* Waits, and is let go on by the same worker. */
static const struct stoa_error *hold(void *user, struct stoa_invocation *invocation) {
  struct stoa_wait *wait;
  (void)user;
  assert_int_equal(stoa_invocation_wait(invocation, &wait), STOA_OK);
  assert_int_equal(stoa_invocation_resume(wait, NULL), STOA_OK);
  return STOA_LATER;
}

static void a_plain_message_that_a_middleware_held_gets_no_reply(void **state) {
  const struct stoa_middleware middleware = {.name = "hold", .before = hold};
  (void)state;
  posting_create(&fixture, fixture_config(1));
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
  posting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  send_plain("quiet");
  send_plain("refuse");
  expect_plain_error("BUSY");
  expect_silence_until(1);
  assert_int_equal(posting_handled(), 3);
  stop();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_handled_in_both_forms_and_only_a_call_gets_a_reply),
      cmocka_unit_test(a_text_packet_without_an_id_gets_no_reply),
      cmocka_unit_test(an_error_has_the_form_of_its_request),
      cmocka_unit_test(the_first_client_sends_plainly_and_gets_messages_but_no_errors),
      cmocka_unit_test(a_plain_frame_of_a_type_that_is_only_a_call_is_refused),
      cmocka_unit_test(a_plain_message_that_is_answered_in_its_handler_ends_without_a_reply),
      cmocka_unit_test(another_thread_ends_a_plain_message_without_a_reply),
      cmocka_unit_test(a_plain_message_without_an_answer_times_out_with_a_plain_error),
      cmocka_unit_test(a_middleware_sees_which_form_it_was_and_how_it_ended),
      cmocka_unit_test(a_plain_message_that_a_middleware_held_gets_no_reply),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("plain or call", tests, NULL, NULL);
}
