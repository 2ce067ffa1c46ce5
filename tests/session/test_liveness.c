/* Liveness: pings in both directions, slow readers, and sessions whose input waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "world.h"

#define PING_MS 25000u
#define PONG_MS 10000u

static uint8_t got[1 << 20];

static void let_time_pass(unsigned times, uint64_t ms) {
  for (unsigned i = 0; i < times; i++) {
    world_advance_ms(ms);
  }
}

/* Both directions. */

static void test_a_peer_that_is_sent_nothing_is_pinged_however_much_it_sends(void **state) {
  (void)state;
  world_upgrade();
  for (unsigned i = 0; i < 20; i++) {
    world_send_frame(0x82, "here", 4);
    world_advance_ms(5000); /* it is heard all the time */
    if (world.session->pinged) {
      world_send_frame(0x8a, "", 0);
      world_turn();
    }
    assert_int_equal(world.pings, (i + 1) * 5000 / PING_MS);
  }
  assert_int_equal(world.closings, 0);
}

static void test_a_peer_that_is_not_heard_is_pinged_however_much_it_is_sent(void **state) {
  (void)state;
  world_upgrade();
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, stoa_bytes_make(NULL, 0)), STOA_OK);
    world_advance_ms(5000);
    assert_int_equal(world.pings, 0);
  }
  world_advance_ms(4999);
  assert_int_equal(world.pings, 0);
  world_advance_ms(1);
  assert_int_equal(world.pings, 1);
  world_receive(got, sizeof got);
  world_advance_ms(PONG_MS);
  world_expect_close(4012, "no pong in time");
}

/* As behind a proxy that ends silent connections soon. */
static void test_an_interval_shorter_than_the_wait_for_a_pong_is_kept(void **state) {
  (void)state;
  world.limits.ping_ms = 1000;
  world_upgrade();
  for (unsigned i = 1; i <= 20; i++) {
    world_advance_ms(1000);
    assert_int_equal(world.pings, i);
    assert_true(world.due_ms <= world.time.monotonic_ns / 1000000 + 1000); /* the host looks at it in time */
    world_send_frame(0x8a, "", 0);
    world_turn();
  }
  /* And a pong that does not come is missed as late as ever, without another ping. */
  world_advance_ms(1000);
  let_time_pass(PONG_MS / 1000 - 1, 1000);
  assert_int_equal(world.pings, 21);
  assert_int_equal(world.closings, 0);
  world_receive(got, sizeof got);
  world_advance_ms(1000);
  world_expect_close(4012, "no pong in time");
}

static void test_a_session_that_is_active_in_both_directions_is_not_pinged(void **state) {
  (void)state;
  world_upgrade();
  world.echo_times = 1;
  for (unsigned i = 0; i < 20; i++) {
    world_send_frame(0x82, "here", 4);
    world_advance_ms(20000);
  }
  assert_int_equal(world.pings, 0);
}

/* Batches of groups are something that it is sent too. */
static void test_messages_of_a_group_put_the_ping_off(void **state) {
  (void)state;
  world_upgrade();
  struct stoa_batch *batch = stoa_batch_create(100);
  assert_int_equal(stoa_buffer_append(&batch->bytes, "\x82\x00", 2), STOA_OK);
  for (unsigned i = 0; i < 20; i++) {
    world_send_frame(0x82, "here", 4);
    if (i % 2 == 0) {
      stoa_stream_output_shared(&world.session->stream, batch, 0, 2);
    } else {
      stoa_stream_output_queue(&world.session->stream, batch, 0, 2);
    }
    world_advance_ms(20000);
  }
  stoa_batch_unref(batch);
  assert_int_equal(world.pings, 0);
}

/* Unread input is no silence. */

/* The clock goes on while the worker is busy elsewhere: nobody has looked at what came. */
static void look(uint64_t ms) {
  world.time.monotonic_ns += ms * 1000000;
  uint64_t now_ms = world.time.monotonic_ns / 1000000;
  world.due_ms = stoa_session_on_deadline(world.session, now_ms);
  assert_true(world.due_ms > now_ms);
}

static void test_a_pong_that_lies_unread_in_the_socket_counts(void **state) {
  (void)state;
  world_upgrade();
  world_advance_ms(PING_MS);
  assert_true(world.session->pinged);
  world_send_frame(0x8a, "", 0);
  for (unsigned i = 0; i < 3; i++) {
    look(PONG_MS);
    assert_int_equal(world.closings, 0);
  }
  world_turn();
  assert_false(world.session->pinged);
  assert_int_equal(world.closings, 0);
}

static void test_a_session_on_the_ready_list_is_not_silent(void **state) {
  (void)state;
  world_upgrade();
  world_advance_ms(PING_MS);
  stoa_stream_yield(&world.session->stream);
  look(PONG_MS);
  assert_int_equal(world.closings, 0);
  world_turn();
  look(PING_MS);
  assert_int_equal(world.pings, 2);
  look(PONG_MS);
  assert_int_equal(world.closings, 1); /* there was nothing */
}

static void pause_for_program(struct stoa_stream *stream) {
  stoa_stream_pause(stream, STOA_PAUSE_PROGRAM);
}

static void test_unread_input_in_the_stash_counts(void **state) {
  (void)state;
  world_upgrade();
  world.act = pause_for_program;
  world_send_frame(0x82, "one", 3);
  world_send_frame(0x82, "two", 3);
  world_turn();
  assert_true(world.session->stream.input->stash.len > 0);
  let_time_pass(20, 10000);
  assert_int_equal(world.closings, 0);
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turns(2);
  assert_string_equal(world.heard, "one|two|");
}

static void test_a_paused_session_is_kept_while_something_of_it_is_unread_and_asked_on(void **state) {
  static const enum stoa_stream_pause reasons[] = {STOA_PAUSE_PROGRAM, STOA_PAUSE_CALLS};
  for (size_t i = 0; i < 2; i++) {
    world_upgrade();
    stoa_stream_pause(&world.session->stream, reasons[i]);
    world_turn();
    world_send_frame(0x82, "unread", 6);
    let_time_pass(100, 5000);
    assert_int_equal(world.closings, 0);
    /* Its pings go on: a peer that is gone answers them by a reset, or not at all. */
    assert_true(world.pings >= 500000 / (PING_MS + PONG_MS + 5000));
    stoa_stream_resume(&world.session->stream, reasons[i]);
    world_turns(2);
    assert_string_equal(world.heard, "unread|");
    world_end(state);
    world_begin(state);
  }
}

static void test_a_paused_session_without_unread_input_is_closed_for_its_silence(void **state) {
  (void)state;
  world_upgrade();
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turn();
  world_advance_ms(PING_MS);
  assert_int_equal(world.pings, 1);
  world_advance_ms(PONG_MS - 1);
  assert_int_equal(world.closings, 0);
  world_advance_ms(1);
  assert_int_equal(world.closings, 1);
  assert_int_equal(world.session->close_code, 4012);
}

/* Over TCP nothing tells at once: the next ping meets a socket that is closed. */
static void test_a_paused_session_whose_peer_has_gone_ends(void **state) {
  (void)state;
  world_use_tcp(65536);
  world_upgrade();
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turn();
  world_send_frame(0x82, "unread", 6);
  world_turn();
  close(world.peer);
  world.peer = -1;
  for (unsigned i = 0; i < 20 && !world.ended; i++) {
    world_advance_ms(5000);
  }
  assert_true(world.ended);
  assert_int_equal(world.close_code, 1006);
}

/* A message's time stands still while the session is not read for our sake. */
static void test_a_message_is_not_late_because_its_session_was_paused(void **state) {
  (void)state;
  world_upgrade();
  world_send_frame(0x01, "beg", 3);
  world_turn();
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turn();
  world_send_frame(0x80, "un", 2);
  let_time_pass(10, 10000);
  assert_int_equal(world.closings, 0);
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  look(1000); /* before its turn has come */
  assert_int_equal(world.closings, 0);
  world_turn();
  assert_string_equal(world.heard, "begun|");
}

static void test_a_paused_message_that_goes_on_has_its_time_again(void **state) {
  (void)state;
  world_upgrade();
  world_send_frame(0x01, "beg", 3);
  world_turn();
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turn();
  world_send_frame(0x00, "", 0);
  let_time_pass(10, 10000);
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turns(2);
  world_advance_ms(5000);
  assert_int_equal(world.closings, 0);
  world_send_frame(0x80, "un", 2);
  world_turn();
  assert_string_equal(world.heard, "begun|");
}

/* Slow readers over TCP. */

static size_t take_or_wait(size_t size) {
  ssize_t len = recv(world.peer, got, size < sizeof got ? size : sizeof got, 0);
  if (len <= 0) {
    struct pollfd poll_fd = {.fd = world.peer, .events = POLLIN};
    poll(&poll_fd, 1, 10);
  }
  return len > 0 ? (size_t)len : 0;
}

static void fill(size_t bytes) {
  static uint8_t message[4000];
  for (size_t sent = 0; sent < bytes; sent += sizeof message) {
    assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, stoa_bytes_make(message, 4000)),
                     STOA_OK);
  }
  world_turns(5);
}

/* It never answers a ping, for the first comes after all that it has not read yet. */
static void read_slowly(size_t bytes, uint64_t step_ms) {
  size_t received = 0;
  size_t passed = 0;
  while (received < bytes) {
    world_turn();
    received += take_or_wait(1000);
    /* Steps of the window are larger than those of the reader. */
    if (received - passed >= 64 * 1024) {
      passed = received;
      world_advance_ms(step_ms);
    }
    assert_int_equal(world.closings, 0);
  }
}

static void test_a_slow_reader_is_kept_while_its_kernel_takes_more(void **state) {
  (void)state;
  world_use_tcp(16384);
  world_upgrade();
  fill(900 * 1024);
  read_slowly(700 * 1024, PONG_MS - 1);
  assert_true(world.pings >= 1);
}

/* Nothing of it waits in the session any more: the rest lies in the two kernels. */
static void test_a_slow_reader_of_what_the_kernel_holds_is_kept_too(void **state) {
  (void)state;
  int large = 2 << 20;
  world_use_tcp(16384);
  setsockopt(world.session->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
  world_upgrade();
  fill(800 * 1024);
  if (stoa_stream_queued(&world.session->stream) > 0) {
    skip(); /* this machine does not allow such buffers */
  }
  read_slowly(600 * 1024, PONG_MS - 1);
  assert_true(world.pings >= 1);
}

static void test_a_reader_that_stops_is_closed_with_4012(void **state) {
  (void)state;
  world_use_tcp(16384);
  world_upgrade();
  fill(900 * 1024);
  read_slowly(200 * 1024, PONG_MS - 1);
  for (unsigned i = 0; i < 10 && world.closings == 0; i++) {
    world_advance_ms(PONG_MS);
  }
  assert_int_equal(world.closings, 1);
  assert_int_equal(world.session->close_code, 4012);
  world_advance_ms(5000);
  world_advance_ms(5000);
  assert_true(world.ended);
}

/* It sends all the time, and what it sends lies unread for its own fault. */
static void test_one_that_sends_but_does_not_read_is_closed_with_4012(void **state) {
  (void)state;
  static uint8_t payload[4000];
  static uint8_t frame[4016];
  world_use_tcp(16384);
  world_upgrade();
  world.echo_times = 8;
  size_t len = world_frame(frame, 0x82, payload, sizeof payload);
  size_t at = 0;
  ssize_t sent = 0;
  for (unsigned quiet = 0; quiet<5; quiet = sent> 0 ? 0 : quiet + 1) {
    sent = send(world.peer, frame + at, len - at, MSG_NOSIGNAL);
    at = sent > 0 ? (at + (size_t)sent) % len : at;
    world_turn();
  }
  assert_true(stoa_stream_has_unread(&world.session->stream));
  assert_int_equal(world.session->stream.pauses, STOA_PAUSE_OUTPUT);
  for (unsigned i = 0; i < 10 && world.closings == 0; i++) {
    world_advance_ms(PONG_MS);
  }
  assert_int_equal(world.closings, 1);
  assert_int_equal(world.session->close_code, 4012);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_peer_that_is_sent_nothing_is_pinged_however_much_it_sends),
      TEST(test_a_peer_that_is_not_heard_is_pinged_however_much_it_is_sent),
      TEST(test_an_interval_shorter_than_the_wait_for_a_pong_is_kept),
      TEST(test_a_session_that_is_active_in_both_directions_is_not_pinged),
      TEST(test_messages_of_a_group_put_the_ping_off),
      TEST(test_a_pong_that_lies_unread_in_the_socket_counts),
      TEST(test_a_session_on_the_ready_list_is_not_silent),
      TEST(test_unread_input_in_the_stash_counts),
      TEST(test_a_paused_session_is_kept_while_something_of_it_is_unread_and_asked_on),
      TEST(test_a_paused_session_without_unread_input_is_closed_for_its_silence),
      TEST(test_a_paused_session_whose_peer_has_gone_ends),
      TEST(test_a_message_is_not_late_because_its_session_was_paused),
      TEST(test_a_paused_message_that_goes_on_has_its_time_again),
      TEST(test_a_slow_reader_is_kept_while_its_kernel_takes_more),
      TEST(test_a_slow_reader_of_what_the_kernel_holds_is_kept_too),
      TEST(test_a_reader_that_stops_is_closed_with_4012),
      TEST(test_one_that_sends_but_does_not_read_is_closed_with_4012),
  };
  return cmocka_run_group_tests_name("liveness", tests, NULL, NULL);
}
