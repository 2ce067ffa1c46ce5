/* A peer that does not read, one that is silent, and running out of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/sys.h"
#include "session/input.h"
#include "world.h"

/* 16 MiB of echo to a peer that does not read until the end. */
static void test_a_peer_that_does_not_read_is_not_read_from(void **state) {
  (void)state;
  enum { MESSAGES = 4000, LEN = 4096 };
  static uint8_t frame[LEN + 16];
  static uint8_t payload[LEN];
  static uint8_t got[1 << 20];
  world_upgrade();
  world.echo_times = 1;
  size_t len = world_frame(frame, 0x82, payload, LEN);
  size_t sent = 0;
  size_t total = len * MESSAGES;
  size_t received = 0;
  int idle = 0;
  while (received < (size_t)MESSAGES * (LEN + 4)) {
    bool moved = false;
    while (sent < total) {
      ssize_t now = send(world.peer, frame + sent % len, len - sent % len, MSG_NOSIGNAL);
      if (now < 0) {
        break;
      }
      sent += (size_t)now;
      moved = true;
      world_turn();
    }
    world_turn();
    if (!moved && ++idle > 3) { /* nothing goes any more: read */
      received += world_receive(got, sizeof got);
    }
  }
  assert_int_equal(world.messages, MESSAGES);
  assert_true(world.memory_max <= STOA_STREAM_PAUSE_BYTES + LEN + 4);
  assert_int_equal(world.session->stream.pauses, 0);
  world_turns(3);
  assert_null(world.session->stream.queue);
  assert_null(world.session->stream.input);
}

/* While it is paused its pongs wait unread in the kernel; that it takes what it is sent must do. */
static void test_a_peer_that_reads_slowly_is_alive(void **state) {
  (void)state;
  enum { LEN = 4096 };
  static uint8_t frame[LEN + 16];
  static uint8_t payload[LEN];
  static uint8_t got[64 * 1024];
  world_upgrade();
  world.echo_times = 100;
  size_t len = world_frame(frame, 0x82, payload, LEN);
  while ((world.session->stream.pauses & STOA_PAUSE_OUTPUT) == 0) {
    assert_int_equal(send(world.peer, frame, len, MSG_NOSIGNAL), len);
    world_turn();
  }
  unsigned rounds = 0;
  while ((world.session->stream.pauses & STOA_PAUSE_OUTPUT) != 0) {
    /* Long enough for a ping in one round and for its pong to be missed in the next. */
    world_advance_ms(world.limits.ping_ms - 1);
    assert_int_equal(world.closings, 0);
    while (world_receive(got, sizeof got) > 0) {
    }
    world_turn();
    rounds++;
  }
  assert_true(rounds >= 2);
}

static void test_a_piece_that_finds_no_memory_is_answered_by_1011(void **state) {
  (void)state;
  world_upgrade();
  stoa_memory_fail_at(1, false);
  world_send_bytes("\x82", 1);
  world_turns(2);
  assert_int_equal(stoa_memory_fault_hits(), 1);
  stoa_memory_fail_at(0, false);
  world_expect_close(1011, "out of memory");
}

/* With a small cap too: a peer that reads is never called slow for what one read brought. */
static void test_a_small_queue_pauses_before_it_is_full(void **state) {
  (void)state;
  static uint8_t got[1 << 20];
  world.streams.queue_bytes_max = 1000;
  world_upgrade();
  world.echo_times = 3;
  size_t received = 0;
  for (unsigned i = 0; i < 200; i++) {
    uint8_t payload[100] = {0};
    world_send_frame(0x82, payload, sizeof payload);
  }
  for (unsigned i = 0; i < 2000 && received < 200 * 3 * 102; i++) {
    world_turn();
    received += world_receive(got, sizeof got);
  }
  assert_int_equal(received, 200 * 3 * 102);
  assert_int_equal(world.closings, 0);
}

/* Reads frames and returns the code of the close frame at their end; everything before must be whole. */
static int close_code_behind_whole_frames(const uint8_t *data, size_t len, size_t *out_frames) {
  size_t at = 0;
  *out_frames = 0;
  while (at < len) {
    size_t payload = data[at + 1] & 0x7f;
    size_t head = 2;
    if (payload == 126) {
      payload = (size_t)data[at + 2] << 8 | data[at + 3];
      head = 4;
    }
    if ((data[at] & 0x0f) == 8) {
      assert_int_equal(at + head + payload, len);
      return data[at + 2] << 8 | data[at + 3];
    }
    assert_int_equal(data[at], 0x82);
    at += head + payload;
    (*out_frames)++;
  }
  assert_int_equal(at, len);
  return 0;
}

static void fill_until_slow(bool shared) {
  static uint8_t payload[3000];
  struct stoa_batch *batch = stoa_batch_create(1 << 20);
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, STOA_WS_BINARY, false, sizeof payload);
  assert_int_equal(stoa_buffer_append(&batch->bytes, header, header_len), STOA_OK);
  assert_int_equal(stoa_buffer_append(&batch->bytes, payload, sizeof payload), STOA_OK);
  for (unsigned i = 0; i < 2000 && world.closings == 0; i++) {
    if (shared) {
      stoa_stream_output_shared(&world.session->stream, batch, 0, batch->bytes.len);
    } else {
      int ignored = stoa_session_output_message(world.session, STOA_WS_BINARY, stoa_bytes_make(payload, 3000));
      (void)ignored;
    }
    assert_true(stoa_stream_queued(&world.session->stream) < QUEUE_BYTES_MAX + 4096);
    if (i % 7 == 0) {
      world_turn();
    }
  }
  world_turn();
  stoa_batch_unref(batch);
  assert_int_equal(world.closings, 1);
}

static void check_slow_ending(void) {
  static uint8_t got[8 << 20];
  size_t len = 0;
  size_t frames;
  for (int i = 0; i < 50; i++) {
    len += world_receive(got + len, sizeof got - len);
    world_turn();
  }
  assert_int_equal(close_code_behind_whole_frames(got, len, &frames), 4008);
  assert_true(frames > 0);
  shutdown(world.peer, SHUT_WR);
  world_turns(2);
  assert_true(world.ended);
  assert_int_equal(world.close_code, 4008);
}

static void test_a_slow_peer_gets_whole_frames_and_4008(void **state) {
  (void)state;
  world_upgrade();
  fill_until_slow(false);
  check_slow_ending();
}

static void test_a_slow_member_gets_whole_frames_and_4008(void **state) {
  (void)state;
  world_upgrade();
  fill_until_slow(true);
  check_slow_ending();
}

static void test_a_peer_that_is_slow_from_the_start_still_gets_its_upgrade(void **state) {
  (void)state;
  static uint8_t payload[3000];
  static uint8_t got[2 << 20];
  world_send_bytes(world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  world.session->stream.conn.io.on_ready(&world.session->stream.conn.io, EPOLLIN); /* queued; the turn has not ended */
  for (unsigned i = 0; i < 400; i++) {
    int ignored = stoa_session_output_message(world.session, STOA_WS_BINARY, stoa_bytes_make(payload, 3000));
    (void)ignored;
  }
  assert_int_equal(world.session->stream.fate, STOA_FATE_SLOW);
  world_turn();
  size_t len = world_receive(got, sizeof got);
  static const char answer[] = "HTTP/1.1 101 x\r\n\r\n";
  assert_memory_equal(got, answer, sizeof answer - 1);
  size_t frames;
  assert_int_equal(close_code_behind_whole_frames(got + sizeof answer - 1, len - (sizeof answer - 1), &frames), 4008);
}

static struct stoa_batch *batch_of_frames(unsigned count, uint8_t fill) {
  uint8_t payload[3000];
  uint8_t header[10];
  struct stoa_batch *batch = stoa_batch_create(4 << 20);
  size_t header_len = stoa_ws_header_write(header, STOA_WS_BINARY, false, sizeof payload);
  memset(payload, fill, sizeof payload);
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(stoa_buffer_append(&batch->bytes, header, header_len), STOA_OK);
    assert_int_equal(stoa_buffer_append(&batch->bytes, payload, sizeof payload), STOA_OK);
  }
  return batch;
}

/* The peer reads between the first send, which fell short, and the second. */
static void test_what_two_groups_send_in_one_turn_stays_in_order(void **state) {
  (void)state;
  static uint8_t got[2 << 20];
  world_upgrade();
  struct stoa_batch *first = batch_of_frames(200, 1);
  struct stoa_batch *second = batch_of_frames(10, 2);
  size_t first_len = first->bytes.len;
  size_t second_len = second->bytes.len;
  stoa_stream_output_shared(&world.session->stream, first, 0, first_len);
  stoa_stream_output_shared(&world.session->stream, second, 0, second_len);
  size_t len = world_receive(got, sizeof got);
  stoa_turn_hand_over(&world.streams.turn);
  for (int i = 0; i < 50; i++) {
    world_turn();
    len += world_receive(got + len, sizeof got - len);
  }
  assert_int_equal(len, first_len + second_len);
  assert_memory_equal(got, first->bytes.data, first_len);
  assert_memory_equal(got + first_len, second->bytes.data, second_len);
  stoa_batch_unref(first);
  stoa_batch_unref(second);
}

static void test_a_close_goes_out_when_the_queue_is_full(void **state) {
  (void)state;
  static uint8_t payload[3000];
  static uint8_t got[4 << 20];
  world_upgrade();
  while (stoa_stream_queued(&world.session->stream) < QUEUE_BYTES_MAX) {
    assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, stoa_bytes_make(payload, 3000)),
                     STOA_OK);
  }
  stoa_session_close(world.session, 4001, "going away");
  size_t len = 0;
  for (int i = 0; i < 50; i++) {
    world_turn();
    len += world_receive(got + len, sizeof got - len);
  }
  size_t frames;
  assert_int_equal(close_code_behind_whole_frames(got, len, &frames), 4001);
}

static void test_a_half_closed_peer_still_gets_the_rest_of_its_answer(void **state) {
  (void)state;
  enum { LEN = 900 * 1024 };
  static uint8_t got[LEN + 1024];
  uint8_t close_body[] = {0x03, 0xe8};
  world_upgrade();
  world.echo_times = 60;
  static uint8_t payload[4000];
  world_send_frame(0x82, payload, sizeof payload);
  world_send_frame(0x88, close_body, 2);
  shutdown(world.peer, SHUT_WR);
  size_t len = 0;
  for (int i = 0; i < 100 && !world.ended; i++) {
    world_turn();
    if (i > 3) {
      len += world_receive(got + len, sizeof got - len);
    }
  }
  len += world_receive(got + len, sizeof got - len);
  size_t frames;
  assert_int_equal(close_code_behind_whole_frames(got, len, &frames), 1000);
  assert_int_equal(frames, 60);
  assert_true(world.ended);
}

/* Answers to plain requests, and then one to an upgrade, of which the line takes some. */
static void test_a_slow_peer_with_requests_before_its_upgrade_is_cut_after_all_answers(void **state) {
  (void)state;
  enum { GETS = 2000 };
  static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  static const char switching[] = "HTTP/1.1 101 x\r\n\r\n";
  static uint8_t got[2 << 20];
  int small = 4096;
  setsockopt(world.session->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  for (unsigned i = 0; i < GETS; i++) {
    memcpy(got + i * (sizeof get - 1), get, sizeof get - 1);
  }
  memcpy(got + GETS * (sizeof get - 1), world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  world_send_bytes(got, GETS * (sizeof get - 1) + WORLD_UPGRADE_HEAD_LEN);
  for (unsigned i = 0; i < 500 && world.session->state == STOA_SESSION_NONE; i++) {
    world_turn(); /* a share each */
  }
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
  fill_until_slow(true);
  size_t len = 0;
  for (int i = 0; i < 200; i++) {
    len += world_receive(got + len, sizeof got - len);
    world_turn();
  }
  size_t at = GETS * (sizeof ok - 1);
  assert_true(len > at + sizeof switching - 1);
  assert_memory_equal(got + at - (sizeof ok - 1), ok, sizeof ok - 1);
  assert_memory_equal(got + at, switching, sizeof switching - 1);
  at += sizeof switching - 1;
  size_t frames;
  assert_int_equal(close_code_behind_whole_frames(got + at, len - at, &frames), 4008);
}

/* Deadlines, on both sides of the moment when the low 32 bits of the time go round. */

static void test_a_silent_peer_is_dropped_before_its_handshake(void **state) {
  (void)state;
  world_advance_ms(9999);
  assert_false(world.ended);
  world_advance_ms(1);
  assert_true(world.ended);
  assert_true(world_peer_sees_end());
}

static void test_a_slow_handshake_is_answered_with_408(void **state) {
  (void)state;
  uint8_t got[512];
  for (int i = 0; i < 20; i++) {
    world_send_bytes(world_upgrade_head + i, 1); /* a byte now and then does not help */
    world_advance_ms(500);
  }
  assert_true(world_receive(got, sizeof got) > 12);
  assert_memory_equal(got, "HTTP/1.1 408", 12);
  assert_true(world_peer_sees_end());
}

static void test_an_idle_session_is_pinged_and_closed_without_a_pong(void **state) {
  (void)state;
  world_upgrade();
  world_advance_ms(24999);
  assert_int_equal(world.pings, 0);
  world_advance_ms(1);
  assert_int_equal(world.pings, 1);
  world_expect_bytes("\x89\x00", 2);
  world_advance_ms(9000);
  world_send_frame(0x8a, "", 0); /* alive */
  world_turn();
  world_advance_ms(15999); /* it was heard since, but sent nothing after the first ping */
  assert_int_equal(world.pings, 1);
  world_advance_ms(1);
  assert_int_equal(world.pings, 2);
  world_expect_bytes("\x89\x00", 2);
  world_advance_ms(9999);
  assert_int_equal(world.closings, 0);
  world_advance_ms(1);
  world_expect_close(4012, "no pong in time");
}

static void test_a_message_must_end_in_its_time(void **state) {
  (void)state;
  world_upgrade();
  world_send_frame(0x01, "begun", 5);
  world_turn();
  for (int i = 0; i < 5; i++) {
    world_advance_ms(10000);
    world_send_frame(0x00, "", 0); /* bytes, but no end */
    world_turn();
  }
  assert_int_equal(world.closings, 0);
  world_advance_ms(9999);
  assert_int_equal(world.closings, 0);
  uint8_t pings[64];
  world_receive(pings, sizeof pings); /* it is sent nothing else */
  world_advance_ms(1);
  world_expect_close(1008, "message not finished in time");
}

static void test_a_message_has_its_time_after_a_pause_of_ours(void **state) {
  (void)state;
  world_upgrade();
  world_send_frame(0x01, "begun", 5);
  world_turn();
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_send_frame(0x00, "", 0); /* it lives */
  for (int i = 0; i < 7; i++) {
    world_advance_ms(10000);
  }
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  for (int i = 0; i < 5; i++) {
    world_advance_ms(10000);
    assert_int_equal(world.closings, 0);
    world_send_frame(0x00, "", 0);
  }
  world_advance_ms(10000);
  assert_int_equal(world.closings, 1);
}

static void test_a_message_must_end_in_its_time_however_much_else_is_sent(void **state) {
  (void)state;
  world_upgrade();
  world_send_frame(0x01, "begun", 5);
  world_turn();
  world.time.monotonic_ns += (uint64_t)world.limits.message_ms * 1000000;
  world_turn();
  stoa_stream_yield(&world.session->stream);
  uint64_t ignored = stoa_session_on_deadline(world.session, stoa_loop_now_ms(world.streams.loop));
  (void)ignored;
  assert_int_equal(world.closings, 1);
}

static void test_the_last_bytes_have_five_seconds_to_leave(void **state) {
  (void)state;
  static uint8_t payload[60000];
  world_upgrade();
  for (int i = 0; i < 15; i++) {
    assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, stoa_bytes_make(payload, 60000)),
                     STOA_OK);
  }
  stoa_session_close(world.session, 1000, "");
  world_turn();
  assert_int_equal(world.session->state, STOA_SESSION_CLOSING);
  world_advance_ms(4999);
  assert_false(world.ended);
  world_advance_ms(1);
  assert_true(world.ended);
  assert_int_equal(world.close_code, 1000);
}

/* Faults. */

static void script(void) {
  uint8_t packed[400];
  uint8_t text[300];
  uint8_t waste[4096];
  memset(text, 'y', sizeof text);
  size_t len = world_deflate_raw(text, sizeof text, packed, sizeof packed);
  for (size_t i = 0; i < WORLD_UPGRADE_HEAD_LEN; i += 10) {
    size_t left = WORLD_UPGRADE_HEAD_LEN - i;
    send(world.peer, world_upgrade_head + i, left < 10 ? left : 10, MSG_NOSIGNAL);
    world_turn();
  }
  uint8_t frame[512];
  static const int firsts[] = {0x01, 0x89, 0x80, 0xc2, 0x82, 0x88};
  for (size_t i = 0; i < 6; i++) {
    bool control = firsts[i] > 0x82 && firsts[i] < 0xc0;
    size_t frame_len = firsts[i] == 0xc2 ? world_frame(frame, 0xc2, packed, len)
                                         : world_frame(frame, firsts[i], "\x03\xe8", control ? 2 : 1);
    send(world.peer, frame, frame_len / 2, MSG_NOSIGNAL);
    world_turn();
    send(world.peer, frame + frame_len / 2, frame_len - frame_len / 2, MSG_NOSIGNAL);
    world_turn();
  }
  world_receive(waste, sizeof waste);
  shutdown(world.peer, SHUT_WR);
  world_turns(3);
}

static void test_each_allocation_of_a_session_may_fail(void **state) {
  uint64_t hits = 1;
  unsigned n = 1;
  for (; hits > 0 && n < 1000; n++) {
    world.use_deflate = true;
    world.deflate = (struct stoa_ws_deflate){true, true, 15, false, 15, false};
    world.echo_times = 2;
    stoa_memory_fail_at(n, false);
    script();
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    assert_true(world.ended);
    if (hits > 0) {
      assert_true(world.close_code == 1006 || world.close_code == 1011 || world.close_code == 1000);
    }
    world_end(state);
    world_begin(state);
  }
  assert_true(n > 8 && n < 1000);
}

static void test_a_session_that_cannot_be_opened_closes_its_descriptor(void **state) {
  (void)state;
  struct stoa_session *before = world.session;
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  stoa_memory_fail_at(1, false);
  assert_int_equal(world_open(pair[0], NULL), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  char byte;
  assert_int_equal(recv(pair[1], &byte, 1, 0), 0);
  close(pair[1]);
  assert_ptr_equal(world.session, before);
}

static ssize_t tiny_send(int fd, const void *data, size_t len, int flags) {
  return send(fd, data, len < 3 ? len : 3, flags);
}

static ssize_t tiny_recv(int fd, void *data, size_t len, int flags) {
  static unsigned calls;
  if (calls++ % 3 == 0) {
    errno = calls % 2 == 0 ? EINTR : EAGAIN;
    return -1;
  }
  return recv(fd, data, len < 2 ? len : 2, flags);
}

static void test_a_session_in_tiny_reads_and_writes_is_the_same_session(void **state) {
  (void)state;
  stoa_sys.send = tiny_send;
  stoa_sys.recv = tiny_recv;
  world.echo_times = 1;
  world_send_bytes(world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  world_send_frame(0x81, "hello there", 11);
  world_send_frame(0x88, "\x03\xe8", 2);
  world_turns(300);
  uint8_t got[128];
  static const char expected[] = "HTTP/1.1 101 x\r\n\r\n\x81\x0bhello there\x88\x02\x03\xe8";
  assert_int_equal(world_receive(got, sizeof got), sizeof expected - 1);
  assert_memory_equal(got, expected, sizeof expected - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_peer_that_does_not_read_is_not_read_from),
      TEST(test_a_peer_that_reads_slowly_is_alive),
      TEST(test_a_piece_that_finds_no_memory_is_answered_by_1011),
      TEST(test_a_small_queue_pauses_before_it_is_full),
      TEST(test_a_slow_peer_gets_whole_frames_and_4008),
      TEST(test_a_slow_member_gets_whole_frames_and_4008),
      TEST(test_a_peer_that_is_slow_from_the_start_still_gets_its_upgrade),
      TEST(test_what_two_groups_send_in_one_turn_stays_in_order),
      TEST(test_a_close_goes_out_when_the_queue_is_full),
      TEST(test_a_half_closed_peer_still_gets_the_rest_of_its_answer),
      TEST(test_a_slow_peer_with_requests_before_its_upgrade_is_cut_after_all_answers),
      TEST(test_a_silent_peer_is_dropped_before_its_handshake),
      TEST(test_a_slow_handshake_is_answered_with_408),
      TEST(test_an_idle_session_is_pinged_and_closed_without_a_pong),
      TEST(test_a_message_must_end_in_its_time),
      TEST(test_a_message_has_its_time_after_a_pause_of_ours),
      TEST(test_a_message_must_end_in_its_time_however_much_else_is_sent),
      TEST(test_the_last_bytes_have_five_seconds_to_leave),
      TEST(test_each_allocation_of_a_session_may_fail),
      TEST(test_a_session_that_cannot_be_opened_closes_its_descriptor),
      TEST(test_a_session_in_tiny_reads_and_writes_is_the_same_session),
  };
  return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
