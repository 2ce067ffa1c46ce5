/* The header of a proxy in front of a connection: in any pieces, with TLS after it, broken, or missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"
#include "lib/tls_ends.h"
#include "net/proxy_input.h"
#include "net/tls.h"

#define HEADER_MS 10000u

static const char version_1[] = "PROXY TCP4 192.0.2.1 198.51.100.2 4000 443\r\n";
static const uint8_t version_2[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11,
                                    0x00, 0x0c, 192,  0,    2,    1,    198,  51,   100,  2,    0x0f, 0xa0, 0x01, 0xbb};
static const char after[] = "what comes after it";

static struct {
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_stream_host host;
  struct stoa_proxy_host proxy;
  struct stoa_protocol next; /* reads what comes after the header */
  struct stoa_stream *stream;
  struct stoa_deferred release;
  struct stoa_tls_context *tls; /* the connection speaks it after the header */
  int peer;
  int64_t blocks_before;
  unsigned headers, bad;
  bool ended;
  struct stoa_proxy_header header;
  char heard[200];
  size_t heard_len;
} world;

static struct tls_ends tls;

/* After the header. */

static size_t on_input(struct stoa_stream *stream, uint8_t *data, size_t len) {
  (void)stream;
  assert_true(world.heard_len + len < sizeof world.heard);
  memcpy(world.heard + world.heard_len, data, len);
  world.heard_len += len;
  return len;
}

static void on_input_end(struct stoa_stream *stream, int status) {
  (void)status;
  stoa_stream_drop(stream);
}

static void on_nothing(struct stoa_stream *stream) {
  (void)stream;
}

/* The host. */

static void on_header(struct stoa_stream *stream, const struct stoa_proxy_header *header) {
  world.headers++;
  world.header = *header;
  stoa_stream_set_protocol(stream, &world.next);
  if (world.tls != NULL) {
    assert_int_equal(stoa_stream_start_tls(stream, world.tls), STOA_OK);
  }
}

static void on_bad_header(struct stoa_stream *stream) {
  (void)stream;
  world.bad++;
}

static void release(struct stoa_deferred *deferred) {
  (void)deferred;
  stoa_stream_fini(world.stream);
  stoa_free(world.stream);
  world.stream = NULL;
  world.ended = true;
}

static void on_end(struct stoa_stream *stream) {
  (void)stream;
  world.release.run = release;
  stoa_loop_defer(world.host.loop, &world.release);
}

static void on_deadline_change(struct stoa_stream *stream, uint64_t due_ms) {
  (void)stream;
  (void)due_ms;
}

static void on_turn_end(void *unused) {
  (void)unused;
  stoa_stream_host_run_ready(&world.host);
  stoa_turn_end(&world.host.turn);
}

static void turns(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    stoa_loop_turn(world.host.loop, 0);
  }
}

static int begin(void **state) {
  (void)state;
  int pair[2];
  memset(&world, 0, sizeof world);
  world.blocks_before = stoa_memory_live_blocks();
  world.clock = stoa_clock_fake_init(&world.time);
  world.time.monotonic_ns = (UINT32_MAX - 3000ull) * 1000000;
  world.host = (struct stoa_stream_host){.queue_bytes_max = 65536,
                                         .on_deadline_change = on_deadline_change,
                                         .scratch = stoa_alloc(STOA_STREAM_SCRATCH_BYTES)};
  world.proxy = (struct stoa_proxy_host){.protocol.host = &world.host,
                                         .header_ms = HEADER_MS,
                                         .on_header = on_header,
                                         .on_bad_header = on_bad_header,
                                         .on_end = on_end};
  stoa_proxy_host_init(&world.proxy);
  world.next = world.proxy.protocol;
  world.next.peeks = false;
  world.next.on_input = on_input;
  world.next.on_input_end = on_input_end;
  world.next.on_doomed = stoa_stream_drop;
  world.next.on_progress = on_nothing;
  world.next.on_closed = on_end;
  assert_int_equal(stoa_loop_create(&world.clock, &world.host.loop), STOA_OK);
  stoa_stream_host_init(&world.host);
  stoa_loop_on_turn_end(world.host.loop, on_turn_end, NULL);
  world.stream = stoa_calloc(1, sizeof *world.stream);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  world.peer = pair[1];
  return stoa_stream_open(world.stream, &world.proxy.protocol, pair[0], NULL);
}

static int end(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  if (world.stream != NULL) {
    stoa_stream_drop(world.stream);
  }
  turns(3);
  assert_true(world.ended);
  close(world.peer);
  stoa_loop_destroy(world.host.loop);
  stoa_stream_host_fini(&world.host);
  stoa_free(world.host.scratch);
  assert_int_equal(stoa_memory_live_blocks(), world.blocks_before);
  return 0;
}

static void say(const void *data, size_t len) {
  assert_int_equal(send(world.peer, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void check_header(void) {
  static const uint8_t source[4] = {192, 0, 2, 1};
  assert_int_equal(world.headers, 1);
  assert_int_equal(world.bad, 0);
  assert_int_equal(world.header.family, STOA_PROXY_IP);
  assert_memory_equal(world.header.source + STOA_IP_LEN - 4, source, 4);
  assert_int_equal(world.header.source_port, 4000);
  assert_int_equal(world.header.destination_port, 443);
}

static void check_heard(void) {
  check_header();
  assert_int_equal(world.heard_len, strlen(after));
  assert_memory_equal(world.heard, after, strlen(after));
}

/* Pieces. */

static void check_every_split(void **state, const void *header, size_t len) {
  uint8_t said[200];
  size_t total = len + strlen(after);
  memcpy(said, header, len);
  memcpy(said + len, after, strlen(after));
  for (size_t first = 0; first <= total; first++) {
    for (size_t second = first; second <= total; second += 7) {
      if (first > 0) {
        say(said, first);
        turns(2);
      }
      if (second > first) {
        say(said + first, second - first);
        turns(2);
      }
      if (total > second) {
        say(said + second, total - second);
      }
      turns(3);
      check_heard();
      end(state);
      begin(state);
    }
  }
}

static void test_a_header_of_version_1_may_come_in_any_pieces(void **state) {
  check_every_split(state, version_1, sizeof version_1 - 1);
}

static void test_a_header_of_version_2_may_come_in_any_pieces(void **state) {
  check_every_split(state, version_2, sizeof version_2);
}

static void test_a_header_may_come_byte_by_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof version_1 - 1; i++) {
    assert_int_equal(world.headers, 0);
    say(version_1 + i, 1);
    turns(1);
  }
  say(after, strlen(after));
  turns(2);
  check_heard();
}

/* It takes its share like all others. */
static void test_a_header_waits_for_its_turn_and_is_not_lost(void **state) {
  (void)state;
  say(version_1, 10);
  turns(1);
  stoa_stream_yield(world.stream);
  say(version_1 + 10, sizeof version_1 - 11);
  say(after, strlen(after));
  turns(4);
  check_heard();
}

/* TLS. */

/* One segment: a header and a client's hello, of which no byte may be taken from OpenSSL. */
static void check_tls(size_t cut) {
  uint8_t said[4096];
  BIO *from = BIO_new(BIO_s_mem());
  BIO *to = BIO_new(BIO_s_mem());
  SSL *ssl = SSL_new(tls.client);
  SSL_set_bio(ssl, from, to);
  SSL_set_connect_state(ssl);
  world.tls = tls.server;
  memcpy(said, version_1, sizeof version_1 - 1);
  assert_int_equal(SSL_do_handshake(ssl), -1);
  int hello = BIO_read(to, said + sizeof version_1 - 1, (int)(sizeof said - sizeof version_1));
  assert_true(hello > 100);
  size_t len = sizeof version_1 - 1 + (size_t)hello;
  cut = cut < len ? cut : len - 1;
  if (cut > 0) {
    say(said, cut);
    turns(2);
  }
  say(said + cut, len - cut);
  bool written = false;
  for (unsigned i = 0; i < 50 && world.heard_len < strlen(after); i++) {
    turns(1);
    ssize_t got = recv(world.peer, said, sizeof said, 0);
    if (got > 0) {
      assert_int_equal(BIO_write(from, said, (int)got), got);
    }
    if (SSL_do_handshake(ssl) == 1 && !written) {
      written = SSL_write(ssl, after, (int)strlen(after)) > 0;
    }
    int out = BIO_read(to, said, sizeof said);
    if (out > 0) {
      say(said, (size_t)out);
    }
  }
  check_heard();
  SSL_free(ssl);
}

static void test_tls_may_follow_the_header_in_one_segment(void **state) {
  static const size_t cuts[] = {0, 1, 20, sizeof version_1 - 2, sizeof version_1 - 1, sizeof version_1, 200};
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    check_tls(cuts[i]);
    end(state);
    begin(state);
  }
}

/* Without one. */

static void test_what_is_no_header_ends_the_connection(void **state) {
  static const char *const none[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                     "\x16\x03\x01\x02\x00\x01",
                                     "PROXY TCP9 1 2 3 4\r\n",
                                     "PROXY TCP4 192.0.2.1 198.51.100.2 4000 70000\r\n",
                                     "\r\n\r\n\r\n",
                                     "proxy tcp4 192.0.2.1 198.51.100.2 4000 443\r\n"};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    say(none[i], strlen(none[i]));
    turns(2);
    assert_true(world.ended);
    assert_int_equal(world.bad, 1);
    assert_int_equal(world.headers, 0);
    end(state);
    begin(state);
  }
}

static void test_a_header_that_never_ends_ends_the_connection(void **state) {
  (void)state;
  static char flood[8192];
  memset(flood, 'x', sizeof flood);
  memcpy(flood, "PROXY TCP4 ", 11);
  say(flood, sizeof flood);
  turns(2);
  assert_true(world.ended);
  assert_int_equal(world.bad, 1);
}

static void test_a_connection_that_ends_before_its_header_is_not_an_error_of_the_proxy(void **state) {
  (void)state;
  say(version_1, 10);
  turns(1);
  shutdown(world.peer, SHUT_WR);
  turns(3);
  assert_true(world.ended);
  assert_int_equal(world.bad, 0);
}

/* Deadlines. */

static uint64_t pass_ms(uint64_t ms) {
  world.time.monotonic_ns += ms * 1000000;
  turns(1);
  uint64_t now_ms = stoa_loop_now_ms(world.host.loop);
  uint64_t due_ms = stoa_proxy_on_deadline(world.stream, now_ms);
  turns(1);
  return due_ms - now_ms;
}

static void test_a_header_has_its_time_from_the_accept_on(void **state) {
  (void)state;
  for (unsigned i = 0; i < 9; i++) {
    say(version_1 + i, 1); /* a byte now and then does not help */
    assert_int_equal(pass_ms(1000), HEADER_MS - (i + 1) * 1000);
  }
  assert_int_equal(pass_ms(999), 1);
  assert_false(world.ended);
  pass_ms(1);
  assert_true(world.ended);
}

/* The worker was busy, and nobody has looked. */
static void test_a_header_that_came_in_time_is_not_too_late(void **state) {
  (void)state;
  say(version_1, sizeof version_1 - 1);
  world.time.monotonic_ns += (HEADER_MS + 1000ull) * 1000000;
  uint64_t now_ms = world.time.monotonic_ns / 1000000;
  assert_true(stoa_proxy_on_deadline(world.stream, now_ms) > now_ms);
  turns(2);
  check_header();
}

/* Memory. */

static void test_each_allocation_for_a_header_may_fail(void **state) {
  uint64_t hits = 1;
  unsigned n = 1;
  for (; hits > 0 && n < 100; n++) {
    stoa_memory_fail_at(n, false);
    say(version_1, 10);
    turns(2);
    if (!world.ended) {
      say(version_1 + 10, sizeof version_1 - 11);
      turns(2);
    }
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    turns(2);
    assert_true(world.ended || world.headers == 1);
    end(state);
    begin(state);
  }
  assert_true(n > 2 && n < 100);
}

static int open_tls(void **state) {
  (void)state;
  tls_ends_open(&tls, "proxy");
  return 0;
}

static int close_tls(void **state) {
  (void)state;
  tls_ends_close(&tls);
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_header_of_version_1_may_come_in_any_pieces),
      TEST(test_a_header_of_version_2_may_come_in_any_pieces),
      TEST(test_a_header_may_come_byte_by_byte),
      TEST(test_a_header_waits_for_its_turn_and_is_not_lost),
      TEST(test_tls_may_follow_the_header_in_one_segment),
      TEST(test_what_is_no_header_ends_the_connection),
      TEST(test_a_header_that_never_ends_ends_the_connection),
      TEST(test_a_connection_that_ends_before_its_header_is_not_an_error_of_the_proxy),
      TEST(test_a_header_has_its_time_from_the_accept_on),
      TEST(test_a_header_that_came_in_time_is_not_too_late),
      TEST(test_each_allocation_for_a_header_may_fail),
  };
  return cmocka_run_group_tests_name("proxy headers", tests, open_tls, close_tls);
}
