/* Answers of HTTP on a stream, and what is sent in on_drained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "world.h"

#define PIECE_BYTES ((size_t)64 * 1024)

static const char plain_head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/* Content that is made up. */
struct made {
  struct stoa_http_content base; /* first */
  size_t left;
};

static int made_read(struct stoa_http_content *base, struct stoa_buffer *out, size_t size, bool *out_last) {
  static const uint8_t zeros[PIECE_BYTES];
  struct made *made = (struct made *)(void *)base;
  size_t len = made->left < size ? made->left : size;
  made->left -= len;
  *out_last = made->left == 0;
  return stoa_buffer_append(out, zeros, len);
}

static void made_close(struct stoa_http_content *base) {
  stoa_free(base);
}

static size_t made_bytes;

static void answer_in_pieces(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data) {
  char answer[128];
  (void)data;
  int len = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", made_bytes);
  struct made *made = stoa_calloc(1, sizeof *made);
  assert_non_null(made);
  *made = (struct made){{made_read, made_close}, made_bytes};
  assert_int_equal(stoa_stream_output_bytes(stream, answer, (size_t)len), STOA_OK);
  stoa_http_answer_from(stream, &made->base, head->keep_alive);
}

/* The head waits in the turn's buffer when the first piece has its turn. */
static void test_an_answer_in_pieces_begins_at_once_and_comes_whole(void **state) {
  (void)state;
  static uint8_t got[PIECE_BYTES * 2];
  size_t received = 0;
  world.answer = answer_in_pieces;
  made_bytes = 100 * PIECE_BYTES;
  world_send_bytes(plain_head, strlen(plain_head));
  for (int i = 0; i < 2000 && received < made_bytes; i++) {
    world_turn();
    received += world_receive(got, sizeof got);
  }
  assert_true(received >= made_bytes);
  assert_false(world.ended);
}

/* Whoever takes each piece at once is never waited for, and yet does not stand still. */
static void test_an_answer_that_is_taken_at_once_may_take_as_long_as_it_needs(void **state) {
  (void)state;
  static uint8_t got[PIECE_BYTES * 2];
  size_t received = 0;
  world.answer = answer_in_pieces;
  made_bytes = 100 * PIECE_BYTES;
  world_send_bytes(plain_head, strlen(plain_head));
  for (int i = 0; i < 200 && !world.ended && received < made_bytes; i++) {
    world_advance_ms(1000);
    received += world_receive(got, sizeof got);
  }
  assert_true(received >= made_bytes);
  assert_false(world.ended);
}

static void test_a_connection_that_is_finished_ends_after_its_answer(void **state) {
  (void)state;
  static uint8_t got[PIECE_BYTES * 2];
  size_t received = 0;
  world.answer = answer_in_pieces;
  made_bytes = 20 * PIECE_BYTES;
  world_send_bytes(plain_head, strlen(plain_head));
  world_turns(3);
  stoa_http_finish(&world.session->stream);
  for (int i = 0; i < 500 && received < made_bytes; i++) {
    world_turn();
    received += world_receive(got, sizeof got);
  }
  world_turns(2);
  assert_true(received >= made_bytes);
  world_receive(got, sizeof got);
  assert_true(world_peer_sees_end());
}

static void test_a_connection_without_an_answer_is_finished_at_once(void **state) {
  (void)state;
  stoa_http_finish(&world.session->stream);
  world_turns(2);
  assert_true(world_peer_sees_end());
}

static void answer_short(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data) {
  static const uint8_t zeros[PIECE_BYTES];
  char answer[128];
  (void)data;
  int len = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof zeros);
  if (stoa_stream_output_bytes(stream, answer, (size_t)len) == STOA_OK &&
      stoa_stream_output_bytes(stream, zeros, sizeof zeros) == STOA_OK) {
    stoa_http_answered(stream, head->keep_alive);
  }
}

static void test_requests_wait_while_answers_do(void **state) {
  (void)state;
  enum { REQUESTS = 100 };
  static uint8_t got[PIECE_BYTES * 2];
  size_t received = 0;
  world.answer = answer_short;
  for (int i = 0; i < REQUESTS; i++) {
    world_send_bytes(plain_head, strlen(plain_head));
  }
  world_turns(10);
  assert_false(world.ended);
  assert_true(stoa_stream_queued(&world.session->stream) < QUEUE_BYTES_MAX);
  for (int i = 0; i < 10000 && received < REQUESTS * PIECE_BYTES && !world.ended; i++) {
    world_turn();
    received += world_receive(got, sizeof got);
  }
  assert_false(world.ended);
  assert_int_equal(world.requests, REQUESTS);
  assert_true(received >= REQUESTS * PIECE_BYTES);
}

static void say_drained(struct stoa_session *session) {
  assert_int_equal(stoa_session_output_message(session, STOA_WS_TEXT, stoa_bytes_make("x", 1)), STOA_OK);
}

static void test_what_is_sent_in_on_drained_goes_out(void **state) {
  (void)state;
  world.drain = say_drained;
  world_upgrade();
  stoa_stream_tell_empty(&world.session->stream);
  world_turns(2);
  assert_int_equal(world.drained, 1);
  world_expect_bytes("\x81\x01x", 3);
}

static void test_asking_again_in_on_drained_calls_it_again(void **state) {
  (void)state;
  world.drain = NULL;
  world_upgrade();
  world.drain = say_drained;
  for (unsigned i = 1; i <= 3; i++) {
    stoa_stream_tell_empty(&world.session->stream);
    world_turns(2);
    assert_int_equal(world.drained, i);
    world_expect_bytes("\x81\x01x", 3);
  }
}

static void close_drained(struct stoa_session *session) {
  stoa_session_close(session, 4000, "all has left");
}

static void test_a_session_that_is_closed_in_on_drained_gets_its_close_frame(void **state) {
  (void)state;
  world.drain = close_drained;
  world_upgrade();
  stoa_stream_tell_empty(&world.session->stream);
  world_turns(2);
  world_expect_close(4000, "all has left");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_an_answer_in_pieces_begins_at_once_and_comes_whole),
      TEST(test_an_answer_that_is_taken_at_once_may_take_as_long_as_it_needs),
      TEST(test_a_connection_that_is_finished_ends_after_its_answer),
      TEST(test_a_connection_without_an_answer_is_finished_at_once),
      TEST(test_requests_wait_while_answers_do),
      TEST(test_what_is_sent_in_on_drained_goes_out),
      TEST(test_asking_again_in_on_drained_calls_it_again),
      TEST(test_a_session_that_is_closed_in_on_drained_gets_its_close_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
