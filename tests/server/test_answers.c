/* The error of a call when its message needs more memory than allowed, when there is none, and when its reply has
 * no form: whose fault it is, and always something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <google/protobuf/empty.stoa.h>
#include <google/protobuf/struct.stoa.h>

#include "base/memory.h"
#include "fixture.h"

enum { COUNT_TYPE = 20, WIDE_TYPE = 21, VOID_TYPE = 22, MESSAGE_BYTES_MAX = 64 * 1024, FAULTS_MAX = 200 };

static struct fixture fixture;

static const struct stoa_error *answer(stoa_handler_function function, void *user, struct stoa_session *session,
                                       const void *message, void *reply) {
  (void)function;
  (void)user;
  (void)session;
  (void)message;
  (void)reply;
  return NULL;
}

static void ignore(void) {}

/* COUNT_TYPE takes any struct; the reply of WIDE_TYPE is larger than what a message may take; that of VOID_TYPE is a
 * Value of no kind, which is nothing in JSON. */
static void start(void) {
  static struct stoa_message_type wide;
  wide = google_protobuf_empty_type;
  wide.size = 64u * 1024 * 1024;
  struct stoa_handler handlers[] = {
      {"Count", COUNT_TYPE, &google_protobuf_struct_type, &google_protobuf_empty_type, answer, ignore, NULL, NULL, 0},
      {"Wide", WIDE_TYPE, &google_protobuf_struct_type, &wide, answer, ignore, NULL, NULL, 0},
      {"Void", VOID_TYPE, &google_protobuf_struct_type, &google_protobuf_value_type, answer, ignore, NULL, NULL, 0},
  };
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &fixture.server), STOA_OK);
  for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
    assert_int_equal(stoa_server_handle(fixture.server, &handlers[i]), STOA_OK);
  }
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
}

/* A call with that many entries, two bytes each, all of them with the same empty key and no value. False when the
 * session has ended. */
static bool call(struct client *client, uint8_t type, size_t entries) {
  static uint8_t message[MESSAGE_BYTES_MAX];
  size_t len = 8 + 2 * entries;
  assert_true(len <= sizeof message);
  memset(message, 0, len);
  message[0] = 0x80;
  message[3] = type;
  message[7] = 1;
  for (size_t at = 8; at < len; at += 2) {
    message[at] = 0x0a; /* field 1, and a length of 0 */
  }
  return client_send(client, 0x82, message, len);
}

static bool says(const struct client_frame *frame, const char *text) {
  return memmem(frame->data, frame->len, text, strlen(text)) != NULL;
}

static void expect_reply(struct client *client) {
  assert_true(call(client, COUNT_TYPE, 1));
  struct client_frame frame = client_read_message(client);
  assert_int_equal(frame.len, 8);
  assert_memory_equal(frame.data, "\x80\0\0\x14\0\0\0\x01", 8);
}

static void expect_too_large(struct client *client) {
  struct client_frame frame = client_read_message(client);
  assert_int_equal(frame.data[0], 0xc0);
  assert_true(says(&frame, "BAD_REQUEST"));
  assert_true(says(&frame, "too large after decoding"));
}

static void test_a_message_that_needs_more_than_it_may_have_is_a_bad_request(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.proto");
  for (int i = 0; i < 3; i++) {
    assert_true(call(&client, COUNT_TYPE, MESSAGE_BYTES_MAX / 2 - 4));
    expect_too_large(&client);
    expect_reply(&client);
  }
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_reply_without_room_beside_its_request_is_a_bad_request(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.proto");
  assert_true(call(&client, WIDE_TYPE, 1));
  expect_too_large(&client);
  expect_reply(&client);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_reply_that_its_codec_has_no_form_for_is_an_error(void **state) {
  (void)state;
  struct client client;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  assert_true(client_send_call(&client, VOID_TYPE, 7, "{}"));
  struct client_frame frame = client_read_message(&client);
  assert_memory_equal(frame.data, "\xc0\0\0\x16\0\0\0\x07", 8);
  assert_true(says(&frame, "\"reason\":\"INTERNAL\""));
  client_close(&client);
  fixture_connect(&fixture, &client, "stoa.proto");
  assert_true(client_send_call(&client, VOID_TYPE, 7, ""));
  frame = client_read_message(&client);
  assert_int_equal(frame.len, 8);
  assert_memory_equal(frame.data, "\x80\0\0\x16\0\0\0\x07", 8);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Any of the allocations on the way of a large message fails: it is handled, or the session hears whose fault it is. */
static void test_running_out_of_memory_is_not_counted_as_an_error_of_the_sender(void **state) {
  (void)state;
  unsigned told = 0;
  uint64_t hits = 1;
  start();
  for (uint64_t n = 1; hits > 0 && n < FAULTS_MAX; n++) {
    struct client client;
    fixture_connect(&fixture, &client, "stoa.proto");
    expect_reply(&client);
    stoa_memory_fail_at(n, false);
    bool sent = call(&client, COUNT_TYPE, 4000);
    struct client_frame frame = {.opcode = CLIENT_CLOSED};
    if (sent) {
      frame = client_read(&client);
    }
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    bool is_message = frame.opcode == 2;
    assert_false(is_message && says(&frame, "BAD_REQUEST"));
    if (is_message && frame.data[0] == 0xc0) {
      assert_true(says(&frame, "INTERNAL") && says(&frame, "out of memory"));
      expect_reply(&client);
      told++;
    }
    client_close(&client);
  }
  assert_int_equal(hits, 0);
  assert_true(told > 0);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_message_that_needs_more_than_it_may_have_is_a_bad_request),
      cmocka_unit_test(test_a_reply_without_room_beside_its_request_is_a_bad_request),
      cmocka_unit_test(test_a_reply_that_its_codec_has_no_form_for_is_an_error),
      cmocka_unit_test(test_running_out_of_memory_is_not_counted_as_an_error_of_the_sender),
  };
  return cmocka_run_group_tests_name("server: answers", tests, NULL, NULL);
}
