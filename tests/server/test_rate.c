/* What one session may send: rates, with a fake clock and on a server; and mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>

#include "base/memory.h"
#include "fixture.h"
#include "server/worker/worker.h"

/* Buckets. */

static const struct stoa_rate_limits messages_only = {.messages_per_s = 20, .messages_burst = 40, .excess_max = 3};
static const struct stoa_rate_limits bytes_only = {.bytes_per_s = 1000, .bytes_burst = 4000, .excess_max = 3};

static uint32_t take_all(struct stoa_rate *rate, const struct stoa_rate_limits *limits, size_t bytes, uint32_t now_ms) {
  uint32_t count = 0;
  while (stoa_rate_take(rate, limits, bytes, now_ms) == 0) {
    count++;
    assert_true(count < 1000000);
  }
  return count;
}

static void test_a_burst_is_allowed_at_once_and_then_the_rate_a_second(void **state) {
  (void)state;
  struct stoa_rate rate = {0};
  assert_int_equal(take_all(&rate, &messages_only, 1, 1000), 40);
  assert_int_equal(take_all(&rate, &messages_only, 1, 1000 + 1000), 20);
  assert_int_equal(take_all(&rate, &messages_only, 1, 2000 + 49), 0);
  assert_int_equal(take_all(&rate, &messages_only, 1, 2000 + 50), 1);
  assert_int_equal(take_all(&rate, &messages_only, 1, 2050 + 3600000), 40); /* and never more than the burst */
}

static void test_the_first_moment_has_a_full_bucket_whatever_the_clock_says(void **state) {
  (void)state;
  static const uint32_t times[] = {0, 1, UINT32_MAX};
  for (size_t i = 0; i < 3; i++) {
    struct stoa_rate rate = {0};
    assert_int_equal(take_all(&rate, &messages_only, 1, times[i]), 40);
  }
}

static void test_a_clock_that_turns_over_fills_the_bucket_as_before(void **state) {
  (void)state;
  struct stoa_rate rate = {0};
  assert_int_equal(take_all(&rate, &messages_only, 1, UINT32_MAX - 499), 40);
  assert_int_equal(take_all(&rate, &messages_only, 1, 500), 20);
}

static void test_a_session_over_its_rate_learns_when_it_may_send_again(void **state) {
  (void)state;
  struct stoa_rate rate = {0};
  take_all(&rate, &messages_only, 1, 0);
  for (uint32_t now_ms = 0; now_ms < 1000;) {
    uint32_t wait_ms = stoa_rate_take(&rate, &messages_only, 1, now_ms);
    assert_in_range(wait_ms, 1, 50);
    assert_int_not_equal(stoa_rate_take(&rate, &messages_only, 1, now_ms + wait_ms - 1), 0);
    now_ms += wait_ms;
    assert_int_equal(stoa_rate_take(&rate, &messages_only, 1, now_ms), 0);
  }
}

static void test_bytes_and_messages_have_separate_buckets(void **state) {
  (void)state;
  struct stoa_rate rate = {0};
  assert_int_equal(take_all(&rate, &bytes_only, 1000, 0), 4);
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 1000, 400), 600);
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 400, 400), 0); /* a smaller one has room */
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 1, 400), 1);
}

static void test_what_is_refused_by_one_bucket_is_not_taken_from_the_other(void **state) {
  (void)state;
  static const struct stoa_rate_limits both = {20, 40, 1000, 4000, 3};
  struct stoa_rate rate = {0};
  assert_int_equal(stoa_rate_take(&rate, &both, 4000, 0), 0);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(stoa_rate_take(&rate, &both, 1000, 0), 1000);
  }
  uint32_t count = 0;
  while (stoa_rate_take(&rate, &both, 0, 0) == 0) {
    count++;
  }
  assert_int_equal(count, 39);
}

static void test_a_message_longer_than_the_burst_needs_a_full_bucket(void **state) {
  (void)state;
  struct stoa_rate rate = {0};
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 1000000, 0), 0);
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 1000000, 0), 4000);
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 1000000, 3999), 1);
  assert_int_equal(stoa_rate_take(&rate, &bytes_only, 1000000, 4000), 0);
}

static void test_large_numbers_stay_within_their_types(void **state) {
  (void)state;
  static const struct stoa_rate_limits large = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  static const struct stoa_rate_limits slow = {.bytes_per_s = 1, .bytes_burst = UINT32_MAX};
  struct stoa_rate rate = {0};
  assert_int_equal(stoa_rate_take(&rate, &large, UINT32_MAX, 5), 0);
  assert_int_equal(stoa_rate_take(&rate, &large, UINT32_MAX, 5), 1000);
  assert_int_equal(stoa_rate_take(&rate, &large, UINT32_MAX, 1005), 0);
  struct stoa_rate other = {0};
  assert_int_equal(stoa_rate_take(&other, &slow, 1, 0), 0);
  uint32_t wait_ms = stoa_rate_take(&other, &slow, UINT32_MAX, 0);
  assert_in_range(wait_ms, 1, INT32_MAX);
}

static void test_excess_is_counted_for_ten_seconds(void **state) {
  (void)state;
  struct stoa_rate rate = {0};
  while (stoa_rate_take(&rate, &messages_only, 1, 0) == 0) {
  }
  for (int i = 0; i < 2; i++) {
    stoa_rate_take(&rate, &messages_only, 1, 0);
    assert_false(stoa_rate_is_abused(&rate, &messages_only));
  }
  stoa_rate_take(&rate, &messages_only, 1, 0); /* the fourth */
  assert_true(stoa_rate_is_abused(&rate, &messages_only));
  /* Ten seconds later the count begins anew. */
  uint32_t now_ms = STOA_RATE_EXCESS_MS;
  assert_int_equal(take_all(&rate, &messages_only, 1, now_ms), 40);
  assert_false(stoa_rate_is_abused(&rate, &messages_only));
}

/* On a server. */

static struct fixture fixture;
static struct stoa_rate_config rates;
static struct stoa_limits_config limits;

static struct stoa_server_config *config_with_rates(const struct stoa_rate_config *of) {
  struct stoa_server_config *config = fixture_config(1);
  rates = *of;
  limits = (struct stoa_limits_config){.rate = &rates, .message_bytes_max = 1024};
  config->limits = &limits;
  return config;
}

/* Eleven calls of that length at once, and hardly more later. */
#define CALL_BYTES 1000u
static const struct stoa_rate_config eleven_calls = {.bytes_per_s = 1, .bytes_burst = 11000, .excess_max = 3};

/* A call of the type Ask that is as long as that, most of it in a member that nobody knows. */
static void ask_at_length(struct client *client, uint32_t id) {
  char payload[CALL_BYTES - 8 + 1]; /* after the type and the id */
  memset(payload, 'x', sizeof payload - 1);
  memcpy(payload, "{\"question\":\"?\",\"other\":\"", 25);
  memcpy(payload + sizeof payload - 3, "\"}", 3);
  assert_true(client_send_call(client, FIXTURE_ASK, id, payload));
}

static struct client_frame expect_call(struct client *client, uint32_t id, bool is_error) {
  struct client_frame frame = client_read_message(client);
  assert_true(frame.len > 8);
  assert_int_equal(frame.data[0], is_error ? 0xc0 : 0x80);
  assert_int_equal(frame.data[7], id);
  return frame;
}

static void expect_excess(struct client *client, uint32_t id) {
  struct client_frame frame = expect_call(client, id, true);
  assert_non_null(memmem(frame.data, frame.len, "\"code\":111", 10));
  assert_non_null(memmem(frame.data, frame.len, "\"temporary\":true", 16));
  const char *retry = memmem(frame.data, frame.len, "\"retryMs\":", 10);
  assert_non_null(retry);
  assert_in_range(strtoul(retry + 10, NULL, 10), 1, 1000000);
}

static void test_too_much_is_answered_with_111_and_then_ends_with_4013(void **state) {
  (void)state;
  struct client client, other;
  fixture_start(&fixture, config_with_rates(&eleven_calls), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_connect(&fixture, &other, "stoa.json");
  uint32_t id = 1;
  for (; id <= 11; id++) {
    ask_at_length(&client, id);
    expect_call(&client, id, false);
  }
  for (; id <= 14; id++) {
    ask_at_length(&client, id);
    expect_excess(&client, id);
  }
  ask_at_length(&client, id);
  expect_excess(&client, id);
  assert_int_equal(client_read_close(&client), STOA_CLOSE_RATE);
  fixture_sync(&other); /* each session has its own */
  client_close(&client);
  client_close(&other);
  fixture_stop(&fixture);
}

static const struct stoa_rate_config ten_messages = {.messages_per_s = 1, .messages_burst = 10, .excess_max = 1000};

static void test_messages_beyond_the_burst_reach_no_handler(void **state) {
  (void)state;
  struct client client, other;
  fixture_start(&fixture, config_with_rates(&ten_messages), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_connect(&fixture, &other, "stoa.json");
  for (uint32_t i = 1; i <= 500; i++) {
    fixture_send_line(&client, "flooder", i);
  }
  /* Each was either heard by all or answered by an error; a slow machine lets one more in each second. */
  unsigned lines = 0, errors = 0;
  while (lines + errors < 500) {
    struct client_frame frame = client_read_message(&client);
    lines += frame.data[0] == 0;
    errors += frame.data[0] == 0x40 && memmem(frame.data, frame.len, "\"code\":111", 10) != NULL;
  }
  assert_in_range(lines, 10, 100);
  for (unsigned i = 0; i < lines; i++) {
    fixture_read_line(&other);
  }
  fixture_sync(&other);
  client_close(&client);
  client_close(&other);
  fixture_stop(&fixture);
}

static void test_a_session_without_a_subprotocol_gets_only_the_close_code(void **state) {
  (void)state;
  struct client client;
  static const struct stoa_rate_config two = {.messages_per_s = 1, .messages_burst = 2, .excess_max = 40};
  fixture_start(&fixture, config_with_rates(&two), NULL);
  fixture_connect(&fixture, &client, NULL);
  for (uint32_t i = 0; i < 200; i++) {
    char payload[64];
    snprintf(payload, sizeof payload, "{\"number\":%u}", i);
    if (!client_send_typed(&client, FIXTURE_LINE, payload)) {
      break;
    }
  }
  struct client_frame frame = client_read(&client);
  while (frame.opcode == 2) {
    assert_memory_equal(frame.data, "\0\0\0\0", 4); /* lines, and no errors */
    frame = client_read(&client);
  }
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.code, STOA_CLOSE_RATE);
  client_close(&client);
  fixture_stop(&fixture);
}

static void echo_raw(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  (void)user;
  int ignored = stoa_session_send_raw(session, message, is_text);
  (void)ignored;
}

static void test_a_raw_handler_is_not_called_for_too_much(void **state) {
  (void)state;
  struct client client;
  static const struct stoa_callbacks raw = {.on_raw = echo_raw};
  static const struct stoa_rate_config two = {.bytes_per_s = 1, .bytes_burst = 2000, .excess_max = 5};
  static const char kilobyte[1000];
  fixture_start(&fixture, config_with_rates(&two), &raw);
  fixture_connect(&fixture, &client, "stoa.json");
  for (int i = 0; i < 8; i++) {
    client_send(&client, 0x82, kilobyte, sizeof kilobyte);
  }
  for (int i = 0; i < 2; i++) {
    assert_int_equal(client_read_message(&client).len, sizeof kilobyte);
  }
  struct client_frame frame = client_read(&client);
  assert_int_equal(frame.opcode, 8); /* and nothing that its own protocol does not know */
  assert_int_equal(frame.code, STOA_CLOSE_RATE);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_without_rates_there_is_no_limit(void **state) {
  (void)state;
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  for (uint32_t i = 0; i < 3000; i++) {
    fixture_send_line(&client, "chatter", i);
    assert_int_equal(fixture_read_line(&client).number, i);
  }
  client_close(&client);
  fixture_stop(&fixture);
}

/* Mistakes. */

static void test_errors_that_handlers_return_are_not_counted_as_mistakes(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config few = {.session_errors_max = 3};
  config->limits = &few;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  for (uint32_t i = 0; i < 700; i++) {
    if (i % 7 == 0) {
      fixture_send_group(&client, "no such action", "g", "");
      struct client_frame frame = client_read_message(&client);
      assert_int_equal(frame.data[0], 0x40);
    } else {
      fixture_sync(&client);
    }
  }
  client_close(&client);
  fixture_stop(&fixture);
}

struct clockwork {
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_stream_host host;
  struct stoa_protocol protocol;
  struct stoa_server_session own;
};

static void set_up(struct clockwork *work) {
  memset(work, 0, sizeof *work);
  work->clock = stoa_clock_fake_init(&work->time);
  assert_int_equal(stoa_loop_create(&work->clock, &work->host.loop), STOA_OK);
  work->protocol.host = &work->host;
  work->own.base.stream.protocol = &work->protocol;
}

static void pass(struct clockwork *work, uint64_t ms) {
  work->time.monotonic_ns += ms * 1000000;
  stoa_loop_turn(work->host.loop, 0);
}

static void test_one_mistake_is_forgiven_each_second(void **state) {
  (void)state;
  struct clockwork work;
  set_up(&work);
  for (uint32_t i = 1; i <= 5; i++) {
    assert_int_equal(stoa_server_session_count_mistake(&work.own.base), i);
  }
  pass(&work, 999);
  assert_int_equal(stoa_server_session_count_mistake(&work.own.base), 6);
  pass(&work, 1);
  assert_int_equal(stoa_server_session_count_mistake(&work.own.base), 6);
  pass(&work, 2500);
  assert_int_equal(stoa_server_session_count_mistake(&work.own.base), 5);
  pass(&work, 500); /* the half second from before counts */
  assert_int_equal(stoa_server_session_count_mistake(&work.own.base), 5);
  pass(&work, 3600000);
  assert_int_equal(stoa_server_session_count_mistake(&work.own.base), 1);
  /* One a second, for ever, is nothing. */
  for (int i = 0; i < 1000; i++) {
    pass(&work, 1000);
    assert_in_range(stoa_server_session_count_mistake(&work.own.base), 1, 2);
  }
  stoa_free(work.own.account);
  stoa_loop_destroy(work.host.loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_burst_is_allowed_at_once_and_then_the_rate_a_second),
      cmocka_unit_test(test_the_first_moment_has_a_full_bucket_whatever_the_clock_says),
      cmocka_unit_test(test_a_clock_that_turns_over_fills_the_bucket_as_before),
      cmocka_unit_test(test_a_session_over_its_rate_learns_when_it_may_send_again),
      cmocka_unit_test(test_bytes_and_messages_have_separate_buckets),
      cmocka_unit_test(test_what_is_refused_by_one_bucket_is_not_taken_from_the_other),
      cmocka_unit_test(test_a_message_longer_than_the_burst_needs_a_full_bucket),
      cmocka_unit_test(test_large_numbers_stay_within_their_types),
      cmocka_unit_test(test_excess_is_counted_for_ten_seconds),
      cmocka_unit_test(test_too_much_is_answered_with_111_and_then_ends_with_4013),
      cmocka_unit_test(test_messages_beyond_the_burst_reach_no_handler),
      cmocka_unit_test(test_a_session_without_a_subprotocol_gets_only_the_close_code),
      cmocka_unit_test(test_a_raw_handler_is_not_called_for_too_much),
      cmocka_unit_test(test_without_rates_there_is_no_limit),
      cmocka_unit_test(test_errors_that_handlers_return_are_not_counted_as_mistakes),
      cmocka_unit_test(test_one_mistake_is_forgiven_each_second),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
