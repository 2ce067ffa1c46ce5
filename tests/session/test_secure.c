/* A session over TLS whose socket is full: a write that began must be repeated with the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/tls_ends.h"
#include "world.h"

static struct tls_ends tls;

static int open_tls(void **state) {
  (void)state;
  tls_ends_open(&tls, "own");
  return 0;
}

static int close_tls(void **state) {
  (void)state;
  tls_ends_close(&tls);
  return 0;
}

/* The client and its session, beside the plain one that the world came with. */
struct secure {
  struct stoa_session *session;
  SSL *ssl;
  int fd;
};

static struct secure connect_secure(void) {
  struct secure secure;
  int pair[2];
  int small = 4096;
  uint8_t byte;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  struct stoa_session *plain = world.session;
  assert_int_equal(world_open(pair[0], tls.server), STOA_OK);
  secure.session = world.session;
  world.session = plain;
  secure.fd = pair[1];
  secure.ssl = tls_ends_client(&tls, secure.fd);
  while (SSL_do_handshake(secure.ssl) != 1) {
    world_turn();
  }
  world_turns(3);
  assert_int_equal(SSL_read(secure.ssl, &byte, 1), -1); /* takes the tickets */
  assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  return secure;
}

static void end_secure(struct secure *secure) {
  struct stoa_session *plain = world.session;
  SSL_free(secure->ssl);
  close(secure->fd);
  if (secure->session->state == STOA_SESSION_NONE) {
    stoa_stream_drop(&secure->session->stream);
  } else {
    stoa_session_drop(secure->session, 1006, "");
  }
  world_turn();
  world.session = plain; /* the world takes the end for that of its own */
}

static void get(const struct secure *secure) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  assert_int_equal(SSL_write(secure->ssl, request, sizeof request - 1), sizeof request - 1);
  world_turn();
}

/* How many answers fill a secure, so that the next finds it full at its first byte. */
static unsigned answers_that_fit(void) {
  struct secure secure = connect_secure();
  unsigned count = 0;
  for (get(&secure); !secure.session->stream.blocked; get(&secure)) {
    count++;
  }
  end_secure(&secure);
  return count;
}

static void test_an_upgrade_on_a_full_connection_arrives_with_what_follows_it(void **state) {
  (void)state;
  static uint8_t bytes[20000];
  uint8_t payload[3000] = {0};
  world_turn();
  unsigned count = answers_that_fit();
  struct secure secure = connect_secure();
  for (unsigned i = 0; i < count; i++) {
    get(&secure);
  }
  assert_false(secure.session->stream.blocked);
  world.echo_times = 1;
  memcpy(bytes, world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  size_t len = WORLD_UPGRADE_HEAD_LEN + world_frame(bytes + WORLD_UPGRADE_HEAD_LEN, 0x82, payload, sizeof payload);
  assert_int_equal(SSL_write(secure.ssl, bytes, (int)len), len);
  world_turn();
  assert_true(secure.session->stream.blocked);
  size_t expected = count * strlen("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") + strlen("HTTP/1.1 101 x\r\n\r\n");
  expected += 4 + sizeof payload;
  size_t got = 0;
  for (int i = 0; i < 50; i++) {
    int now = SSL_read(secure.ssl, bytes, sizeof bytes);
    got += now > 0 ? (size_t)now : 0;
    world_turn();
  }
  assert_int_equal(got, expected);
  end_secure(&secure);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_an_upgrade_on_a_full_connection_arrives_with_what_follows_it),
  };
  return cmocka_run_group_tests_name("secure", tests, open_tls, close_tls);
}
