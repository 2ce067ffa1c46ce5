/* Requests and answers on one connection: their order, their deadlines, and what a large file costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "site.h"

#define MIB ((size_t)1024 * 1024)
#define LARGE (16 * MIB)
/* One piece, and what a head adds. */
#define WAITING_MAX (64u * 1024 + 2048)

static const char get_large[] = "GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n";
static const char get_small[] = "GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n";
static char bytes[8 * MIB];

static size_t take(const struct site_client *client, size_t size) {
  ssize_t len = recv(client->fd, bytes, size < sizeof bytes ? size : sizeof bytes, 0);
  return len > 0 ? (size_t)len : 0;
}

/* The same for a client whose window opens in the kernel's own time. */
static size_t take_or_wait(const struct site_client *client, size_t size) {
  size_t len = take(client, size);
  if (len == 0) {
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    poll(&poll_fd, 1, 10);
  }
  return len;
}

static void lay_out(void) {
  site_write_large("root/large.bin", LARGE);
  site_write("root/small.txt", "small");
}

/* The head, then numbers that count up. */
static void check_piece(size_t at, size_t len) {
  for (size_t i = 0; i < len; i++) {
    uint32_t number = (uint32_t)((at + i) / 4);
    if ((uint8_t)bytes[i] != (uint8_t)(number >> (at + i) % 4 * 8)) {
      fail_msg("byte %zu is another", at + i);
    }
  }
}

/* Reads the head of an answer, byte by byte so as not to read further. */
static void take_head(const struct site_client *client, const char *expected) {
  static char head[2048];
  size_t len = 0;
  for (unsigned tries = 0; tries < 10000 && len < sizeof head - 1; tries++) {
    if (recv(client->fd, head + len, 1, 0) == 1) {
      head[++len] = '\0';
      if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) {
        break;
      }
    } else {
      site_turn();
    }
  }
  assert_memory_equal(head, expected, strlen(expected));
}

/* Large files. */

static void test_a_large_file_arrives_whole_and_little_of_it_waits(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(0);
  site_send(client, get_large);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  size_t received = 0;
  for (unsigned tries = 0; tries < 100000 && received < LARGE; tries++) {
    site_turn();
    size_t len = take(client, sizeof bytes);
    check_piece(received, len);
    received += len;
  }
  assert_int_equal(received, LARGE);
  assert_true(site.queued_max <= WAITING_MAX);
  site_send(client, get_small); /* it may go on asking */
  take_head(client, "HTTP/1.1 200 OK\r\n");
}

static void test_each_piece_waits_for_the_shares_of_others(void **state) {
  (void)state;
  enum { CLIENTS = 4 };
  struct site_client *clients[CLIENTS];
  size_t received[CLIENTS] = {0};
  lay_out();
  for (unsigned i = 0; i < CLIENTS; i++) {
    clients[i] = site_connect(0);
    site_send(clients[i], get_large);
  }
  size_t shared = LARGE;
  for (unsigned tries = 0; tries < 100000 && shared > 0; tries++) {
    size_t least = LARGE;
    size_t most = 0;
    site_turn();
    for (unsigned i = 0; i < CLIENTS; i++) {
      size_t len = take(clients[i], sizeof bytes);
      assert_true(len <= 2 * WAITING_MAX); /* a piece a turn, and what the kernel kept */
      received[i] += len;
      least = received[i] < least ? received[i] : least;
      most = received[i] > most ? received[i] : most;
    }
    assert_true(most - least <= MIB);
    shared = LARGE - least;
  }
  assert_int_equal(shared, 0);
}

static void test_the_next_request_waits_for_the_end_of_the_answer(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(0);
  site_send(client, get_large);
  for (unsigned i = 0; i < 20; i++) {
    site_send(client, get_small);
  }
  site_turns(50);
  assert_int_equal(client->requests, 1);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  size_t received = 0;
  for (unsigned tries = 0; tries < 100000 && received < LARGE; tries++) {
    site_turn();
    size_t len = take(client, LARGE - received);
    check_piece(received, len);
    received += len;
  }
  for (unsigned i = 0; i < 20; i++) {
    take_head(client, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(take(client, 5), 5);
    assert_memory_equal(bytes, "small", 5);
  }
  assert_int_equal(client->requests, 21);
}

/* 60 of them took 892 MiB when files were read whole. */
static void test_clients_that_never_read_hold_one_piece_each(void **state) {
  (void)state;
  enum { CLIENTS = 60 };
  lay_out();
  for (unsigned i = 0; i < CLIENTS; i++) {
    struct site_client *client = site_connect(4096);
    for (unsigned k = 0; k < 10; k++) {
      site_send(client, get_large);
    }
  }
  site_turns(200);
  size_t queued = 0;
  for (unsigned i = 0; i < CLIENTS; i++) {
    assert_true(site.clients[i]->open);
    assert_int_equal(site.clients[i]->requests, 1);
    queued += stoa_stream_queued(&site.clients[i]->stream);
  }
  assert_true(site.queued_max <= WAITING_MAX);
  assert_true(queued <= CLIENTS * (size_t)WAITING_MAX);
}

static void test_a_client_that_disconnects_holds_nothing_any_more(void **state) {
  (void)state;
  lay_out();
  for (unsigned i = 0; i < 8; i++) {
    struct site_client *client = site_connect(4096);
    site_send(client, get_large);
    site_turns(3);
    close(client->fd); /* with bytes unread: a reset */
    client->fd = -1;
  }
  site_turns(5);
  for (unsigned i = 0; i < site.count; i++) {
    assert_false(site.clients[i]->open);
  }
  assert_int_equal(site.streams.ready.count, 0);
}

static void test_a_client_that_only_ends_its_side_gets_its_file(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(0);
  site_send(client, get_large);
  shutdown(client->fd, SHUT_WR);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  size_t received = 0;
  for (unsigned tries = 0; tries < 100000 && received < LARGE; tries++) {
    site_turn();
    received += take(client, sizeof bytes);
  }
  assert_int_equal(received, LARGE);
  site_turns(3);
  assert_true(site_is_ended(client));
  assert_false(client->open);
}

/* Its last piece waits for it still when the end of its side is read. */
static void test_a_slow_client_that_only_ends_its_side_gets_its_file(void **state) {
  (void)state;
  int small = 16384;
  site_write_large("root/large.bin", 262144);
  struct site_client *client = site_connect(4096);
  setsockopt(client->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  site_send(client, get_large);
  shutdown(client->fd, SHUT_WR);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  size_t received = 0;
  while (!site_is_ended(client)) {
    site_turns(3);
    size_t len = take_or_wait(client, 3000);
    check_piece(received, len);
    received += len;
  }
  assert_int_equal(received, 262144);
}

static void test_a_file_that_becomes_shorter_ends_the_connection(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(4096);
  site_send(client, get_large);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  site_turns(10);
  assert_int_equal(truncate(site_path("root/large.bin"), MIB), 0);
  size_t received = 0;
  for (unsigned tries = 0; tries < 100000 && client->open; tries++) {
    site_turn();
    size_t len = take(client, sizeof bytes);
    check_piece(received, len);
    received += len;
  }
  assert_false(client->open);
  while (take(client, sizeof bytes) > 0) {
  }
  assert_true(received < LARGE); /* it can see that it is not whole */
}

/* Deadlines. */

/* At 64 KiB in 9 s this much takes more than two minutes. */
static void test_a_slow_download_goes_on_while_its_peer_takes_bytes(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(32768);
  site_send(client, get_large);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  size_t received = 0;
  for (size_t passed = 0; received < MIB;) {
    site_turn();
    size_t len = take_or_wait(client, 20000);
    check_piece(received, len);
    received += len;
    if (received - passed >= 65536) {
      passed = received;
      site_advance_ms(9000);
    }
    assert_true(client->open);
  }
}

static void test_a_download_that_stands_still_ends_after_thirty_seconds(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(32768);
  site_send(client, get_large);
  site_turns(50);
  for (unsigned i = 0; i < 29; i++) {
    site_advance_ms(1000);
    assert_true(client->open);
  }
  for (unsigned i = 0; i < 11; i++) {
    site_advance_ms(1000);
  }
  assert_false(client->open); /* it is looked at every 7.5 s */
}

/* Small ones too: what counts is that some of it waits. */
static void test_answers_that_wait_for_a_slow_peer_are_not_cut_by_the_time_of_a_request(void **state) {
  (void)state;
  static char piece[60001];
  memset(piece, 'p', sizeof piece - 1);
  site_write("root/piece.txt", piece);
  int small = 16384;
  struct site_client *client = site_connect(32768);
  setsockopt(client->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  for (unsigned i = 0; i < 40; i++) {
    site_send(client, "GET /piece.txt HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  size_t received = 0;
  for (size_t passed = 0; received < 40 * (sizeof piece - 1);) {
    site_turn();
    received += take_or_wait(client, 20000);
    if (received - passed >= 20000) {
      passed = received;
      site_advance_ms(9000); /* a request has 10 s, each answer takes 27 s */
    }
    assert_true(client->open);
    assert_true(site.queued_max <= STOA_STREAM_PAUSE_BYTES + WAITING_MAX);
  }
  assert_int_equal(client->requests, 40);
  site_advance_ms(10000);
  site_advance_ms(10000); /* now only its time for a request counts */
  assert_false(client->open);
}

static void test_a_single_answer_that_waits_has_thirty_seconds_too(void **state) {
  (void)state;
  static char piece[60001];
  memset(piece, 'p', sizeof piece - 1);
  site_write("root/piece.txt", piece);
  int small = 4096;
  struct site_client *client = site_connect(4096);
  setsockopt(client->stream.conn.io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  site_send(client, "GET /piece.txt HTTP/1.1\r\nHost: x\r\n\r\n");
  site_turns(50);
  assert_true(stoa_stream_queued(&client->stream) > 0);
  for (unsigned i = 0; i < 29; i++) {
    site_advance_ms(1000);
    assert_true(client->open);
  }
  for (unsigned i = 0; i < 11; i++) {
    site_advance_ms(1000);
  }
  assert_false(client->open);
}

static void test_files_that_are_asked_for_at_once_are_answered_with_bounded_memory(void **state) {
  (void)state;
  static char piece[60001];
  memset(piece, 'p', sizeof piece - 1);
  site_write("root/piece.txt", piece);
  struct site_client *client = site_connect(0);
  for (unsigned i = 0; i < 200; i++) {
    site_send(client, "GET /piece.txt HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  size_t received = 0;
  for (unsigned i = 0; i < 10000 && received < 200 * (sizeof piece - 1); i++) {
    site_turn();
    received += take(client, sizeof bytes);
  }
  assert_int_equal(client->requests, 200);
  assert_true(received > 200 * (sizeof piece - 1));
  assert_true(site.queued_max <= STOA_STREAM_PAUSE_BYTES + WAITING_MAX);
}

static void test_a_request_that_came_in_time_does_not_time_out_while_others_are_served(void **state) {
  (void)state;
  lay_out();
  struct site_client *client = site_connect(0);
  site_turn();
  site_send(client, get_small);
  /* The clock goes on before anybody has looked. */
  site.time.monotonic_ns += 11000ull * 1000000;
  uint64_t now_ms = site.time.monotonic_ns / 1000000;
  uint64_t due_ms = stoa_http_on_deadline(&client->stream, now_ms);
  assert_true(client->open && client->stream.state == STOA_STREAM_OPEN);
  assert_true(due_ms > now_ms && due_ms <= now_ms + 1000);
  take_head(client, "HTTP/1.1 200 OK\r\n");
  /* The same, when it waits on the ready list. */
  take(client, 5);
  site_turns(2);
  stoa_stream_yield(&client->stream);
  due_ms = stoa_http_on_deadline(&client->stream, now_ms + 11000);
  assert_true(client->stream.state == STOA_STREAM_OPEN);
  assert_true(due_ms > now_ms + 11000);
}

static void test_a_client_that_is_silent_or_slow_before_its_request_is_closed(void **state) {
  (void)state;
  char got[1024];
  struct site_client *silent = site_connect(0);
  struct site_client *slow = site_connect(0);
  for (unsigned i = 0; i < 10; i++) {
    assert_true(silent->open);
    assert_int_equal(send(slow->fd, get_small + i, 1, MSG_NOSIGNAL), 1);
    site_advance_ms(1000);
  }
  assert_false(silent->open);
  assert_true(site_is_ended(silent));
  site_receive(slow, got, sizeof got);
  assert_memory_equal(got, "HTTP/1.1 408", 12);
  assert_true(site_is_ended(slow));
}

/* Bodies of a host. */

static struct {
  struct stoa_http_content base;
  unsigned reads, closes;
  int status;
} body;

static int read_body(struct stoa_http_content *base, struct stoa_buffer *out, size_t size, bool *out_last) {
  (void)base;
  assert_true(size >= 4);
  body.reads++;
  *out_last = body.reads == 3;
  return body.status != STOA_OK && body.reads == 2 ? body.status : stoa_buffer_append(out, "part", 4);
}

static void close_body(struct stoa_http_content *base) {
  (void)base;
  body.closes++;
}

static void answer_from_body(struct stoa_stream *stream, const struct stoa_http_head *head, int code,
                             const uint8_t *data) {
  (void)data;
  assert_int_equal(code, 200);
  static const char start[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
  assert_int_equal(stoa_stream_output_bytes(stream, start, sizeof start - 1), STOA_OK);
  stoa_http_answer_from(stream, &body.base, head->keep_alive);
}

static void begin_body(int status) {
  memset(&body, 0, sizeof body);
  body.base.read = read_body;
  body.base.close = close_body;
  body.status = status;
  site.on_request = answer_from_body;
}

static void test_content_is_read_piece_by_piece_and_closed_once(void **state) {
  (void)state;
  begin_body(STOA_OK);
  const char *answer = site_ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert_non_null(strstr(answer, "\r\n\r\npartpartpart"));
  assert_int_equal(body.reads, 3);
  assert_int_equal(body.closes, 1);
}

static void test_content_that_cannot_be_read_ends_the_connection(void **state) {
  (void)state;
  begin_body(STOA_E_SYSTEM);
  struct site_client *client = site_connect(0);
  site_send(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  site_turns(5);
  assert_false(client->open);
  assert_int_equal(body.closes, 1);
}

static void test_without_memory_for_its_turn_an_answer_ends_at_once(void **state) {
  (void)state;
  lay_out();
  begin_body(STOA_OK);
  struct site_client *client = site_connect(0);
  site_send(client, get_small);
  for (uint64_t n = 1; n < 30 && body.closes == 0; n++) {
    begin_body(STOA_OK);
    stoa_stream_host_trim(&site.streams); /* the ready list needs memory anew */
    stoa_memory_fail_at(n, false);
    site_turns(5);
    uint64_t hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    site_turns(3);
    assert_int_equal(body.closes, 1); /* read to its end, or given up: it does not stand still */
    close(client->fd);
    client->fd = -1;
    site_turns(3);
    if (hits == 0) {
      break;
    }
    client = site_connect(0);
    site_send(client, get_small);
    body.closes = 0;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_large_file_arrives_whole_and_little_of_it_waits),
      TEST(test_each_piece_waits_for_the_shares_of_others),
      TEST(test_the_next_request_waits_for_the_end_of_the_answer),
      TEST(test_clients_that_never_read_hold_one_piece_each),
      TEST(test_a_client_that_disconnects_holds_nothing_any_more),
      TEST(test_a_client_that_only_ends_its_side_gets_its_file),
      TEST(test_a_slow_client_that_only_ends_its_side_gets_its_file),
      TEST(test_a_file_that_becomes_shorter_ends_the_connection),
      TEST(test_a_slow_download_goes_on_while_its_peer_takes_bytes),
      TEST(test_a_download_that_stands_still_ends_after_thirty_seconds),
      TEST(test_answers_that_wait_for_a_slow_peer_are_not_cut_by_the_time_of_a_request),
      TEST(test_a_single_answer_that_waits_has_thirty_seconds_too),
      TEST(test_files_that_are_asked_for_at_once_are_answered_with_bounded_memory),
      TEST(test_a_request_that_came_in_time_does_not_time_out_while_others_are_served),
      TEST(test_a_client_that_is_silent_or_slow_before_its_request_is_closed),
      TEST(test_content_is_read_piece_by_piece_and_closed_once),
      TEST(test_content_that_cannot_be_read_ends_the_connection),
      TEST(test_without_memory_for_its_turn_an_answer_ends_at_once),
  };
  return cmocka_run_group_tests_name("HTTP", tests, NULL, NULL);
}
