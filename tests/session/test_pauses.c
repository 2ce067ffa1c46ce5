/* Whatever pauses the input, for whatever reason and however it comes in pieces: the same requests and messages are
 * handled in the same order, and the same is answered. */
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

#define SAID_MAX ((size_t)400000)
#define TRIES_MAX 100000
#define SEEDS 60

static const char get[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const char switching[] = "HTTP/1.1 101 x\r\n\r\n";
static const enum stoa_stream_pause reasons[] = {STOA_PAUSE_OUTPUT, STOA_PAUSE_CALLS, STOA_PAUSE_PROGRAM,
                                                 STOA_PAUSE_ADMISSION};

/* What the peer says, and what it must hear. */
static struct {
  uint8_t said[SAID_MAX];
  size_t said_len, at;
  uint8_t expected[SAID_MAX];
  size_t expected_len;
  uint8_t heard[SAID_MAX];
  size_t heard_len;
  unsigned requests, messages;
} script;

static unsigned below(unsigned limit) {
  return (unsigned)rand() % limit;
}

static void say(const void *data, size_t len) {
  memcpy(script.said + script.said_len, data, len);
  script.said_len += len;
}

static void expect(const void *data, size_t len) {
  memcpy(script.expected + script.expected_len, data, len);
  script.expected_len += len;
}

static void expect_frame(enum stoa_ws_opcode opcode, const uint8_t *data, size_t len) {
  script.expected_len += stoa_ws_header_write(script.expected + script.expected_len, opcode, false, len);
  expect(data, len);
}

static void say_frame(int first, const uint8_t *data, size_t len) {
  script.said_len += world_frame(script.said + script.said_len, first, data, len);
}

static void say_message(void) {
  uint8_t body[6000];
  size_t len = below(4) == 0 ? below(sizeof body) : below(200);
  for (size_t i = 0; i < len; i++) {
    body[i] = (uint8_t)rand();
  }
  size_t cut = len == 0 ? 0 : below((unsigned)len);
  switch (below(4)) {
    case 0: /* in pieces, with a ping in between, which is answered at once */
      say_frame(0x02, body, cut);
      say_frame(0x89, body, cut < 125 ? cut : 125);
      expect_frame(STOA_WS_PONG, body, cut < 125 ? cut : 125);
      say_frame(0x80, body + cut, len - cut);
      break;
    case 1:
      say_frame(0x8a, body, len < 125 ? len : 125);
      say_frame(0x82, body, len);
      break;
    default:
      say_frame(0x82, body, len);
  }
  expect_frame(STOA_WS_BINARY, body, len);
  script.messages++;
}

static void make_talk(unsigned requests, unsigned messages) {
  memset(&script, 0, sizeof script);
  for (unsigned i = 0; i < requests; i++) {
    say(get, sizeof get - 1);
    expect(ok, sizeof ok - 1);
  }
  say(world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  expect(switching, sizeof switching - 1);
  script.requests = requests + 1;
  for (unsigned i = 0; i < messages; i++) {
    say_message();
  }
}

static void pause_at_random(struct stoa_stream *stream) {
  assert_int_equal(stream->pauses, 0); /* or it should not have been asked to handle anything */
  for (unsigned i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
    if (below(6) == 0) {
      stoa_stream_pause(stream, reasons[i]);
    }
  }
  if (below(8) == 0) {
    stoa_stream_yield(stream);
  }
  world.time.monotonic_ns += below(8) == 0 ? STOA_STREAM_TURN_NS : below(2) * STOA_STREAM_SHARE_NS / 3;
}

static void say_some(void) {
  size_t piece = below(3) == 0 ? below(40000) : below(60);
  size_t left = script.said_len - script.at;
  ssize_t sent = send(world.peer, script.said + script.at, piece < left ? piece : left, MSG_NOSIGNAL);
  script.at += sent > 0 ? (size_t)sent : 0;
}

static void hear_some(void) {
  ssize_t len = recv(world.peer, script.heard + script.heard_len, 1 + below(20000), 0);
  script.heard_len += len > 0 ? (size_t)len : 0;
  assert_true(script.heard_len <= script.expected_len);
}

/* Pauses come from the handlers, and their ends from elsewhere. */
static void step(void) {
  if (below(2) == 0) {
    say_some();
  }
  if (below(3) == 0) {
    hear_some();
  }
  if (below(2) == 0) {
    world_turn();
  }
  stoa_stream_resume(&world.session->stream, reasons[below(4)]);
}

static void test_pauses_change_nothing_of_what_is_handled_and_answered(void **state) {
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    srand(seed);
    make_talk(below(300), 20 + below(100));
    world.echo_times = 1;
    world.act = pause_at_random;
    if (seed % 3 == 0) {
      int small = 4096;
      setsockopt(world.session->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    unsigned tries = 0;
    while (script.heard_len < script.expected_len && tries++ < TRIES_MAX) {
      step();
    }
    assert_int_equal(world.requests, script.requests);
    assert_int_equal(world.messages, script.messages);
    assert_int_equal(script.heard_len, script.expected_len);
    assert_memory_equal(script.heard, script.expected, script.heard_len);
    for (unsigned i = 0; i < 4; i++) {
      stoa_stream_resume(&world.session->stream, reasons[i]);
    }
    world_turns(3);
    assert_int_equal(world.session->stream.pauses, 0);
    assert_null(world.session->stream.input);
    world_end(state);
    world_begin(state);
  }
}

/* What comes before the close is whole, and the close handshake is never stuck. */
static void test_a_close_among_pauses_ends_after_the_answers(void **state) {
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    srand(seed);
    make_talk(below(30), 20 + below(60));
    say_frame(0x88, (const uint8_t *)"\x03\xe8", 2);
    world.echo_times = 1;
    world.act = pause_at_random;
    unsigned last = below(script.messages + 1);
    unsigned tries = 0;
    while (world.session->state <= STOA_SESSION_OPEN && tries++ < TRIES_MAX) {
      step();
      if (world.session->state == STOA_SESSION_OPEN && world.messages >= last) {
        stoa_session_close(world.session, 4000, "");
        stoa_session_close(world.session, 4001, "");
      }
    }
    unsigned handled = world.messages;
    while (!world.ended && tries++ < TRIES_MAX) {
      say_some();
      ssize_t len = recv(world.peer, script.heard + script.heard_len, 20000, 0);
      script.heard_len += len > 0 ? (size_t)len : 0;
      if (len == 0) {
        shutdown(world.peer, SHUT_WR);
      }
      world_turn();
    }
    assert_true(world.ended);
    assert_int_equal(world.messages, handled);
    assert_true(script.heard_len >= 4);
    assert_memory_equal(script.heard + script.heard_len - 4,
                        handled < script.messages || world.close_code == 4000 ? "\x88\x02\x0f\xa0" : "\x88\x02\x03\xe8",
                        4);
    assert_memory_equal(script.heard, script.expected, script.heard_len - 4);
    world_end(state);
    world_begin(state);
  }
}

/* A client that never waits for an answer, and takes its time to read them. */
static void test_requests_wait_while_too_many_answers_do(void **state) {
  (void)state;
  enum { REQUESTS = 8000 };
  static uint8_t got[REQUESTS * (sizeof ok - 1)];
  size_t received = 0;
  unsigned sent = 0;
  world.streams.queue_bytes_max = 32768;
  int small = 4096;
  setsockopt(world.session->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  for (unsigned tries = 0; tries < 100000 && received < sizeof got; tries++) {
    while (sent < REQUESTS && send(world.peer, get, sizeof get - 1, MSG_NOSIGNAL) > 0) {
      sent++;
    }
    world_turn();
    assert_non_null(world.session);
    size_t queued = stoa_stream_queued(&world.session->stream);
    assert_true(queued <= stoa_stream_pause_bytes(&world.session->stream) + sizeof ok);
    if (tries % 4 == 0) {
      received += world_receive(got + received, sizeof got - received < 3000 ? sizeof got - received : 3000);
    }
  }
  assert_int_equal(world.requests, REQUESTS);
  assert_int_equal(received, sizeof got);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_pauses_change_nothing_of_what_is_handled_and_answered),
      TEST(test_a_close_among_pauses_ends_after_the_answers),
      TEST(test_requests_wait_while_too_many_answers_do),
  };
  return cmocka_run_group_tests_name("pauses", tests, NULL, NULL);
}
