/* Messages between one client and its session. */
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
#include <zlib.h>

#include "base/memory.h"
#include "base/sys.h"
#include "world.h"

static void test_a_handshake_may_come_byte_by_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < WORLD_UPGRADE_HEAD_LEN; i++) {
    world_send_bytes(world_upgrade_head + i, 1);
    world_turn();
  }
  assert_int_equal(world.requests, 1);
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
  assert_null(world.session->stream.input); /* an idle session owns nothing */
  assert_null(world.session->stream.queue);
}

static void test_frames_may_follow_the_handshake_in_one_piece(void **state) {
  (void)state;
  uint8_t bytes[256];
  memcpy(bytes, world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  size_t len = WORLD_UPGRADE_HEAD_LEN;
  len += world_frame(bytes + len, 0x81, "one", 3);
  len += world_frame(bytes + len, 0x82, "two", 3);
  world_send_bytes(bytes, len);
  world_turn();
  assert_string_equal(world.heard, "one|two|");
}

static void test_frames_may_come_in_any_pieces(void **state) {
  (void)state;
  world_upgrade();
  for (size_t size = 1; size < 20; size++) {
    uint8_t bytes[256];
    size_t len = world_frame(bytes, 0x01, "frag", 4);
    len += world_frame(bytes + len, 0x89, "ping", 4);
    len += world_frame(bytes + len, 0x00, "", 0);
    len += world_frame(bytes + len, 0x80, "ments", 5);
    len += world_frame(bytes + len, 0x82, "whole", 5);
    world.heard[0] = '\0';
    memset(world.heard, 0, sizeof world.heard);
    for (size_t at = 0; at < len; at += size) {
      world_send_bytes(bytes + at, len - at < size ? len - at : size);
      world_turn();
    }
    assert_string_equal(world.heard, "fragments|whole|");
    world_expect_bytes("\x8a\x04ping", 6);
    assert_null(world.session->stream.input);
    assert_null(world.session->stream.queue);
  }
}

static void test_several_requests_may_share_a_connection(void **state) {
  (void)state;
  static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  static const char last[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  uint8_t got[512];
  for (int i = 0; i < 3; i++) {
    world_send_bytes(get, sizeof get - 1);
  }
  world_turn();
  assert_int_equal(world.requests, 3);
  world_advance_ms(9000);
  world_send_bytes(get, sizeof get - 1);
  world_turn();
  world_advance_ms(9000); /* each has its own time */
  assert_false(world.ended);
  world_send_bytes(last, sizeof last - 1);
  world_turn();
  assert_int_equal(world.requests, 5);
  assert_int_equal(world_receive(got, sizeof got), 5 * strlen("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  assert_true(world_peer_sees_end());
  assert_int_equal(world.closings, 0); /* it never was open */
}

static void test_a_bad_request_is_answered_and_ends(void **state) {
  (void)state;
  uint8_t got[512];
  world_send_bytes("NONSENSE\n\n", 10);
  world_turn();
  assert_true(world_receive(got, sizeof got) > 12);
  assert_memory_equal(got, "HTTP/1.1 400", 12);
  assert_true(world_peer_sees_end());
}

static void test_the_peers_close_is_repeated_whatever_its_code(void **state) {
  (void)state;
  static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    uint8_t body[] = {(uint8_t)(codes[i] >> 8), (uint8_t)codes[i], 'b', 'y', 'e'};
    world_upgrade();
    world_send_frame(0x88, body, sizeof body);
    world_send_frame(0x82, "ignored", 7);
    world_turn();
    world_expect_close(codes[i], "bye");
    assert_string_equal(world.close_reason, "bye");
    assert_int_equal(world.messages, 0);
    world_end(state);
    world_begin(state);
  }
  world_upgrade();
  world_send_frame(0x88, "", 0);
  world_turn();
  world_expect_bytes("\x88\x00", 2);
}

static void test_a_protocol_error_closes_after_what_came_before_was_handled(void **state) {
  (void)state;
  world_upgrade();
  world.echo_times = 1;
  world_send_frame(0x82, "fine", 4);
  world_send_frame(0x83, "not", 3);
  world_turn();
  uint8_t got[256];
  assert_true(world_receive(got, sizeof got) > 8);
  assert_memory_equal(got,
                      "\x82\x04"
                      "fine\x88",
                      7);
  assert_int_equal(got[8] << 8 | got[9], 1002);
  assert_true(world_peer_sees_end());
}

/* RFC 6455 7.1.1: the server ends the connection once both close frames are there; 7.1.4: what comes before is not
 * looked at. */
static void test_the_hosts_close_waits_for_the_peers_close_frame(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4999, "done");
  stoa_session_close(world.session, 4998, "twice");
  world_turn();
  world_expect_bytes(
      "\x88\x06\x13\x87"
      "done",
      8);
  assert_int_equal(world.closings, 1);
  world_send_frame(0x82, "still here!!!", 13);
  world_send_frame(0x89, "ping", 4);
  world_turn();
  assert_int_equal(world.messages, 0);
  assert_int_equal(world_receive((uint8_t[1]){0}, 1), 0);
  assert_false(world_peer_sees_end());
  world_send_frame(0x88, "\x03\xe8", 2);
  world_turns(2);
  assert_true(world_peer_sees_end());
  close(world.peer);
  world_turn();
  assert_true(world.ended);
  assert_int_equal(world.close_code, 4999);
  world.peer = -1;
}

static void test_the_hosts_close_waits_for_the_peer_and_then_no_longer(void **state) {
  (void)state;
  world_upgrade();
  stoa_session_close(world.session, 4999, "done");
  world_turn();
  world_expect_bytes(
      "\x88\x06\x13\x87"
      "done",
      8);
  world_advance_ms(4999);
  assert_false(world_peer_sees_end());
  world_advance_ms(1);
  assert_true(world_peer_sees_end());
  assert_false(world.ended);
  world_advance_ms(1999);
  assert_false(world.ended);
  world_advance_ms(2);
  assert_true(world.ended);
  assert_int_equal(world.close_code, 4999);
  assert_string_equal(world.close_reason, "done");
}

static void test_a_handler_may_close_while_it_looks_at_a_message(void **state) {
  (void)state;
  world_upgrade();
  world.close_on_message = true;
  world_send_frame(0x01, "in ", 3); /* gathered: the message lies in the session's own buffer */
  world_turn();
  world_send_frame(0x80, "pieces", 6);
  world_send_frame(0x82, "more", 4);
  world_turn();
  assert_string_equal(world.heard, "in pieces|");
  world_expect_close(4000, "closed by the handler");
}

static void test_a_connection_that_breaks_is_1006(void **state) {
  (void)state;
  world_upgrade();
  close(world.peer);
  world_turn();
  assert_true(world.ended);
  assert_int_equal(world.close_code, 1006);
  assert_int_equal(world.closings, 1);
  world.peer = -1;
}

/* Compression. */

static void test_compressed_messages_are_heard_and_answered_compressed(void **state) {
  (void)state;
  static uint8_t text[20000];
  uint8_t packed[2000];
  uint8_t got[2000];
  memset(text, 'z', sizeof text);
  world_use_deflate();
  world.echo_times = 1;
  size_t len = world_deflate_raw(text, sizeof text, packed, sizeof packed);
  world_send_frame(0x41, packed, 5);
  world_send_frame(0x00, packed + 5, len - 6);
  world_turn();
  world_send_frame(0x80, packed + len - 1, 1);
  world_turn();
  assert_string_equal(world.heard, "20000|");
  size_t back = world_receive(got, sizeof got);
  assert_true(back > 2 && back < 200);
  assert_int_equal(got[0], 0xc1);
  assert_null(world.session->stream.input);
  assert_non_null(world.host.spare_inflater);
}

static void test_what_inflates_past_the_limit_is_1009(void **state) {
  (void)state;
  static uint8_t zeros[MESSAGE_BYTES_MAX + 1];
  uint8_t packed[1000];
  world_use_deflate();
  size_t len = world_deflate_raw(zeros, sizeof zeros, packed, sizeof packed);
  world_send_frame(0xc2, packed, len);
  world_turn();
  world_expect_close(1009, "message too big");
}

static void test_invalid_deflate_data_is_1007(void **state) {
  (void)state;
  world_use_deflate();
  world_send_frame(0xc2, "\xff\xff\xff\xff", 4);
  world_turn();
  world_expect_close(1007, "not deflate data");
}

static void test_compressed_text_must_be_utf8(void **state) {
  (void)state;
  uint8_t packed[100];
  world_use_deflate();
  size_t len = world_deflate_raw("caf\xe9", 4, packed, sizeof packed);
  world_send_frame(0xc1, packed, len);
  world_turn();
  world_expect_close(1007, "text is not UTF-8");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_handshake_may_come_byte_by_byte),
      TEST(test_frames_may_follow_the_handshake_in_one_piece),
      TEST(test_frames_may_come_in_any_pieces),
      TEST(test_several_requests_may_share_a_connection),
      TEST(test_a_bad_request_is_answered_and_ends),
      TEST(test_the_peers_close_is_repeated_whatever_its_code),
      TEST(test_a_protocol_error_closes_after_what_came_before_was_handled),
      TEST(test_the_hosts_close_waits_for_the_peers_close_frame),
      TEST(test_the_hosts_close_waits_for_the_peer_and_then_no_longer),
      TEST(test_a_handler_may_close_while_it_looks_at_a_message),
      TEST(test_a_connection_that_breaks_is_1006),
      TEST(test_compressed_messages_are_heard_and_answered_compressed),
      TEST(test_what_inflates_past_the_limit_is_1009),
      TEST(test_invalid_deflate_data_is_1007),
      TEST(test_compressed_text_must_be_utf8),
  };
  return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
