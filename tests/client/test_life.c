/* The states of a client: how it gets from one to the next, how it ends, and what its functions answer in each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>

#include "base/sys.h"
#include "client/client_private.h"
#include "peer.h"

#define JSON "Sec-WebSocket-Protocol: stoa.json\r\n"

static void a_close_waits_for_the_close_frame_of_the_server(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  stoa_client_send(peer->client, 9, NULL, &(struct stoa_bytes){(const uint8_t *)"last", 4});
  stoa_client_close(peer->client, 1000, "done");
  stoa_client_close(peer->client, 1001, "twice");
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
  assert_int_equal(peer_read(peer).opcode, STOA_WS_BINARY);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_CLOSE);
  assert_int_equal(frame.len, 6);
  assert_memory_equal(frame.data,
                      "\x03\xe8"
                      "done",
                      6);
  assert_int_equal(peer_change(peer)->state, STOA_CLIENT_CLOSING);
  assert_int_equal(stoa_client_send(peer->client, 9, NULL, &(struct stoa_bytes){NULL, 0}), STOA_E_CLOSED);
  peer_send_typed(peer, 4, 0, "still");
  peer_send_close(peer, 1000, "bye");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer->others, 1);
  assert_int_equal(peer_change(peer)->status, STOA_OK);
  assert_int_equal(peer_change(peer)->close_code, 1000);
  assert_string_equal(peer_change(peer)->reason, "bye");
}

static void a_server_that_does_not_answer_a_close_frame_is_disconnected(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  stoa_client_close(peer->client, 1000, NULL);
  struct peer_frame frame = peer_read(peer);
  assert_memory_equal(frame.data, "\x03\xe8", 2);
  peer_advance_ms(peer, 3100);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->status, STOA_E_TIMEOUT);
  assert_int_equal(peer_change(peer)->close_code, 1006);
}

/* What a program asks for, and what the server is sent. */
static void expect_close_frame(struct peer *peer, uint16_t code, const char *reason, uint16_t sent_code,
                               size_t sent_len) {
  peer_open_client(peer, NULL);
  peer_open(peer);
  stoa_client_close(peer->client, code, reason);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_CLOSE);
  assert_int_equal(frame.data[0] << 8 | frame.data[1], sent_code);
  assert_int_equal(frame.len, 2 + sent_len);
  if (sent_len > 0) {
    assert_memory_equal(frame.data + 2, reason, sent_len);
  }
  assert_int_equal(peer_change(peer)->state, STOA_CLIENT_CLOSING);
  assert_int_equal(peer_change(peer)->close_code, sent_code);
  peer_send_close(peer, sent_code, NULL);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->status, STOA_OK);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  peer->change_count = 0;
}

static void only_codes_of_programs_are_sent(void **state) {
  static const uint16_t own[] = {1000, 3000, 3999, 4000, 4014, 4500, 4999};
  static const uint16_t others[] = {0,    1,    77,   999,  1001, 1002, 1003, 1004, 1005, 1006, 1007,      1008,
                                    1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 2999, 5000, UINT16_MAX};
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    expect_close_frame(*state, own[i], "why", own[i], 3);
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    expect_close_frame(*state, others[i], "why", 1000, 3);
  }
}

static void a_reason_is_cut_between_characters_and_left_out_when_it_is_not_utf8(void **state) {
  char reason[200];
  memset(reason, 'a', sizeof reason);
  reason[123] = '\0';
  expect_close_frame(*state, 4000, reason, 4000, 123);
  reason[123] = 'a';
  reason[199] = '\0';
  expect_close_frame(*state, 4000, reason, 4000, 123);
  memcpy(reason + 120, "\xf0\x9f\x98\x80", 4); /* the 124th byte is its last */
  expect_close_frame(*state, 4000, reason, 4000, 120);
  expect_close_frame(*state, 4000, "half \xf0\x9f", 4000, 0);
  expect_close_frame(*state, 4000, "\xff", 4000, 0);
  expect_close_frame(*state, 4000, "", 4000, 0);
}

static void a_client_ends_in_whatever_state_it_is_closed(void **state) {
  struct peer *peer = *state;
  static const struct stoa_client_callbacks none;
  const struct stoa_client_options options = peer_options(peer);
  assert_int_equal(stoa_client_create_with(&options, &none, &peer->clock, &peer->client), STOA_OK);
  stoa_client_close(peer->client, 1000, NULL);
  peer_step(peer);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_ENDED);
  assert_int_equal(stoa_client_open(peer->client), STOA_OK);
  assert_int_equal(stoa_client_open(peer->client), STOA_E_EXISTS);
  peer_step(peer);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_ENDED);
  stoa_client_destroy(peer->client);

  peer_open_client(peer, NULL);
  peer_accept(peer);
  stoa_client_close(peer->client, 1000, NULL);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->close_code, 0);
  stoa_client_destroy(peer->client);

  peer_open_client(peer, NULL);
  peer_accept(peer);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  stoa_client_close(peer->client, 1000, NULL);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->status, STOA_OK);
}

static void invoke(stoa_client_function function, void *user, struct stoa_client *client,
                   const struct stoa_call_end *end) {
  unsigned *ends = user;
  (void)function;
  (void)client;
  assert_int_not_equal(end->result, STOA_CALL_REPLY);
  ++*ends;
}

/* What each function answers in this state: the first time, and when it is asked again. */
static void expect_answers(struct peer *peer, enum stoa_client_state state, int sent) {
  static unsigned ends;
  const struct stoa_bytes payload = {(const uint8_t *)"x", 1};
  struct stoa_call_start call = {.type = 5, .request = &payload, .invoke = invoke, .user = &ends};
  assert_int_equal(stoa_client_state(peer->client), state);
  for (unsigned i = 0; i < 3; i++) {
    uint32_t id = 77;
    assert_int_equal(stoa_client_send(peer->client, 5, NULL, &payload), sent);
    assert_int_equal(stoa_client_send(peer->client, STOA_TYPE_MAX + 1, NULL, &payload), STOA_E_ARGUMENT);
    call.invoke = NULL;
    assert_int_equal(stoa_client_call(peer->client, &call, &id), STOA_E_ARGUMENT);
    assert_int_equal(id, 77);
    call.invoke = invoke;
    assert_int_equal(stoa_client_call(peer->client, &call, &id), sent);
    assert_true(sent == STOA_OK ? id != 77 : id == 77);
    assert_int_equal(stoa_client_cancel(peer->client, id), STOA_OK);
    assert_int_equal(stoa_client_cancel(peer->client, 0), STOA_OK);
    if (state != STOA_CLIENT_IDLE) {
      assert_int_equal(stoa_client_open(peer->client), STOA_E_EXISTS);
    }
    assert_int_equal(stoa_client_state(peer->client), state);
  }
}

static void every_function_answers_the_same_for_as_long_as_a_state_lasts(void **state) {
  struct peer *peer = *state;
  const struct stoa_client_options options = peer_options(peer);
  peer_create_client(peer, &options);
  expect_answers(peer, STOA_CLIENT_IDLE, STOA_E_CLOSED);
  assert_int_equal(stoa_client_open(peer->client), STOA_OK);
  peer_step(peer);
  expect_answers(peer, STOA_CLIENT_CONNECTING, STOA_E_CLOSED);
  peer_accept(peer);
  expect_answers(peer, STOA_CLIENT_CONNECTING, STOA_E_CLOSED);
  peer_answer(peer, JSON);
  peer_await(peer, STOA_CLIENT_OPEN);
  expect_answers(peer, STOA_CLIENT_OPEN, STOA_OK);
  peer_step(peer);
  expect_answers(peer, STOA_CLIENT_OPEN, STOA_OK);
  peer_send_close(peer, 1000, "");
  peer_await(peer, STOA_CLIENT_CLOSING);
  expect_answers(peer, STOA_CLIENT_CLOSING, STOA_E_CLOSED);
  peer_step(peer);
  expect_answers(peer, STOA_CLIENT_CLOSING, STOA_E_CLOSED);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  expect_answers(peer, STOA_CLIENT_WAITING, STOA_E_CLOSED);
  peer_advance_ms(peer, 1100);
  peer_open(peer);
  expect_answers(peer, STOA_CLIENT_OPEN, STOA_OK);
  stoa_client_close(peer->client, 1000, NULL);
  peer_await(peer, STOA_CLIENT_CLOSING);
  expect_answers(peer, STOA_CLIENT_CLOSING, STOA_E_CLOSED);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  expect_answers(peer, STOA_CLIENT_ENDED, STOA_E_CLOSED);
}

static ssize_t fail_send(int fd, const void *data, size_t len, int flags) {
  (void)fd;
  (void)data;
  (void)len;
  (void)flags;
  errno = EPIPE;
  return -1;
}

static ssize_t fail_sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)message;
  return fail_send(fd, NULL, 0, flags);
}

/* Until the reason of the server is read, the client does not know that it is over, and no answer changes meanwhile. */
static void a_connection_that_accepts_nothing_more_stays_open_until_its_end_is_seen(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  stoa_sys.send = fail_send;
  stoa_sys.sendmsg = fail_sendmsg;
  expect_answers(peer, STOA_CLIENT_OPEN, STOA_OK);
  peer_step(peer);
  assert_true(peer->client->deaf);
  for (unsigned i = 0; i < 3; i++) {
    expect_answers(peer, STOA_CLIENT_OPEN, STOA_OK);
    peer_step(peer);
  }
  stoa_sys = stoa_sys_real;
  peer_send_close(peer, 4500, "kicked");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->close_code, 4500);
  assert_string_equal(peer_change(peer)->reason, "kicked");
  assert_int_equal(atomic_load(&peer->client->outgoing), 0);
  assert_int_equal(atomic_load(&peer->client->calls), 0);
}

#define TRACE_BYTES_MAX 16384
#define POOL_BYTES 512 /* of stoa_random_pooled() */

struct trace {
  char bytes[TRACE_BYTES_MAX];
  size_t len;
};

static void note(struct trace *trace, const void *data, size_t len) {
  assert_true(trace->len + len <= sizeof trace->bytes);
  memcpy(trace->bytes + trace->len, data, len);
  trace->len += len;
}

static void note_frame(struct peer *peer, struct trace *trace, enum stoa_ws_opcode opcode) {
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, opcode);
  note(trace, frame.mask, sizeof frame.mask);
  note(trace, frame.data, frame.len);
}

static uint64_t seed;

static ssize_t seeded_getrandom(void *data, size_t len, unsigned flags) {
  (void)flags;
  for (size_t i = 0; i < len; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    ((uint8_t *)data)[i] = (uint8_t)(seed >> 56);
  }
  return (ssize_t)len;
}

/* Random bytes from the seed, and none from before. */
static void sow(uint64_t from) {
  uint8_t left_over[POOL_BYTES];
  seed = from;
  stoa_sys.getrandom = seeded_getrandom;
  assert_int_equal(stoa_random_pooled(left_over, sizeof left_over), STOA_OK);
}

static void note_opening(struct peer *peer, struct trace *trace) {
  peer_accept(peer);
  note(trace, peer->head, strlen(peer->head));
  peer_answer(peer, JSON "Stoa-Ping-Interval: 25000\r\n");
  peer_await(peer, STOA_CLIENT_OPEN);
}

/* Connect, say something, hear nothing, ask, give up, wait, return, and close: 46 seconds and more, at once. */
static void live(struct peer *peer, uint64_t from, struct trace *trace) {
  const struct stoa_bytes payload = {(const uint8_t *)"x", 1};
  trace->len = 0;
  peer->time.monotonic_ns = 1000000000;
  sow(from);
  peer_open_client(peer, NULL);
  note_opening(peer, trace);
  assert_int_equal(stoa_client_send(peer->client, 5, NULL, &payload), STOA_OK);
  note_frame(peer, trace, STOA_WS_BINARY);
  peer_advance_ms(peer, 35020);
  note_frame(peer, trace, STOA_WS_PING);
  peer_advance_ms(peer, 10020);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  uint32_t delay_ms = peer_change(peer)->retry_ms;
  note(trace, &delay_ms, sizeof delay_ms);
  peer_advance_ms(peer, delay_ms + 20);
  note_opening(peer, trace);
  stoa_client_close(peer->client, 4000, "done");
  note_frame(peer, trace, STOA_WS_CLOSE);
  peer_send_close(peer, 4000, "");
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  stoa_sys = stoa_sys_real;
}

static void the_same_clock_and_random_bytes_give_the_same_run(void **state) {
  static struct trace first, again, other;
  live(*state, 1, &first);
  live(*state, 1, &again);
  live(*state, 2, &other);
  assert_int_equal(first.len, again.len);
  assert_memory_equal(first.bytes, again.bytes, first.len);
  assert_int_equal(first.len, other.len);
  assert_memory_not_equal(first.bytes, other.bytes, first.len);
}

#define LIFE_TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LIFE_TEST(a_close_waits_for_the_close_frame_of_the_server),
      LIFE_TEST(a_server_that_does_not_answer_a_close_frame_is_disconnected),
      LIFE_TEST(only_codes_of_programs_are_sent),
      LIFE_TEST(a_reason_is_cut_between_characters_and_left_out_when_it_is_not_utf8),
      LIFE_TEST(a_client_ends_in_whatever_state_it_is_closed),
      LIFE_TEST(every_function_answers_the_same_for_as_long_as_a_state_lasts),
      LIFE_TEST(the_same_clock_and_random_bytes_give_the_same_run),
      LIFE_TEST(a_connection_that_accepts_nothing_more_stays_open_until_its_end_is_seen),
  };
  return cmocka_run_group_tests_name("client life", tests, NULL, NULL);
}
