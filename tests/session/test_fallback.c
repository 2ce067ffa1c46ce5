/* Sessions without WebSocket: events down, posts that are fed to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "base/memory.h"
#include "session/fallback.h"
#include "world.h"

#define PING_MS 25000u
#define PONG_MS 10000u

static const uint8_t secret[STOA_FALLBACK_SECRET_LEN] = "123456789012345678901234";
static uint8_t got[4 << 20];

/* The last event, and the end of the response. */
static const char *close_of(const char *text) {
  static char expected[256];
  snprintf(expected, sizeof expected, "%zx\r\nevent:close\ndata:%s\n\n\r\n0\r\n\r\n", strlen(text) + 19, text);
  return expected;
}

/* A post of the test, and how it has ended. */
struct posted {
  struct stoa_fallback_post base;
  bool has_ended;
  enum stoa_fallback_end end;
};

static void on_end(struct stoa_fallback_post *post, enum stoa_fallback_end end) {
  struct posted *posted = (struct posted *)(void *)post;
  assert_false(posted->has_ended);
  posted->has_ended = true;
  posted->end = end;
}

static struct posted make(uint64_t number, const void *body, size_t len) {
  return (struct posted){{number, stoa_bytes_make(body, len), on_end}, false, STOA_FALLBACK_TAKEN};
}

static int begin_status;
static bool is_without_memory;

static void begin(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data) {
  static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
  (void)head;
  (void)data;
  assert_int_equal(stoa_stream_output_bytes(stream, answer, strlen(answer)), STOA_OK);
  stoa_memory_fail_at(is_without_memory ? 1 : 0, false);
  begin_status = stoa_fallback_begin(stoa_session_of(stream), &world.host, secret);
  stoa_memory_fail_at(0, false);
  if (begin_status != STOA_OK) {
    stoa_http_answered(stream, false);
  }
}

static void ask(void) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  stoa_fallback_host_init(&world.host);
  world.answer = begin;
  world_send_bytes(request, sizeof request - 1);
  world_turn();
}

static void open_session(void) {
  ask();
  assert_int_equal(begin_status, STOA_OK);
  world_receive(got, sizeof got);
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
}

static void expect_output(const char *expected) {
  size_t len = world_receive(got, sizeof got - 1);
  got[len] = '\0';
  assert_string_equal((const char *)got, expected);
}

/* Posts. */

static void test_messages_of_a_post_are_handled_in_order_and_then_it_ends(void **state) {
  (void)state;
  open_session();
  struct posted post = make(1, "\0\0\0\1a\0\0\0\0\0\0\0\2bc", 15);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  assert_string_equal(world.heard, ""); /* never inside the call */
  world_turn();
  assert_string_equal(world.heard, "a||bc|");
  assert_true(post.has_ended);
  assert_int_equal(post.end, STOA_FALLBACK_DONE);
}

static void test_an_empty_post_with_a_number_ends_too(void **state) {
  (void)state;
  open_session();
  struct posted post = make(1, NULL, 0);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  world_turn();
  assert_true(post.has_ended);
  assert_int_equal(stoa_fallback_next_number(world.session), 2);
}

static void test_a_post_waits_while_the_session_is_paused_and_the_next_one_is_refused(void **state) {
  (void)state;
  open_session();
  struct posted first = make(1, "\0\0\0\1a", 5);
  struct posted second = make(2, "\0\0\0\1b", 5);
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  assert_int_equal(stoa_fallback_feed(world.session, &first.base), STOA_FALLBACK_TAKEN);
  world_turns(3);
  assert_false(first.has_ended);
  assert_int_equal(stoa_fallback_feed(world.session, &second.base), STOA_FALLBACK_BUSY);
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turns(2);
  assert_true(first.has_ended);
  assert_string_equal(world.heard, "a|");
  assert_int_equal(stoa_fallback_feed(world.session, &second.base), STOA_FALLBACK_TAKEN);
  world_turns(2);
  assert_string_equal(world.heard, "a|b|");
}

static void test_a_post_that_is_repeated_while_it_waits_takes_the_answer_over(void **state) {
  (void)state;
  open_session();
  struct posted first = make(1, "\0\0\0\1a", 5);
  struct posted again = make(1, "\0\0\0\1a", 5);
  struct posted other = make(1, "\0\0\0\2ab", 6);
  struct posted unchecked = make(1, "\0\0\1\0a", 5); /* as long, but its message ends behind it */
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  assert_int_equal(stoa_fallback_feed(world.session, &first.base), STOA_FALLBACK_TAKEN);
  assert_int_equal(stoa_fallback_feed(world.session, &other.base), STOA_FALLBACK_OUT_OF_ORDER);
  assert_int_equal(stoa_fallback_feed(world.session, &unchecked.base), STOA_FALLBACK_OUT_OF_ORDER);
  assert_int_equal(stoa_fallback_feed(world.session, &again.base), STOA_FALLBACK_TAKEN);
  assert_int_equal(first.end, STOA_FALLBACK_SUPERSEDED);
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turns(2);
  assert_int_equal(again.end, STOA_FALLBACK_DONE);
  assert_string_equal(world.heard, "a|"); /* once */
  struct posted late = make(1, "\0\0\0\1a", 5);
  assert_int_equal(stoa_fallback_feed(world.session, &late.base), STOA_FALLBACK_DONE);
  world_turns(2);
  assert_false(late.has_ended);
  struct posted late_other = make(1, "\0\0\0\1b", 5);
  assert_int_equal(stoa_fallback_feed(world.session, &late_other.base), STOA_FALLBACK_OUT_OF_ORDER);
  assert_string_equal(world.heard, "a|");
}

static void test_numbers_begin_with_one_and_have_no_gap(void **state) {
  (void)state;
  static const uint64_t wrong[] = {0, 2, 3, UINT64_MAX};
  open_session();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct posted post = make(wrong[i], "\0\0\0\1a", 5);
    assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_OUT_OF_ORDER);
  }
  assert_string_equal(world.heard, "");
}

static void expect_refused(const void *body, size_t len, enum stoa_fallback_end end, const char *last) {
  struct posted post = make(1, body, len);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), end);
  world_turns(2);
  assert_false(post.has_ended);
  assert_string_equal(world.heard, "");
  expect_output(last);
}

static void test_a_truncated_body_closes_with_1002_and_nothing_of_it_is_handled(void **state) {
  (void)state;
  open_session();
  expect_refused("\0\0\0\1a\0\0\0\2b", 10, STOA_FALLBACK_SYNTAX, close_of("1002 not packed messages"));
}

static void test_a_message_that_is_too_long_closes_with_1009(void **state) {
  (void)state;
  open_session();
  expect_refused("\x7f\xff\xff\xff", 4, STOA_FALLBACK_TOO_BIG, close_of("1009 message too big"));
}

static void test_text_that_is_not_utf8_closes_with_1007(void **state) {
  (void)state;
  open_session();
  expect_refused("\x80\0\0\1\xff", 5, STOA_FALLBACK_NOT_UTF8, close_of("1007 text is not UTF-8"));
}

static void test_a_handler_that_closes_ends_the_post_as_gone(void **state) {
  (void)state;
  open_session();
  world.close_on_message = true;
  struct posted post = make(1, "\0\0\0\1a\0\0\0\1b", 10);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  world_turns(2);
  assert_string_equal(world.heard, "a|");
  assert_int_equal(post.end, STOA_FALLBACK_GONE);
  expect_output(close_of("4000 closed by the handler"));
  assert_int_equal(world.closings, 1);
}

static void test_a_client_that_goes_ends_its_post_as_gone(void **state) {
  (void)state;
  open_session();
  struct posted post = make(1, "\0\0\0\1a", 5);
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  shutdown(world.peer, SHUT_RDWR);
  world_turns(3);
  assert_true(world.ended);
  assert_int_equal(post.end, STOA_FALLBACK_GONE);
  assert_int_equal(world.close_code, 1006);
}

static void test_a_post_is_handled_when_memory_is_out(void **state) {
  (void)state;
  open_session();
  struct posted post = make(1, "\0\0\0\1a", 5);
  stoa_memory_fail_at(1, true);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  world_turns(2);
  stoa_memory_fail_at(0, false);
  assert_true(post.has_ended);
  assert_string_equal(world.heard, "a|");
}

static void test_a_session_that_has_no_memory_to_begin_stays_http(void **state) {
  (void)state;
  is_without_memory = true;
  ask();
  is_without_memory = false;
  assert_int_equal(begin_status, STOA_E_MEMORY);
  assert_int_equal(world.session->state, STOA_SESSION_NONE);
  world_turns(2);
  world_receive(got, sizeof got);
  assert_true(world_peer_sees_end());
}

static void test_many_messages_take_many_shares(void **state) {
  (void)state;
  static uint8_t body[64 * 1024];
  open_session();
  size_t len = 0;
  while (len + 5 <= sizeof body) {
    memcpy(body + len, "\0\0\0\1a", 5);
    len += 5;
  }
  struct posted post = make(1, body, len);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  unsigned turns = 0;
  while (!post.has_ended) {
    unsigned before = world.messages;
    world_turn();
    turns++;
    assert_true((world.messages - before) * STOA_STREAM_MESSAGE_COST <= STOA_STREAM_SHARE_BYTES + 65);
  }
  assert_int_equal(world.messages, len / 5);
  assert_true(turns >= len / 5 * STOA_STREAM_MESSAGE_COST / STOA_STREAM_SHARE_BYTES);
}

/* Output. */

static void test_messages_are_events_in_chunks(void **state) {
  (void)state;
  open_session();
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, stoa_bytes_make("hi", 2)), STOA_OK);
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_TEXT, stoa_bytes_make("a\nb", 3)), STOA_OK);
  assert_int_equal(stoa_session_output_message(world.session, STOA_WS_BINARY, stoa_bytes_make("\0\1\2\3", 4)), STOA_OK);
  world_turn();
  expect_output("a\r\ndata:thi\n\n\r\nc\r\ndata:uYQpi\n\n\r\n10\r\ndata:bAAECAw==\n\n\r\n");
  assert_int_equal(world.host.messages_out, 3);
}

static void test_a_reader_that_is_too_slow_gets_whole_events_and_4008(void **state) {
  (void)state;
  static char message[5000];
  memset(message, 'x', sizeof message);
  open_session();
  while (stoa_session_output_message(world.session, STOA_WS_TEXT, stoa_bytes_make(message, sizeof message)) ==
         STOA_OK) {
    world_turn();
  }
  world_turns(2);
  size_t len = 0;
  for (int i = 0; i < 100; i++) {
    len += world_receive(got + len, sizeof got - len);
    world_turn();
  }
  size_t at = 0;
  unsigned whole = 0;
  while (memcmp(got + at, "1390\r\ndata:t", 12) == 0 && len - at >= 0x1390) {
    at += 6 + 0x1390 + 2;
    whole++;
  }
  got[len] = '\0';
  assert_true(whole > 10);
  assert_string_equal((const char *)got + at, close_of("4008 send queue full"));
}

static void test_a_close_ends_the_response_and_the_session_at_once(void **state) {
  (void)state;
  open_session();
  stoa_session_close(world.session, 4503, "gone\r\nfor good");
  assert_int_equal(world.session->state, STOA_SESSION_ENDED);
  world_turn();
  expect_output(close_of("4503 gone  for good"));
  assert_true(world_peer_sees_end());
}

static void test_bytes_on_the_stream_close_with_1002(void **state) {
  (void)state;
  open_session();
  world_send_bytes("x", 1);
  world_turns(2);
  expect_output(close_of("1002 bytes after the request"));
}

/* Liveness. */

static void advance(uint64_t ms) {
  for (uint64_t at = 0; at < ms; at += 500) {
    world_advance_ms(500);
  }
}

static void test_a_silent_client_is_pinged_and_closed_after_it_was_listened_to(void **state) {
  (void)state;
  open_session();
  advance(PING_MS);
  assert_int_equal(world.pings, 1);
  expect_output("3\r\n:\n\n\r\n");
  advance(PONG_MS);
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
  advance(STOA_FALLBACK_LISTEN_MS - 500);
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
  world_advance_ms(500);
  assert_int_equal(world.session->state, STOA_SESSION_ENDED);
  world_turn();
  expect_output(close_of("4012 no pong in time"));
}

static void test_a_client_that_shows_that_it_is_alive_is_not_closed(void **state) {
  (void)state;
  open_session();
  for (unsigned i = 1; i <= 5; i++) {
    advance(PING_MS);
    assert_int_equal(world.pings, i);
    advance(PONG_MS - 1000);
    stoa_fallback_note_alive(world.session);
    world.session->stream.active_ms -= PONG_MS - 1000; /* as if it had answered at once, so that pings are regular */
    world.session->stream.sent_ms = world.session->stream.active_ms;
    advance(1000);
    world.session->stream.active_ms = stoa_stream_now32(&world.session->stream);
    world.session->stream.sent_ms = world.session->stream.active_ms;
  }
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
}

static void test_a_post_that_waits_for_a_paused_session_is_no_silence(void **state) {
  (void)state;
  open_session();
  struct posted post = make(1, "\0\0\0\1a", 5);
  stoa_stream_pause(&world.session->stream, STOA_PAUSE_PROGRAM);
  assert_int_equal(stoa_fallback_feed(world.session, &post.base), STOA_FALLBACK_TAKEN);
  advance(10 * PING_MS);
  assert_int_equal(world.session->state, STOA_SESSION_OPEN);
  assert_false(post.has_ended);
  stoa_stream_resume(&world.session->stream, STOA_PAUSE_PROGRAM);
  world_turn();
  assert_true(post.has_ended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_messages_of_a_post_are_handled_in_order_and_then_it_ends),
      TEST(test_an_empty_post_with_a_number_ends_too),
      TEST(test_a_post_waits_while_the_session_is_paused_and_the_next_one_is_refused),
      TEST(test_a_post_that_is_repeated_while_it_waits_takes_the_answer_over),
      TEST(test_numbers_begin_with_one_and_have_no_gap),
      TEST(test_a_truncated_body_closes_with_1002_and_nothing_of_it_is_handled),
      TEST(test_a_message_that_is_too_long_closes_with_1009),
      TEST(test_text_that_is_not_utf8_closes_with_1007),
      TEST(test_a_handler_that_closes_ends_the_post_as_gone),
      TEST(test_a_client_that_goes_ends_its_post_as_gone),
      TEST(test_a_post_is_handled_when_memory_is_out),
      TEST(test_a_session_that_has_no_memory_to_begin_stays_http),
      TEST(test_many_messages_take_many_shares),
      TEST(test_messages_are_events_in_chunks),
      TEST(test_a_reader_that_is_too_slow_gets_whole_events_and_4008),
      TEST(test_a_close_ends_the_response_and_the_session_at_once),
      TEST(test_bytes_on_the_stream_close_with_1002),
      TEST(test_a_silent_client_is_pinged_and_closed_after_it_was_listened_to),
      TEST(test_a_client_that_shows_that_it_is_alive_is_not_closed),
      TEST(test_a_post_that_waits_for_a_paused_session_is_no_silence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
