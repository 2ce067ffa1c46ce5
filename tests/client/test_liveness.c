/* A server that is silent is asked whether it is there, and only then given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "client/client_private.h"
#include "far.h"

#define JSON "Sec-WebSocket-Protocol: stoa.json\r\n"

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

static void open_with(struct far *far, const struct stoa_client_options *options, const char *more) {
  far_client(far, options);
  far_accept(far);
  far_answer(far, more);
  far_await(far, STOA_CLIENT_OPEN);
}

/* The client sends a ping after `silence_ms`, not before, and gives up pong_ms later. */
static void expect_probe_and_death(struct far *far, uint32_t silence_ms, uint32_t pong_ms) {
  far_pass(far, silence_ms - 20);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  assert_false(far->client->probing);
  far_pass(far, 40);
  struct far_frame frame = far_read(far);
  assert_int_equal(frame.opcode, STOA_WS_PING);
  assert_int_equal(frame.len, 0);
  far_pass(far, pong_ms - 40);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  far_pass(far, 60);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_WAITING);
  assert_int_equal(far_change(far)->status, STOA_E_TIMEOUT);
  assert_int_equal(far_change(far)->close_code, 1006);
  stoa_client_destroy(far->client);
  far->client = NULL;
}

static void a_server_that_answers_no_ping_is_dead(void **state) {
  struct far *far = *state;
  open_with(far, NULL, JSON);
  expect_probe_and_death(far, 35000, 10000);
}

static void the_server_tells_how_long_it_may_be_silent(void **state) {
  struct far *far = *state;
  open_with(far, NULL, JSON "stoa-ping-interval: 2000\r\n");
  expect_probe_and_death(far, 12000, 10000);
  open_with(far, NULL, JSON "Stoa-Ping-Interval: 600000\r\n");
  expect_probe_and_death(far, 610000, 10000);
}

static void an_interval_that_is_no_number_is_ignored(void **state) {
  static const char *const wrong[] = {"", "0", "-1", "25s", "1.5", "0x10", "9999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char more[128];
    snprintf(more, sizeof more, JSON "Stoa-Ping-Interval: %s\r\n", wrong[i]);
    open_with(*state, NULL, more);
    expect_probe_and_death(*state, 35000, 10000);
  }
}

static void an_option_wins_over_what_the_server_tells(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.silence_ms = 3000;
  options.pong_ms = 500;
  open_with(far, &options, JSON "Stoa-Ping-Interval: 25000\r\n");
  expect_probe_and_death(far, 3000, 500);
}

static void each_connection_has_the_interval_of_its_own_server(void **state) {
  struct far *far = *state;
  open_with(far, NULL, JSON "Stoa-Ping-Interval: 2000\r\n");
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  far_pass(far, 1100);
  far_open(far);
  expect_probe_and_death(far, 35000, 10000);
}

static void without_a_subprotocol_a_dead_server_is_noticed_too(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.subprotocol = STOA_CLIENT_NONE;
  open_with(far, &options, "");
  assert_null(strstr(far->head, "Sec-WebSocket-Protocol"));
  expect_probe_and_death(far, 35000, 10000);
}

static void whoever_may_be_silent_for_ever_is_never_asked(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.silence_ms = UINT32_MAX;
  open_with(far, &options, JSON "Stoa-Ping-Interval: 1000\r\n");
  far_pass(far, 100000000);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  assert_int_equal(stoa_client_wait_ms(far->client), -1);
}

static void a_server_that_answers_pings_may_say_nothing_else_for_ever(void **state) {
  struct far *far = *state;
  open_with(far, NULL, JSON "Stoa-Ping-Interval: 5000\r\n");
  for (unsigned i = 0; i < 20; i++) {
    far_pass(far, 15020);
    assert_int_equal(far_read(far).opcode, STOA_WS_PING);
    far_pass(far, 9000);
    far_send(far, STOA_WS_PONG, "", 0);
    FAR_AWAIT(far, !far->client->probing);
  }
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  expect_probe_and_death(far, 15000, 10000);
}

static void any_byte_of_the_server_is_a_sign_of_life(void **state) {
  struct far *far = *state;
  open_with(far, NULL, JSON);
  far_pass(far, 34000);
  far_send(far, STOA_WS_PING, "", 0);
  assert_int_equal(far_read(far).opcode, STOA_WS_PONG);
  far_pass(far, 34000);
  far_send_typed(far, 3, 0, "hello");
  FAR_AWAIT(far, far->others != 0);
  far_pass(far, 34000);
  far_write(far, "\x82", 1);
  FAR_AWAIT(far, far->client->input_len != 0);
  far_pass(far, 34000);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  assert_false(far->client->probing);
}

/* The client of the defect: it sends all the time and is sent nothing, and dropped its healthy connection. */
static void a_client_that_only_sends_keeps_its_connection(void **state) {
  struct far *far = *state;
  unsigned pings = 0;
  open_with(far, NULL, JSON);
  for (unsigned i = 0; i < 40; i++) {
    assert_int_equal(stoa_client_send(far->client, 7, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
    far_pass(far, 5000);
    struct far_frame frame = far_read(far);
    while (frame.opcode == STOA_WS_PING) {
      pings++;
      far_send(far, STOA_WS_PONG, frame.data, frame.len);
      frame = far_read(far);
    }
    assert_int_equal(frame.opcode, STOA_WS_BINARY);
  }
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  assert_in_range(pings, 4, 6);
}

static void fill_connection(struct far *far, unsigned *sent) {
  static uint8_t bytes[60000];
  while (!far->client->blocked || far->client->queue->bytes < sizeof bytes) {
    assert_int_equal(stoa_client_send(far->client, 7, NULL, &(struct stoa_bytes){bytes, sizeof bytes}), STOA_OK);
    far_step(far);
    ++*sent;
    assert_true(*sent < 1000);
  }
}

/* The ping waits behind megabytes. As long as the server takes them, it is alive. */
static void a_server_that_reads_slowly_is_not_dead(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  unsigned sent = 0;
  options.outgoing_bytes_max = 32 * 1024 * 1024;
  open_with(far, &options, JSON);
  fill_connection(far, &sent);
  far_pass(far, 35020);
  assert_true(far->client->probing);
  far_pass(far, 9000);
  size_t before = far->client->queue->bytes;
  while (far->client->queue != NULL && far->client->queue->bytes == before) {
    assert_int_equal(far_read(far).opcode, STOA_WS_BINARY);
    sent--;
  }
  assert_false(far->client->probing);
  far_pass(far, 9000);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
  while (sent-- > 0) {
    assert_int_equal(far_read(far).opcode, STOA_WS_BINARY);
  }
  assert_int_equal(far_read(far).opcode, STOA_WS_PING);
}

static void a_silent_server_is_not_asked_while_the_connection_closes(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.close_ms = 60000;
  open_with(far, &options, JSON);
  far_pass(far, 35020);
  assert_int_equal(far_read(far).opcode, STOA_WS_PING);
  stoa_client_close(far->client, 1000, NULL);
  far_await(far, STOA_CLIENT_CLOSING);
  assert_int_equal(far_read(far).opcode, STOA_WS_CLOSE);
  far_send(far, STOA_WS_PONG, "", 0);
  far_pass(far, 50000);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_CLOSING);
  far_pass(far, 10020);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_ENDED);
}

static void a_ping_without_memory_ends_the_connection(void **state) {
  struct far *far = *state;
  open_with(far, NULL, JSON);
  stoa_memory_fail_at(1, true);
  far_pass(far, 35020);
  stoa_memory_fail_at(0, false);
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_WAITING);
  assert_int_equal(far_change(far)->status, STOA_E_MEMORY);
}

#define LIVENESS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LIVENESS_TEST(a_server_that_answers_no_ping_is_dead),
      LIVENESS_TEST(the_server_tells_how_long_it_may_be_silent),
      LIVENESS_TEST(an_interval_that_is_no_number_is_ignored),
      LIVENESS_TEST(an_option_wins_over_what_the_server_tells),
      LIVENESS_TEST(each_connection_has_the_interval_of_its_own_server),
      LIVENESS_TEST(without_a_subprotocol_a_dead_server_is_noticed_too),
      LIVENESS_TEST(whoever_may_be_silent_for_ever_is_never_asked),
      LIVENESS_TEST(a_server_that_answers_pings_may_say_nothing_else_for_ever),
      LIVENESS_TEST(any_byte_of_the_server_is_a_sign_of_life),
      LIVENESS_TEST(a_client_that_only_sends_keeps_its_connection),
      LIVENESS_TEST(a_server_that_reads_slowly_is_not_dead),
      LIVENESS_TEST(a_silent_server_is_not_asked_while_the_connection_closes),
      LIVENESS_TEST(a_ping_without_memory_ends_the_connection),
  };
  return cmocka_run_group_tests_name("client liveness", tests, NULL, NULL);
}
