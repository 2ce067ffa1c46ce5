/* Whether a client comes back, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "client/client_private.h"
#include "far.h"

#define ERROR 0x40000000u
#define HOUR_MS (60u * 60 * 1000)

static int64_t blocks_before;

static int set_up(void **state) {
  static struct far far;
  blocks_before = stoa_memory_live_blocks();
  far_init(&far);
  *state = &far;
  return 0;
}

static int tear_down(void **state) {
  far_fini(*state);
  return stoa_memory_live_blocks() == blocks_before ? 0 : -1;
}

static void leave(struct far *far) {
  stoa_client_destroy(far->client);
  far->client = NULL;
  far_hang_up(far);
  far->change_count = 0;
  /* It may have come back already, unseen. */
  int fd;
  while ((fd = accept4(far->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    close(fd);
  }
}

static void expect_after_close(struct far *far, uint16_t code, enum stoa_client_state state) {
  far_client(far, NULL);
  far_open(far);
  far_send_close(far, code, "why");
  struct far_frame frame = far_read(far);
  assert_int_equal(frame.opcode, STOA_WS_CLOSE);
  assert_int_equal(frame.data[0] << 8 | frame.data[1], code);
  far_hang_up(far);
  far_await(far, state);
  assert_int_equal(far_change(far)->status, STOA_OK);
  assert_int_equal(far_change(far)->close_code, code);
  assert_string_equal(far_change(far)->reason, "why");
  leave(far);
}

static void the_close_code_decides_whether_to_come_back(void **state) {
  static const uint16_t come_back[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                                       3000, 3999, 4000, 4001, 4004, 4005, 4008, 4010, 4012, 4013, 4014, 4499};
  static const uint16_t stop[] = {4500, 4501, 4502, 4503, 4507, 4509, 4999};
  for (size_t i = 0; i < sizeof come_back / sizeof come_back[0]; i++) {
    expect_after_close(*state, come_back[i], STOA_CLIENT_WAITING);
  }
  for (size_t i = 0; i < sizeof stop / sizeof stop[0]; i++) {
    expect_after_close(*state, stop[i], STOA_CLIENT_ENDED);
  }
}

static void after_a_close_without_a_code_a_client_comes_back(void **state) {
  struct far *far = *state;
  far_client(far, NULL);
  far_open(far);
  far_send(far, STOA_WS_CLOSE, "", 0);
  assert_int_equal(far_read(far).len, 0);
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  assert_int_equal(far_change(far)->close_code, 1005);
}

/* An error frame, then a close: the time that is waited. */
static uint32_t turn_away(struct far *far, const char *error, uint16_t code) {
  far_client(far, NULL);
  far_open(far);
  far_send_typed(far, ERROR | 0, 0, error);
  far_send_close(far, code, "");
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  uint32_t delay_ms = far_change(far)->retry_ms;
  far_pass(far, delay_ms - 20);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_WAITING);
  far_pass(far, 40);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_CONNECTING);
  leave(far);
  return delay_ms;
}

static void a_full_server_tells_when_to_come_back(void **state) {
  static const char error[] = "{\"code\":106,\"reason\":\"LIMIT\",\"temporary\":true,\"retryMs\":60000}";
  assert_in_range(turn_away(*state, error, 4014), 60500, 61000);
  assert_in_range(turn_away(*state, error, 4013), 60500, 61000);
}

static void those_that_were_turned_away_together_do_not_come_back_together(void **state) {
  uint32_t least = UINT32_MAX, most = 0;
  for (unsigned i = 0; i < 20; i++) {
    uint32_t delay_ms = turn_away(*state, "{\"code\":106,\"retryMs\":5000}", 4014);
    least = delay_ms < least ? delay_ms : least;
    most = delay_ms > most ? delay_ms : most;
  }
  assert_in_range(most - least, 50, 500);
}

static void no_server_sends_a_client_away_for_weeks(void **state) {
  assert_in_range(turn_away(*state, "{\"code\":106,\"retryMs\":4294967295}", 4014), HOUR_MS + 500, HOUR_MS + 1000);
}

static void an_error_about_a_message_is_no_time_to_come_back(void **state) {
  assert_in_range(turn_away(*state, "{\"code\":111,\"retryMs\":60000}", 4001), 500, 1000);
  assert_in_range(turn_away(*state, "{\"code\":106}", 4014), 500, 1000);
}

static void a_time_to_come_back_holds_for_its_connection_only(void **state) {
  struct far *far = *state;
  far_client(far, NULL);
  far_open(far);
  far_send_typed(far, ERROR | 0, 0, "{\"code\":106,\"retryMs\":60000}");
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  assert_in_range(far_change(far)->retry_ms, 500, 1000);
  far_pass(far, 1100);
  far_open(far);
  far_send_close(far, 4014, "");
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  assert_in_range(far_change(far)->retry_ms, 500, 2000);
}

static void expect_after_refusal(struct far *far, const char *answer, uint32_t least_ms, uint32_t most_ms) {
  far_client(far, NULL);
  far_accept(far);
  far_write_text(far, answer);
  far_await(far, STOA_CLIENT_WAITING);
  assert_in_range(far_change(far)->retry_ms, least_ms, most_ms);
  leave(far);
}

static void a_refusal_may_tell_when_to_come_back(void **state) {
  struct far *far = *state;
  expect_after_refusal(far, "HTTP/1.1 503 Later\r\nRetry-After: 30\r\n\r\n", 30500, 31000);
  expect_after_refusal(far, "HTTP/1.1 429 Slower\r\nretry-after: 7\r\n\r\n", 7500, 8000);
  expect_after_refusal(far, "HTTP/1.1 503 Later\r\nRetry-After: 999999999\r\n\r\n", HOUR_MS + 500, HOUR_MS + 1000);
  expect_after_refusal(far, "HTTP/1.1 503 Later\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n", 500, 1000);
  expect_after_refusal(far, "HTTP/1.1 503 Later\r\n\r\n", 500, 1000);
}

static void the_longest_times_do_not_overflow(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.retry_min_ms = options.retry_max_ms = UINT32_MAX;
  far_client(far, &options);
  far_accept(far);
  far_write_text(far, "HTTP/1.1 503 Later\r\nRetry-After: 30\r\n\r\n");
  far_await(far, STOA_CLIENT_WAITING);
  assert_int_equal(far_change(far)->retry_ms, UINT32_MAX);
}

static void with_once_there_is_no_other_connection(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.once = true;
  far_client(far, &options);
  far_open(far);
  far_hang_up(far);
  far_await(far, STOA_CLIENT_ENDED);
  assert_int_equal(far_change(far)->status, STOA_E_CLOSED);
  assert_int_equal(far_change(far)->close_code, 1006);
}

/* A lost connection, and the time until the next one. */
static uint32_t lose(struct far *far) {
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  return far_change(far)->retry_ms;
}

static void lost_connections_come_back_at_growing_random_times(void **state) {
  struct far *far = *state;
  uint32_t bound = 1000;
  far_client(far, NULL);
  far_accept(far);
  for (size_t i = 0; i < 8; i++) {
    uint32_t delay_ms = lose(far);
    assert_in_range(delay_ms, 500, bound);
    far_pass(far, delay_ms - 20);
    assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_WAITING);
    far_pass(far, 40);
    assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_CONNECTING);
    far_accept(far);
    bound = bound * 2 < 20000 ? bound * 2 : 20000;
  }
}

static void only_a_connection_that_held_puts_the_bound_back(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.retry_min_ms = 100;
  options.retry_max_ms = 1000;
  far_client(far, &options);
  uint32_t longest = 0;
  for (size_t i = 0; i < 12; i++) {
    far_open(far);
    uint32_t delay_ms = lose(far);
    longest = delay_ms > longest ? delay_ms : longest;
    far_pass(far, 1100);
  }
  assert_in_range(longest, 201, 1000);
  far_open(far);
  far_pass(far, 1000);
  assert_in_range(lose(far), 100, 200);
}

#define RETRY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      RETRY_TEST(the_close_code_decides_whether_to_come_back),
      RETRY_TEST(after_a_close_without_a_code_a_client_comes_back),
      RETRY_TEST(a_full_server_tells_when_to_come_back),
      RETRY_TEST(those_that_were_turned_away_together_do_not_come_back_together),
      RETRY_TEST(no_server_sends_a_client_away_for_weeks),
      RETRY_TEST(an_error_about_a_message_is_no_time_to_come_back),
      RETRY_TEST(a_time_to_come_back_holds_for_its_connection_only),
      RETRY_TEST(a_refusal_may_tell_when_to_come_back),
      RETRY_TEST(the_longest_times_do_not_overflow),
      RETRY_TEST(with_once_there_is_no_other_connection),
      RETRY_TEST(lost_connections_come_back_at_growing_random_times),
      RETRY_TEST(only_a_connection_that_held_puts_the_bound_back),
  };
  return cmocka_run_group_tests_name("client retries", tests, NULL, NULL);
}
