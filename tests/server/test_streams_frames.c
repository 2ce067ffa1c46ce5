/* Frames of streams: wrong ones, other types, text packets, the order of bytes, rates; and middlewares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/middleware.h>

#include "streaming.h"

#define WINDOW ((size_t)STOA_CALL_STREAM_WINDOW_BYTES)
#define MILLION 1000000u

static struct fixture fixture;

static void start(void) {
  streaming_start(&fixture, fixture_config(1), NULL);
}

static struct stoa_server_config *with_limits(const struct stoa_limits_config *limits) {
  static struct stoa_limits_config copy;
  struct stoa_server_config *config = fixture_config(1);
  copy = *limits;
  config->limits = &copy;
  return config;
}

/* Wrong frames. */

static void expect_broken(const void *payload, size_t len, uint32_t word) {
  struct client client;
  struct stoa_limits_config limits = {.session_errors_max = 2};
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  streaming_control(&client, word, 1, payload, len);
  streaming_expect_error(&client, 1, "BAD_REQUEST");
  counter_wait(&kept->closed, 1);
  stoa_call_stream_drop(kept->stream);
  assert_int_equal(streaming_counts(&fixture).failed, 1);
  /* It was a mistake, as the next one is. */
  streaming_control(&client, word, 1, payload, len);
  assert_int_equal(client_read_close(&client), STOA_CLOSE_TOO_MANY_ERRORS);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_wrong_credit_and_cancels_end_the_stream_and_are_mistakes(void **state) {
  (void)state;
  expect_broken("\0\0\1", 3, 0xe0000000u | STREAMING_TYPE);
  expect_broken("\0\0\0\0", 4, 0xe0000000u | STREAMING_TYPE);
  expect_broken("\x40\0\0\0", 4, 0xe0000000u | STREAMING_TYPE);
  expect_broken("x", 1, 0xc0000000u | STREAMING_TYPE);
}

static void test_credit_that_overflows_ends_the_stream_and_is_a_mistake(void **state) {
  struct client client;
  struct stoa_limits_config limits = {.session_errors_max = 1};
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  streaming_grant(&client, 1, 0x3fffffff);
  streaming_grant(&client, 1, 0x3ffbffff);
  streaming_sync(&client);
  assert_true(stoa_call_stream_waits(kept->stream));
  streaming_grant(&client, 1, 0x3fffffff);
  streaming_expect_error(&client, 1, "BAD_REQUEST");
  assert_int_equal(client_read_close(&client), STOA_CLOSE_TOO_MANY_ERRORS);
  stoa_call_stream_drop(kept->stream);
  client_close(&client);
  fixture_stop(&fixture);
}

static void expect_mistake(struct client *client, uint32_t word, uint32_t answer, const char *reason) {
  streaming_control(client, word, 1, "\0\0\1\0", 4);
  struct streaming_frame frame = streaming_read(client);
  assert_int_equal(frame.word, answer);
  assert_non_null(memmem(frame.payload, frame.len, reason, strlen(reason)));
}

static void test_bits_of_streams_on_other_types_are_errors_as_before(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  expect_mistake(&client, 0xe0000000u | STREAMING_SYNC, 0xe0000000u | STREAMING_SYNC, "UNKNOWN_TYPE");
  expect_mistake(&client, 0xc0000000u | STREAMING_SYNC, 0xc0000000u | STREAMING_SYNC, "BAD_REQUEST");
  expect_mistake(&client, 0xa0000000u | STREAMING_SYNC, 0xe0000000u | STREAMING_SYNC, "UNKNOWN_TYPE");
  expect_mistake(&client, 0xa0000000u | STREAMING_TYPE, 0xe0000000u | STREAMING_TYPE, "UNKNOWN_TYPE");
  /* Without a call there is no stream. */
  assert_true(client_send_typed(&client, STREAMING_TYPE, "{}"));
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "this type is a call", 19));
  assert_true(client_send_typed(&client, 0x40000000u | STREAMING_TYPE, ""));
  frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "BAD_REQUEST", 11));
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_program_registers_streams_only_as_calls(void **state) {
  struct stoa_server *server;
  (void)state;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  struct stoa_handler handler = {.name = "Count",
                                 .type = STREAMING_TYPE,
                                 .message = &stream_v1_count_request_type,
                                 .reply = &stream_v1_number_type,
                                 .invoke = (const struct stoa_error *(*)(stoa_handler_function, void *,
                                                                         struct stoa_session *, const void *, void *))1,
                                 .function = (stoa_handler_function)1,
                                 .is_stream = true};
  handler.type = 0x20000000u;
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_ARGUMENT);
  handler.type = 0x1fffffffu;
  handler.takes_plain = true;
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_ARGUMENT);
  handler.takes_plain = false;
  handler.reply = NULL;
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_ARGUMENT);
  handler.reply = &stream_v1_number_type;
  assert_int_equal(stoa_server_handle(server, &handler), STOA_OK);
  stoa_server_destroy(server);
}

static void test_credit_is_granted_beyond_the_rate_of_messages(void **state) {
  struct client client;
  struct stoa_rate_config rate = {.messages_per_s = 1, .messages_burst = 2};
  struct stoa_limits_config limits = {.rate = &rate};
  size_t bytes = 0;
  uint64_t next = 0;
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "worker", MILLION);
  for (; bytes < 6 * WINDOW; next++) {
    bytes += streaming_expect(&client, 1, next);
    if (bytes >= WINDOW * 6) {
      break;
    }
    if (bytes % (WINDOW / 2) < 48) {
      streaming_grant(&client, 1, (uint32_t)(WINDOW / 2 + 48));
    }
  }
  streaming_cancel(&client, 1);
  counter_wait(&streaming_closed, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Formats. */

static void test_streams_have_a_form_in_text_packets(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.text");
  static const char call[] = "{\"type\":7,\"id\":3,\"payload\":{\"how\":\"now\",\"count\":\"1\"}}";
  assert_true(client_send(&client, 0x81, call, sizeof call - 1));
  struct client_frame frame = client_read_message(&client);
  static const char item[] = "{\"type\":536870919,\"id\":3,\"payload\":{\"number\":\"0\",\"text\":\"a number\"}}";
  assert_int_equal(frame.len, sizeof item - 1);
  assert_memory_equal(frame.data, item, frame.len);
  frame = client_read_message(&client);
  static const char end[] = "{\"type\":7,\"id\":3,\"payload\":null}";
  assert_int_equal(frame.len, sizeof end - 1);
  assert_memory_equal(frame.data, end, frame.len);
  static const char keep[] = "{\"type\":7,\"id\":4,\"payload\":{\"how\":\"keep\"}}";
  assert_true(client_send(&client, 0x81, keep, sizeof keep - 1));
  struct streaming_kept *kept = streaming_take();
  static const char credit[] = "{\"type\":536870919,\"id\":4,\"error\":131072}";
  static const char cancel[] = "{\"type\":7,\"id\":4,\"error\":null}";
  assert_true(client_send(&client, 0x81, credit, sizeof credit - 1));
  assert_true(client_send(&client, 0x81, cancel, sizeof cancel - 1));
  counter_wait(&kept->closed, 1);
  stoa_call_stream_drop(kept->stream);
  assert_int_equal(streaming_counts(&fixture).cancelled, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_order_of_bytes_is_that_of_credit_too(void **state) {
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  config->byte_order = STOA_BYTE_ORDER_LITTLE;
  streaming_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  static const char call[] = "\x07\0\0\x80\x01\0\0\0{\"how\":\"keep\"}";
  assert_true(client_send(&client, 0x82, call, sizeof call - 1));
  struct streaming_kept *kept = streaming_take();
  /* In the other order it would be more than may be granted. */
  static const char credit[] = "\x07\0\0\xe0\x01\0\0\0\xff\0\0\0";
  assert_true(client_send(&client, 0x82, credit, sizeof credit - 1));
  static const char cancel[] = "\x07\0\0\xc0\x01\0\0\0";
  assert_true(client_send(&client, 0x82, cancel, sizeof cancel - 1));
  counter_wait(&kept->closed, 1);
  stoa_call_stream_drop(kept->stream);
  assert_int_equal(streaming_counts(&fixture).cancelled, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Middlewares. */

static struct {
  unsigned before, after;
  enum stoa_invocation_end ends[8];
  uint32_t codes[8];
  uint64_t slots[8];
} seen;

static const struct stoa_error *before(void *user, struct stoa_invocation *invocation) {
  (void)user;
  const struct stream_v1_count_request *request = stoa_invocation_message(invocation);
  *stoa_invocation_slot(invocation) = request->count;
  seen.before++;
  return NULL;
}

static void after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  (void)user;
  seen.ends[seen.after] = stoa_invocation_end(invocation);
  seen.codes[seen.after] = error == NULL ? 0 : error->code;
  seen.slots[seen.after] = *stoa_invocation_slot(invocation);
  seen.after++;
}

static void test_middlewares_run_around_the_start_and_the_end(void **state) {
  static const struct stoa_middleware middleware = {.name = "seen", .before = before, .after = after};
  static const uint32_t types[] = {STREAMING_TYPE};
  struct client client;
  (void)state;
  memset(&seen, 0, sizeof seen);
  streaming_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(
      stoa_server_use(fixture.server, &(struct stoa_selector){.types = types, .type_count = 1}, &middleware), STOA_OK);
  assert_int_equal(stoa_server_use_shedding(fixture.server, NULL, NULL), STOA_OK);
  streaming_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "now", 2);
  streaming_expect(&client, 1, 0);
  streaming_expect(&client, 1, 1);
  streaming_expect_end(&client, 1);
  streaming_call(&client, 2, "keep", 3);
  struct streaming_kept *kept = streaming_take();
  streaming_sync(&client);
  assert_int_equal(seen.before, 2);
  assert_int_equal(seen.after, 1);
  streaming_cancel(&client, 2);
  counter_wait(&kept->closed, 1);
  stoa_call_stream_drop(kept->stream);
  streaming_call(&client, 3, "fail here", 0);
  streaming_expect_error(&client, 3, "BUSY");
  streaming_sync(&client);
  assert_int_equal(seen.after, 3);
  assert_int_equal(seen.ends[0], STOA_INVOCATION_DONE);
  assert_int_equal(seen.slots[0], 2);
  assert_int_equal(seen.ends[1], STOA_INVOCATION_CANCELLED);
  assert_int_equal(seen.codes[1], 499);
  assert_int_equal(seen.slots[1], 3);
  assert_int_equal(seen.ends[2], STOA_INVOCATION_FAILED);
  assert_int_equal(seen.codes[2], 1001);
  assert_string_equal(stoa_invocation_end_text(STOA_INVOCATION_CANCELLED), "cancelled");
  client_close(&client);
  fixture_stop(&fixture);
}

int main(void) {
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wrong_credit_and_cancels_end_the_stream_and_are_mistakes),
      cmocka_unit_test(test_credit_that_overflows_ends_the_stream_and_is_a_mistake),
      cmocka_unit_test(test_bits_of_streams_on_other_types_are_errors_as_before),
      cmocka_unit_test(test_a_program_registers_streams_only_as_calls),
      cmocka_unit_test(test_credit_is_granted_beyond_the_rate_of_messages),
      cmocka_unit_test(test_streams_have_a_form_in_text_packets),
      cmocka_unit_test(test_the_order_of_bytes_is_that_of_credit_too),
      cmocka_unit_test(test_middlewares_run_around_the_start_and_the_end),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("frames of streams", tests, NULL, NULL);
}
