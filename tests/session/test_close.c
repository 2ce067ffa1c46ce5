/* The close handshake, and what sending answers before, in and after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "world.h"

/* Codes. */

/* RFC 6455 7.4.1 and 7.4.2: these stand for what was not sent, or for nothing at all. */
static void test_codes_that_must_not_be_sent_never_are(void **state) {
  static const uint16_t codes[] = {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    world_upgrade();
    stoa_session_close(world.session, codes[i], "said");
    world_turn();
    world_expect_close(1011, "said");
    world_end(state);
    world_begin(state);
  }
}

static void test_codes_of_programs_are_sent_as_they_are(void **state) {
  static const uint16_t codes[] = {1000, 1001, 1003, 1007, 1008, 1009, 1011, 3000, 3999, 4000, 4503, 4999};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    world_upgrade();
    stoa_session_close(world.session, codes[i], NULL);
    world_turn();
    world_expect_close(codes[i], "");
    world_end(state);
    world_begin(state);
  }
}

static void test_a_reason_is_cut_to_what_a_close_frame_holds(void **state) {
  (void)state;
  char reason[400];
  uint8_t got[200];
  memset(reason, 'r', sizeof reason - 1);
  reason[sizeof reason - 1] = '\0';
  world_upgrade();
  stoa_session_close(world.session, 4000, reason);
  world_turn();
  assert_int_equal(world_receive(got, sizeof got), 127);
  assert_int_equal(got[1], 125);
}

/* The peer's close frame. */

static void test_while_the_close_frame_is_waited_for_nothing_is_answered(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4000, "");
  world_turn();
  world_expect_bytes("\x88\x02\x0f\xa0", 4);
  for (unsigned i = 0; i < 5; i++) {
    world_send_frame(0x82, "message", 7);
    world_send_frame(0x89, "ping", 4);
    world_send_frame(0x01, "begun", 5);
    world_send_frame(0x80, "ended", 5);
    world_turn();
  }
  assert_int_equal(world.messages, 0);
  assert_int_equal(world_receive((uint8_t[1]){0}, 1), 0);
  assert_false(world_peer_sees_end());
  world_send_frame(0x88, "\x03\xe8", 2);
  world_turns(2);
  assert_true(world_peer_sees_end());
  shutdown(world.peer, SHUT_WR);
  world_turns(2);
  assert_true(world.ended);
  assert_int_equal(world.close_code, 4000); /* the first one stands */
}

static void test_what_came_before_the_close_but_was_not_handled_is_thrown_away(void **state) {
  (void)state;
  world_upgrade();
  world.close_on_message = true;
  world_send_frame(0x82, "one", 3);
  world_send_frame(0x82, "two", 3);
  world_send_frame(0x89, "ping", 4);
  world_send_frame(0x88, "\x03\xe8", 2);
  world_turns(2);
  assert_string_equal(world.heard, "one|");
  world_expect_close(4000, "closed by the handler");
}

/* Whatever it was paused for: the peer's close frame is read. */
static void test_a_paused_session_closes_like_any_other(void **state) {
  static const enum stoa_stream_pause reasons[] = {STOA_PAUSE_CALLS, STOA_PAUSE_PROGRAM, STOA_PAUSE_ADMISSION};
  for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
    world_upgrade();
    stoa_stream_pause(&world.session->stream, reasons[i]);
    world_turn();
    world_send_frame(0x82, "unread", 6);
    world_turn();
    stoa_session_close(world.session, 4000, "");
    world_turns(2);
    assert_int_equal(world.messages, 0);
    world_expect_close(4000, "");
    world_end(state);
    world_begin(state);
  }
}

static void test_a_peer_that_is_never_silent_but_never_closes_has_five_seconds(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4000, "");
  world_turn();
  world_expect_bytes("\x88\x02\x0f\xa0", 4);
  for (unsigned i = 0; i < 4; i++) {
    world_send_frame(0x82, "on and on", 9);
    world_advance_ms(1000);
    assert_false(world_peer_sees_end());
  }
  world_send_frame(0x82, "on and on", 9);
  world_advance_ms(1000);
  assert_true(world_peer_sees_end());
  world_send_frame(0x82, "on and on", 9);
  world_advance_ms(2000);
  assert_true(world.ended);
  assert_int_equal(world.messages, 0);
}

static void test_a_peer_that_leaves_without_its_close_frame_ends_the_wait(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4000, "");
  world_turn();
  shutdown(world.peer, SHUT_WR);
  world_turns(2);
  assert_true(world.ended);
  assert_int_equal(world.close_code, 4000);
  assert_int_equal(world.closings, 1);
}

static void test_an_invalid_frame_ends_the_wait(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4000, "");
  world_turn();
  world_expect_bytes("\x88\x02\x0f\xa0", 4);
  world_send_frame(0x83, "not a frame", 11);
  world_turns(2);
  assert_true(world_peer_sees_end()); /* and no second close frame */
}

/* What sending answers. */

static const struct stoa_bytes empty = {NULL, 0};
static uint8_t large_bytes[20000]; /* written from where it lies */

static void expect_sends(int status) {
  const struct stoa_bytes large = {large_bytes, sizeof large_bytes};
  struct stoa_stream *stream = &world.session->stream;
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, empty), status);
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, large), status);
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_PING, empty), status);
  assert_int_equal(stoa_stream_output_bytes(stream, "", 1), status);
  assert_int_equal(stoa_stream_output_status(stream), status);
  assert_true((stoa_stream_output_begin(stream) != NULL) == (status == STOA_OK));
}

static void expect_nothing_more(void) {
  size_t queued = stoa_stream_queued(&world.session->stream);
  expect_sends(STOA_E_CLOSED);
  assert_int_equal(stoa_stream_queued(&world.session->stream), queued);
}

static void test_after_the_own_close_every_send_is_closed(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4000, "");
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, empty), STOA_E_CLOSED);
  world_turn();
  assert_int_equal(world.session->state, STOA_SESSION_CLOSING);
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, empty), STOA_E_CLOSED);
  world_send_frame(0x88, "", 0);
  world_turn();
  assert_int_equal(world.session->state, STOA_SESSION_ENDED);
  expect_nothing_more();
}

static void send_in_closing(struct stoa_session *session) {
  (void)session;
  world.closings++;
  expect_nothing_more();
}

/* The first send too: a peer that has gone is no lack of memory. */
static void test_after_the_peers_close_every_send_is_closed(void **state) {
  (void)state;
  world_upgrade();
  world_send_frame(0x88, "\x03\xe8", 2);
  world_turn();
  assert_int_equal(world.session->state, STOA_SESSION_ENDED);
  expect_nothing_more();
  world_turn();
  assert_int_equal(world.session->stream.state, STOA_STREAM_HALF_CLOSED);
  expect_nothing_more();
}

static void test_after_the_peer_has_gone_every_send_is_closed(void **state) {
  (void)state;
  world_upgrade();
  world.host.on_closing = send_in_closing;
  shutdown(world.peer, SHUT_WR);
  world_turn();
  assert_int_equal(world.closings, 1);
  assert_true(world.ended);
}

static ssize_t broken_send(int fd, const void *data, size_t len, int flags) {
  (void)fd;
  (void)data;
  (void)len;
  (void)flags;
  errno = EPIPE;
  return -1;
}

static ssize_t broken_sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)fd;
  (void)message;
  (void)flags;
  errno = ECONNRESET;
  return -1;
}

static void test_on_a_broken_connection_every_send_is_closed(void **state) {
  (void)state;
  const struct stoa_bytes large = {large_bytes, sizeof large_bytes};
  world_upgrade();
  stoa_sys.send = broken_send;
  stoa_sys.sendmsg = broken_sendmsg;
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, large), STOA_E_CLOSED);
  expect_sends(STOA_E_CLOSED);
  world_turn();
  assert_true(world.ended);
  assert_int_equal(world.close_code, 1006);
}

static void test_at_the_queues_cap_every_send_is_a_limit(void **state) {
  (void)state;
  const struct stoa_bytes large = {large_bytes, sizeof large_bytes};
  world_upgrade();
  while (stoa_stream_queued(&world.session->stream) < QUEUE_BYTES_MAX) {
    assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, large), STOA_OK);
  }
  expect_sends(STOA_E_LIMIT);
  world_turn();
  assert_int_equal(world.closings, 1);
  assert_int_equal(world.session->close_code, 4008);
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, empty), STOA_E_CLOSED);
}

static void test_when_half_a_message_found_no_memory_every_send_is_memory(void **state) {
  (void)state;
  const struct stoa_bytes large = {large_bytes, sizeof large_bytes};
  world_upgrade();
  while (stoa_stream_queued(&world.session->stream) == 0) {
    assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, large), STOA_OK);
  }
  world_turn(); /* part of it is out */
  stoa_stream_doom(&world.session->stream, STOA_FATE_MEMORY);
  expect_sends(STOA_E_MEMORY);
  world_turns(2);
  assert_true(world.ended);
  assert_int_equal(world.close_code, 1011);
}

static void test_a_message_that_finds_no_memory_is_refused_alone(void **state) {
  (void)state;
  world_upgrade();
  static const uint8_t bytes[3000];
  const struct stoa_bytes message = {bytes, sizeof bytes};
  unsigned refused = 0;
  for (uint64_t n = 1; n < 20; n++) {
    uint8_t got[8192];
    stoa_memory_fail_at(n, false);
    int status = stoa_session_output_message(world.session, STOA_WS_BINARY, message);
    bool failed = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    assert_int_equal(status, status == STOA_OK ? STOA_OK : STOA_E_MEMORY);
    refused += status == STOA_E_MEMORY;
    world_turn();
    if (world.ended) {
      assert_int_equal(world.close_code, 1011);
      world_end(state);
      world_begin(state);
      world_upgrade();
    } else {
      size_t len = world_receive(got, sizeof got);
      assert_int_equal(len, status == STOA_OK ? sizeof bytes + 4 : 0); /* all of it or nothing */
    }
    if (!failed) {
      break;
    }
  }
  assert_true(refused > 0);
}

static void test_a_lost_message_closes_with_4010(void **state) {
  (void)state;
  world_upgrade();
  stoa_stream_doom(&world.session->stream, STOA_FATE_SLOW);
  stoa_stream_doom(&world.session->stream, STOA_FATE_LOST);
  stoa_stream_doom(&world.session->stream, STOA_FATE_SLOW); /* a graver one stands */
  expect_sends(STOA_E_CLOSED);
  world_turn();
  world_expect_close(4010, "messages were lost");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_codes_that_must_not_be_sent_never_are),
      TEST(test_codes_of_programs_are_sent_as_they_are),
      TEST(test_a_reason_is_cut_to_what_a_close_frame_holds),
      TEST(test_while_the_close_frame_is_waited_for_nothing_is_answered),
      TEST(test_what_came_before_the_close_but_was_not_handled_is_thrown_away),
      TEST(test_a_paused_session_closes_like_any_other),
      TEST(test_a_peer_that_is_never_silent_but_never_closes_has_five_seconds),
      TEST(test_a_peer_that_leaves_without_its_close_frame_ends_the_wait),
      TEST(test_an_invalid_frame_ends_the_wait),
      TEST(test_after_the_own_close_every_send_is_closed),
      TEST(test_after_the_peers_close_every_send_is_closed),
      TEST(test_after_the_peer_has_gone_every_send_is_closed),
      TEST(test_on_a_broken_connection_every_send_is_closed),
      TEST(test_at_the_queues_cap_every_send_is_a_limit),
      TEST(test_when_half_a_message_found_no_memory_every_send_is_memory),
      TEST(test_a_message_that_finds_no_memory_is_refused_alone),
      TEST(test_a_lost_message_closes_with_4010),
  };
  return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
