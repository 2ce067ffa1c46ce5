/* A session over TLS whose line is full: what it began to send must be offered again in one piece. */
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

#include "lib/self_signed.h"
#include "net/tls.h"
#include "world.h"

static struct self_signed own;
static struct stoa_tls_context *context;
static SSL_CTX *client_context;

static int write_files(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
  self_signed_write(&own, "own");
  client_context = SSL_CTX_new(TLS_client_method());
  return stoa_tls_context_create(own.certificate, own.key, &context);
}

static int remove_files(void **state) {
  (void)state;
  stoa_tls_context_destroy(context);
  SSL_CTX_free(client_context);
  self_signed_remove(&own);
  return 0;
}

/* The client and its session, beside the plain one that the world came with. */
struct line {
  struct stoa_session *session;
  SSL *ssl;
  int fd;
};

static struct line connect_line(void) {
  struct line line;
  int pair[2];
  int small = 4096;
  uint8_t byte;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  struct stoa_session *plain = world.session;
  assert_int_equal(world_open(pair[0], context), STOA_OK);
  line.session = world.session;
  world.session = plain;
  line.fd = pair[1];
  line.ssl = SSL_new(client_context);
  SSL_set_fd(line.ssl, line.fd);
  SSL_set_connect_state(line.ssl);
  while (SSL_do_handshake(line.ssl) != 1) {
    world_turn();
  }
  world_turns(3);
  assert_int_equal(SSL_read(line.ssl, &byte, 1), -1); /* takes the tickets */
  assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  return line;
}

static void end_line(struct line *line) {
  struct stoa_session *plain = world.session;
  SSL_free(line->ssl);
  close(line->fd);
  if (line->session->state == STOA_SESSION_NONE) {
    stoa_stream_drop(&line->session->stream);
  } else {
    stoa_session_drop(line->session, 1006, "");
  }
  world_turn();
  world.session = plain; /* the world takes the end for that of its own */
}

static void get(const struct line *line) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  assert_int_equal(SSL_write(line->ssl, request, sizeof request - 1), sizeof request - 1);
  world_turn();
}

/* How many answers fill a line, so that the next finds it full at its first byte. */
static unsigned answers_that_fit(void) {
  struct line line = connect_line();
  unsigned count = 0;
  for (get(&line); !line.session->stream.blocked; get(&line)) {
    count++;
  }
  end_line(&line);
  return count;
}

static void test_an_upgrade_on_a_full_connection_arrives_with_what_follows_it(void **state) {
  (void)state;
  static uint8_t bytes[20000];
  uint8_t payload[3000] = {0};
  world_turn();
  unsigned count = answers_that_fit();
  struct line line = connect_line();
  for (unsigned i = 0; i < count; i++) {
    get(&line);
  }
  assert_false(line.session->stream.blocked);
  world.echo_times = 1;
  memcpy(bytes, world_upgrade_head, WORLD_UPGRADE_HEAD_LEN);
  size_t len = WORLD_UPGRADE_HEAD_LEN + world_frame(bytes + WORLD_UPGRADE_HEAD_LEN, 0x82, payload, sizeof payload);
  assert_int_equal(SSL_write(line.ssl, bytes, (int)len), len);
  world_turn();
  assert_true(line.session->stream.blocked);
  size_t expected = count * strlen("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") + strlen("HTTP/1.1 101 x\r\n\r\n");
  expected += 4 + sizeof payload;
  size_t got = 0;
  for (int i = 0; i < 50; i++) {
    int now = SSL_read(line.ssl, bytes, sizeof bytes);
    got += now > 0 ? (size_t)now : 0;
    world_turn();
  }
  assert_int_equal(got, expected);
  end_line(&line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_an_upgrade_on_a_full_connection_arrives_with_what_follows_it),
  };
  return cmocka_run_group_tests_name("secure", tests, write_files, remove_files);
}
