/* Whether a client comes back, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "client/client_private.h"
#include "peer.h"

#define ERROR 0x40000000u
#define HOUR_MS (60u * 60 * 1000)

static void leave(struct peer *peer) {
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  peer_disconnect(peer);
  peer->change_count = 0;
  /* It may have come back already, unseen. */
  int fd;
  while ((fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    close(fd);
  }
}

static void expect_after_close(struct peer *peer, uint16_t code, enum stoa_client_state state) {
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send_close(peer, code, "why");
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_CLOSE);
  assert_int_equal(frame.data[0] << 8 | frame.data[1], code);
  peer_disconnect(peer);
  peer_await(peer, state);
  assert_int_equal(peer_change(peer)->status, STOA_OK);
  assert_int_equal(peer_change(peer)->close_code, code);
  assert_string_equal(peer_change(peer)->reason, "why");
  leave(peer);
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
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send(peer, STOA_WS_CLOSE, "", 0);
  assert_int_equal(peer_read(peer).len, 0);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->close_code, 1005);
}

/* An error frame, then a close: the time that is waited. */
static uint32_t turn_away(struct peer *peer, const char *error, uint16_t code) {
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send_typed(peer, ERROR | 0, 0, error);
  peer_send_close(peer, code, "");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  uint32_t delay_ms = peer_change(peer)->retry_ms;
  peer_advance_ms(peer, delay_ms - 20);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  peer_advance_ms(peer, 40);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  leave(peer);
  return delay_ms;
}

static void a_full_server_tells_when_to_come_back(void **state) {
  static const char error[] = "{\"code\":106,\"reason\":\"LIMIT\",\"temporary\":true,\"retryMs\":60000}";
  assert_in_range(turn_away(*state, error, 4014), 60500, 61000);
  assert_in_range(turn_away(*state, error, 4013), 60500, 61000);
}

static void clients_that_were_refused_together_do_not_come_back_together(void **state) {
  uint32_t least = UINT32_MAX, most = 0;
  for (unsigned i = 0; i < 20; i++) {
    uint32_t delay_ms = turn_away(*state, "{\"code\":106,\"retryMs\":5000}", 4014);
    least = delay_ms < least ? delay_ms : least;
    most = delay_ms > most ? delay_ms : most;
  }
  assert_in_range(most - least, 50, 500);
}

static void the_time_to_come_back_is_capped(void **state) {
  assert_in_range(turn_away(*state, "{\"code\":106,\"retryMs\":4294967295}", 4014), HOUR_MS + 500, HOUR_MS + 1000);
}

static void the_retry_time_of_a_message_error_does_not_delay_reconnecting(void **state) {
  assert_in_range(turn_away(*state, "{\"code\":111,\"retryMs\":60000}", 4001), 500, 1000);
  assert_in_range(turn_away(*state, "{\"code\":106}", 4014), 500, 1000);
}

static void a_time_to_come_back_holds_for_its_connection_only(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send_typed(peer, ERROR | 0, 0, "{\"code\":106,\"retryMs\":60000}");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_in_range(peer_change(peer)->retry_ms, 500, 1000);
  peer_advance_ms(peer, 1100);
  peer_open(peer);
  peer_send_close(peer, 4014, "");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_in_range(peer_change(peer)->retry_ms, 500, 2000);
}

static void expect_after_refusal(struct peer *peer, const char *answer, uint32_t least_ms, uint32_t most_ms) {
  peer_open_client(peer, NULL);
  peer_accept(peer);
  peer_write_text(peer, answer);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_in_range(peer_change(peer)->retry_ms, least_ms, most_ms);
  leave(peer);
}

static void a_refusal_may_tell_when_to_come_back(void **state) {
  struct peer *peer = *state;
  expect_after_refusal(peer, "HTTP/1.1 503 Later\r\nRetry-After: 30\r\n\r\n", 30500, 31000);
  expect_after_refusal(peer, "HTTP/1.1 429 Slower\r\nretry-after: 7\r\n\r\n", 7500, 8000);
  expect_after_refusal(peer, "HTTP/1.1 503 Later\r\nRetry-After: 999999999\r\n\r\n", HOUR_MS + 500, HOUR_MS + 1000);
  expect_after_refusal(peer, "HTTP/1.1 503 Later\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n", 500, 1000);
  expect_after_refusal(peer, "HTTP/1.1 503 Later\r\n\r\n", 500, 1000);
}

static void the_longest_times_do_not_overflow(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.retry_min_ms = options.retry_max_ms = UINT32_MAX;
  peer_open_client(peer, &options);
  peer_accept(peer);
  peer_write_text(peer, "HTTP/1.1 503 Later\r\nRetry-After: 30\r\n\r\n");
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->retry_ms, UINT32_MAX);
}

static void with_the_option_once_a_client_does_not_reconnect(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.once = true;
  peer_open_client(peer, &options);
  peer_open(peer);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->status, STOA_E_CLOSED);
  assert_int_equal(peer_change(peer)->close_code, 1006);
}

/* A lost connection, and the time until the next one. */
static uint32_t lose(struct peer *peer) {
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  return peer_change(peer)->retry_ms;
}

static void lost_connections_come_back_at_growing_random_times(void **state) {
  struct peer *peer = *state;
  uint32_t bound = 1000;
  peer_open_client(peer, NULL);
  peer_accept(peer);
  for (size_t i = 0; i < 8; i++) {
    uint32_t delay_ms = lose(peer);
    assert_in_range(delay_ms, 500, bound);
    peer_advance_ms(peer, delay_ms - 20);
    assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
    peer_advance_ms(peer, 40);
    assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
    peer_accept(peer);
    bound = bound * 2 < 20000 ? bound * 2 : 20000;
  }
}

static void only_a_stable_connection_resets_the_delay(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.retry_min_ms = 100;
  options.retry_max_ms = 1000;
  peer_open_client(peer, &options);
  uint32_t longest = 0;
  for (size_t i = 0; i < 12; i++) {
    peer_open(peer);
    uint32_t delay_ms = lose(peer);
    longest = delay_ms > longest ? delay_ms : longest;
    peer_advance_ms(peer, 1100);
  }
  assert_in_range(longest, 201, 1000);
  peer_open(peer);
  peer_advance_ms(peer, 1000);
  assert_in_range(lose(peer), 100, 200);
}

#define RETRY_TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      RETRY_TEST(the_close_code_decides_whether_to_come_back),
      RETRY_TEST(after_a_close_without_a_code_a_client_comes_back),
      RETRY_TEST(a_full_server_tells_when_to_come_back),
      RETRY_TEST(clients_that_were_refused_together_do_not_come_back_together),
      RETRY_TEST(the_time_to_come_back_is_capped),
      RETRY_TEST(the_retry_time_of_a_message_error_does_not_delay_reconnecting),
      RETRY_TEST(a_time_to_come_back_holds_for_its_connection_only),
      RETRY_TEST(a_refusal_may_tell_when_to_come_back),
      RETRY_TEST(the_longest_times_do_not_overflow),
      RETRY_TEST(with_the_option_once_a_client_does_not_reconnect),
      RETRY_TEST(lost_connections_come_back_at_growing_random_times),
      RETRY_TEST(only_a_stable_connection_resets_the_delay),
  };
  return cmocka_run_group_tests_name("client retries", tests, NULL, NULL);
}
