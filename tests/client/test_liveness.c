/* A silent server is pinged, and given up only when it does not answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "client/client_private.h"
#include "peer.h"

#define JSON "Sec-WebSocket-Protocol: stoa.json\r\n"

static void open_with(struct peer *peer, const struct stoa_client_options *options, const char *more) {
  peer_open_client(peer, options);
  peer_accept(peer);
  peer_answer(peer, more);
  peer_await(peer, STOA_CLIENT_OPEN);
}

/* The client sends a ping after `silence_ms`, not before, and gives up pong_ms later. */
static void expect_probe_and_death(struct peer *peer, uint32_t silence_ms, uint32_t pong_ms) {
  peer_advance_ms(peer, silence_ms - 20);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  assert_false(peer->client->probing);
  peer_advance_ms(peer, 40);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_PING);
  assert_int_equal(frame.len, 0);
  peer_advance_ms(peer, pong_ms - 40);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  peer_advance_ms(peer, 60);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_TIMEOUT);
  assert_int_equal(peer_change(peer)->close_code, 1006);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
}

static void a_server_that_answers_no_ping_is_dead(void **state) {
  struct peer *peer = *state;
  open_with(peer, NULL, JSON);
  expect_probe_and_death(peer, 35000, 10000);
}

static void the_ping_interval_of_the_server_limits_its_silence(void **state) {
  struct peer *peer = *state;
  open_with(peer, NULL, JSON "stoa-ping-interval: 2000\r\n");
  expect_probe_and_death(peer, 12000, 10000);
  open_with(peer, NULL, JSON "Stoa-Ping-Interval: 600000\r\n");
  expect_probe_and_death(peer, 610000, 10000);
}

static void an_invalid_ping_interval_is_ignored(void **state) {
  static const char *const wrong[] = {"", "0", "-1", "25s", "1.5", "0x10", "9999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char more[128];
    snprintf(more, sizeof more, JSON "Stoa-Ping-Interval: %s\r\n", wrong[i]);
    open_with(*state, NULL, more);
    expect_probe_and_death(*state, 35000, 10000);
  }
}

static void an_option_wins_over_the_interval_of_the_server(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.silence_ms = 3000;
  options.pong_ms = 500;
  open_with(peer, &options, JSON "Stoa-Ping-Interval: 25000\r\n");
  expect_probe_and_death(peer, 3000, 500);
}

static void each_connection_has_the_interval_of_its_own_server(void **state) {
  struct peer *peer = *state;
  open_with(peer, NULL, JSON "Stoa-Ping-Interval: 2000\r\n");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  peer_advance_ms(peer, 1100);
  peer_open(peer);
  expect_probe_and_death(peer, 35000, 10000);
}

static void without_a_subprotocol_a_dead_server_is_noticed_too(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.subprotocol = STOA_CLIENT_NONE;
  open_with(peer, &options, "");
  assert_null(strstr(peer->head, "Sec-WebSocket-Protocol"));
  expect_probe_and_death(peer, 35000, 10000);
}

static void a_server_that_may_be_silent_for_ever_is_never_pinged(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.silence_ms = UINT32_MAX;
  open_with(peer, &options, JSON "Stoa-Ping-Interval: 1000\r\n");
  peer_advance_ms(peer, 100000000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  assert_int_equal(stoa_client_wait_ms(peer->client), -1);
}

static void a_server_may_send_nothing_but_pongs_for_ever(void **state) {
  struct peer *peer = *state;
  open_with(peer, NULL, JSON "Stoa-Ping-Interval: 5000\r\n");
  for (unsigned i = 0; i < 20; i++) {
    peer_advance_ms(peer, 15020);
    assert_int_equal(peer_read(peer).opcode, STOA_WS_PING);
    peer_advance_ms(peer, 9000);
    peer_send(peer, STOA_WS_PONG, "", 0);
    PEER_AWAIT(peer, !peer->client->probing);
  }
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  expect_probe_and_death(peer, 15000, 10000);
}

static void any_byte_of_the_server_is_a_sign_of_life(void **state) {
  struct peer *peer = *state;
  open_with(peer, NULL, JSON);
  peer_advance_ms(peer, 34000);
  peer_send(peer, STOA_WS_PING, "", 0);
  assert_int_equal(peer_read(peer).opcode, STOA_WS_PONG);
  peer_advance_ms(peer, 34000);
  peer_send_typed(peer, 3, 0, "hello");
  PEER_AWAIT(peer, peer->others != 0);
  peer_advance_ms(peer, 34000);
  peer_write(peer, "\x82", 1);
  PEER_AWAIT(peer, peer->client->input_len != 0);
  peer_advance_ms(peer, 34000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  assert_false(peer->client->probing);
}

/* The client of the defect: it sends all the time and is sent nothing, and dropped its healthy connection. */
static void a_client_that_only_sends_keeps_its_connection(void **state) {
  struct peer *peer = *state;
  unsigned pings = 0;
  open_with(peer, NULL, JSON);
  for (unsigned i = 0; i < 40; i++) {
    assert_int_equal(stoa_client_send(peer->client, 7, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
    peer_advance_ms(peer, 5000);
    struct peer_frame frame = peer_read(peer);
    while (frame.opcode == STOA_WS_PING) {
      pings++;
      peer_send(peer, STOA_WS_PONG, frame.data, frame.len);
      frame = peer_read(peer);
    }
    assert_int_equal(frame.opcode, STOA_WS_BINARY);
  }
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  assert_in_range(pings, 4, 6);
}

static void fill_connection(struct peer *peer, unsigned *sent) {
  static uint8_t bytes[60000];
  while (!peer->client->blocked || peer->client->queue->bytes < sizeof bytes) {
    assert_int_equal(stoa_client_send(peer->client, 7, NULL, &(struct stoa_bytes){bytes, sizeof bytes}), STOA_OK);
    peer_step(peer);
    ++*sent;
    assert_true(*sent < 1000);
  }
}

/* The ping waits after megabytes. As long as the server takes them, it is alive. */
static void a_server_that_reads_slowly_is_not_dead(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  unsigned sent = 0;
  options.outgoing_bytes_max = 32 * 1024 * 1024;
  open_with(peer, &options, JSON);
  fill_connection(peer, &sent);
  peer_advance_ms(peer, 35020);
  assert_true(peer->client->probing);
  peer_advance_ms(peer, 9000);
  size_t before = peer->client->queue->bytes;
  while (peer->client->queue != NULL && peer->client->queue->bytes == before) {
    assert_int_equal(peer_read(peer).opcode, STOA_WS_BINARY);
    sent--;
  }
  assert_false(peer->client->probing);
  peer_advance_ms(peer, 9000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  while (sent-- > 0) {
    assert_int_equal(peer_read(peer).opcode, STOA_WS_BINARY);
  }
  assert_int_equal(peer_read(peer).opcode, STOA_WS_PING);
}

static void a_silent_server_is_not_pinged_while_the_connection_closes(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.close_ms = 60000;
  open_with(peer, &options, JSON);
  peer_advance_ms(peer, 35020);
  assert_int_equal(peer_read(peer).opcode, STOA_WS_PING);
  stoa_client_close(peer->client, 1000, NULL);
  peer_await(peer, STOA_CLIENT_CLOSING);
  assert_int_equal(peer_read(peer).opcode, STOA_WS_CLOSE);
  peer_send(peer, STOA_WS_PONG, "", 0);
  peer_advance_ms(peer, 50000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CLOSING);
  peer_advance_ms(peer, 10020);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_ENDED);
}

static void a_ping_without_memory_ends_the_connection(void **state) {
  struct peer *peer = *state;
  open_with(peer, NULL, JSON);
  stoa_memory_fail_at(1, true);
  peer_advance_ms(peer, 35020);
  stoa_memory_fail_at(0, false);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_MEMORY);
}

#define LIVENESS_TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LIVENESS_TEST(a_server_that_answers_no_ping_is_dead),
      LIVENESS_TEST(the_ping_interval_of_the_server_limits_its_silence),
      LIVENESS_TEST(an_invalid_ping_interval_is_ignored),
      LIVENESS_TEST(an_option_wins_over_the_interval_of_the_server),
      LIVENESS_TEST(each_connection_has_the_interval_of_its_own_server),
      LIVENESS_TEST(without_a_subprotocol_a_dead_server_is_noticed_too),
      LIVENESS_TEST(a_server_that_may_be_silent_for_ever_is_never_pinged),
      LIVENESS_TEST(a_server_may_send_nothing_but_pongs_for_ever),
      LIVENESS_TEST(any_byte_of_the_server_is_a_sign_of_life),
      LIVENESS_TEST(a_client_that_only_sends_keeps_its_connection),
      LIVENESS_TEST(a_server_that_reads_slowly_is_not_dead),
      LIVENESS_TEST(a_silent_server_is_not_pinged_while_the_connection_closes),
      LIVENESS_TEST(a_ping_without_memory_ends_the_connection),
  };
  return cmocka_run_group_tests_name("client liveness", tests, NULL, NULL);
}
