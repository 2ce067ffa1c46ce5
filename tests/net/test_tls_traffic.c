/* The records of TLS 1.3 that the library makes and opens by itself, against OpenSSL's client, and against a client
 * that has the keys and writes what OpenSSL would not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stoa/log.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "lib/self_signed.h"
#include "net/conn.h"
#include "net/tls.h"
#include "net/tls_record.h"

enum { BIG = 100000 };

static struct {
  struct self_signed files;
  struct stoa_tls_context *context;
  SSL_CTX *client_context;
  struct stoa_tls_tools *tools;
  struct stoa_loop *loop;
  struct stoa_conn conn;
  int fds[2]; /* ours, the client's */
  SSL *client;
  struct stoa_tls_keys keys; /* the client's, to seal with */
  const struct stoa_tls_suite *suite;
  size_t take_max; /* what a send takes at most; 0: all */
  bool is_full;    /* after it the kernel takes nothing */
  unsigned send_count;
  uint8_t got[BIG * 2];
} world;

static void on_ready(struct stoa_io *io, uint32_t events) {
  (void)io;
  (void)events;
}

/* Remember the secret of what the client sends. */
static void on_line(const SSL *ssl, const char *line) {
  static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
  (void)ssl;
  if (strncmp(line, label, sizeof label - 1) != 0) {
    return;
  }
  const char *hex = strrchr(line, ' ') + 1;
  for (size_t i = 0; hex[2 * i] != '\0'; i++) {
    unsigned byte;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
    world.keys.secret[i] = (uint8_t)byte;
  }
}

static int make_contexts(void **state) {
  (void)state;
  stoa_tls_memory_setup();
  self_signed_write(&world.files, "traffic");
  world.client_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_keylog_callback(world.client_context, on_line);
  world.tools = stoa_tls_tools_create();
  assert_non_null(world.tools);
  return stoa_tls_context_create(world.files.certificate, world.files.key, &world.context);
}

static int free_contexts(void **state) {
  (void)state;
  stoa_tls_context_destroy(world.context);
  SSL_CTX_free(world.client_context);
  stoa_tls_tools_destroy(world.tools);
  self_signed_remove(&world.files);
  return 0;
}

static int connect_both(void **state) {
  (void)state;
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &world.loop), STOA_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, world.fds), 0);
  assert_int_equal(stoa_conn_init(&world.conn, world.fds[0], world.context, on_ready), STOA_OK);
  world.client = SSL_new(world.client_context);
  SSL_set_fd(world.client, world.fds[1]);
  SSL_set_connect_state(world.client);
  return 0;
}

static int close_both(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  stoa_sys = stoa_sys_real;
  world.take_max = 0;
  world.is_full = false;
  stoa_conn_close(&world.conn, world.loop);
  SSL_free(world.client);
  close(world.fds[1]);
  stoa_loop_destroy(world.loop);
  return 0;
}

static int read_some(void *data, size_t size, size_t *out_len) {
  return stoa_conn_read(&world.conn, data, size, out_len);
}

static void shake_hands(void) {
  char byte;
  size_t len;
  while (SSL_do_handshake(world.client) != 1) {
    assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  }
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  assert_false(stoa_conn_handshaking(&world.conn));
  world.suite = stoa_tls_suite_find(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(world.client)));
  if (world.suite != NULL) {
    assert_true(stoa_tls_keys_begin(&world.keys, world.tools, world.suite, 0));
  }
}

static int write_all(const uint8_t *data, size_t len) {
  size_t done = 0;
  while (done < len) {
    struct iovec piece = {(void *)(uintptr_t)(data + done), len - done};
    size_t taken = 0;
    int status = stoa_conn_write(&world.conn, &piece, 1, &taken);
    if (status != STOA_OK) {
      return status;
    }
    done += taken;
  }
  return STOA_OK;
}

static void client_gets(const char *text) {
  char got[64];
  int len = SSL_read(world.client, got, sizeof got);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(got, text, strlen(text));
}

static void server_gets(const char *text) {
  char got[64];
  size_t len;
  assert_int_equal(read_some(got, sizeof got, &len), STOA_OK);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(got, text, len);
}

static void both_ways(void) {
  assert_int_equal(SSL_write(world.client, "question", 8), 8);
  server_gets("question");
  assert_int_equal(write_all((const uint8_t *)"answer", 6), STOA_OK);
  client_gets("answer");
}

/* One record of the client's, of any kind. */
static size_t forge(uint8_t *out, unsigned type, const char *text, size_t len) {
  assert_true(stoa_tls_seal(&world.keys, world.tools, world.suite, (enum stoa_tls_record_type)type,
                            (const uint8_t *)text, len, out));
  return len + STOA_TLS_OVERHEAD_LEN;
}

static void send_raw(const uint8_t *data, size_t len) {
  assert_int_equal(send(world.fds[1], data, len, 0), len);
}

static void send_forged(unsigned type, const char *text, size_t len) {
  uint8_t record[STOA_TLS_RECORD_LEN_MAX];
  send_raw(record, forge(record, type, text, len));
}

static void is_refused(int alert) {
  char got[64];
  size_t len;
  assert_int_equal(read_some(got, sizeof got, &len), STOA_E_TLS);
  assert_int_equal(read_some(got, sizeof got, &len), STOA_E_TLS);
  assert_int_equal(write_all((const uint8_t *)"more", 4), STOA_E_TLS);
  if (alert >= 0) {
    uint8_t byte;
    assert_true(SSL_read(world.client, &byte, 1) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_AD_REASON_OFFSET + alert);
    ERR_clear_error();
  }
}

static void test_every_suite_of_tls_1_3_goes_both_ways(void **state) {
  static const char *const names[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256"};
  for (size_t i = 0; i < 3; i++) {
    connect_both(state);
    assert_int_equal(SSL_set_ciphersuites(world.client, names[i]), 1);
    shake_hands();
    assert_string_equal(SSL_get_cipher(world.client), names[i]);
    both_ways();
    both_ways();
    close_both(state);
  }
}

static void test_an_agreed_connection_is_two_blocks_of_memory(void **state) {
  (void)state;
  struct stoa_conn other; /* it keeps what a thread's connections share */
  assert_int_equal(stoa_conn_init(&other, world.fds[0], world.context, on_ready), STOA_OK);
  shake_hands();
  both_ways();
  int64_t before = stoa_memory_live_blocks();
  stoa_conn_close(&world.conn, world.loop);
  assert_int_equal(before - stoa_memory_live_blocks(), 2);
  stoa_tls_destroy(other.tls);
}

static void test_tls_1_2_is_openssl_s_to_the_end(void **state) {
  (void)state;
  SSL_set_max_proto_version(world.client, TLS1_2_VERSION);
  shake_hands();
  assert_int_equal(SSL_version(world.client), TLS1_2_VERSION);
  both_ways();
  assert_int_equal(SSL_write(world.client, "twice", 5), 5);
  assert_int_equal(SSL_write(world.client, "read", 4), 4);
  server_gets("twiceread");
  SSL_shutdown(world.client);
  char byte;
  size_t len;
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_CLOSED);
}

static void test_a_session_is_resumed_by_the_ticket_that_came_with_the_first_answer(void **state) {
  (void)state;
  shake_hands();
  both_ways();
  SSL_SESSION *session = SSL_get1_session(world.client);
  assert_true(SSL_SESSION_has_ticket(session));
  assert_true(SSL_SESSION_is_resumable(session));
  SSL_shutdown(world.client);
  close_both(state);
  connect_both(state);
  SSL_set_session(world.client, session);
  shake_hands();
  assert_true(SSL_session_reused(world.client));
  both_ways();
  SSL_SESSION_free(session);
}

static void test_keys_are_renewed_as_often_as_the_client_asks(void **state) {
  (void)state;
  shake_hands();
  for (int i = 0; i < 40; i++) {
    assert_int_equal(SSL_key_update(world.client, i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
                     1);
    both_ways();
  }
}

static void test_a_key_update_may_come_in_pieces(void **state) {
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  send_forged(STOA_TLS_RECORD_HANDSHAKE, "\x18\0", 2);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  send_forged(STOA_TLS_RECORD_HANDSHAKE, "\0\1\0", 3);
  assert_true(stoa_tls_keys_update(&world.keys, world.tools, world.suite));
  send_forged(STOA_TLS_RECORD_DATA, "under new keys", 14);
  server_gets("under new keys");
}

static void test_what_is_no_key_update_is_refused(void **state) {
  static const struct {
    const char *text;
    size_t len;
    int alert;
  } messages[] = {
      {"", 0, SSL_AD_UNEXPECTED_MESSAGE},
      {"\x18\0\0\1\2", 5, SSL_AD_ILLEGAL_PARAMETER},
      {"\x18\0\0\2\0", 5, SSL_AD_UNEXPECTED_MESSAGE},
      {"\x18\0\0\1\0\x18", 6, SSL_AD_UNEXPECTED_MESSAGE},
      {"\4", 1, SSL_AD_UNEXPECTED_MESSAGE},
      {"\1\0\0\0", 4, SSL_AD_UNEXPECTED_MESSAGE},
  };
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
    connect_both(state);
    shake_hands();
    send_forged(STOA_TLS_RECORD_HANDSHAKE, messages[i].text, messages[i].len);
    is_refused(messages[i].alert);
    close_both(state);
  }
}

static void test_nothing_comes_between_the_pieces_of_a_message(void **state) {
  for (unsigned type = STOA_TLS_RECORD_ALERT; type <= STOA_TLS_RECORD_DATA; type += 2) {
    connect_both(state);
    shake_hands();
    send_forged(STOA_TLS_RECORD_HANDSHAKE, "\x18", 1);
    send_forged(type, "\1\0", 2);
    is_refused(SSL_AD_UNEXPECTED_MESSAGE);
    close_both(state);
  }
}

static void test_a_record_that_was_changed_is_refused(void **state) {
  uint8_t record[64];
  for (size_t i = 0; i < 5 + STOA_TLS_OVERHEAD_LEN; i++) {
    connect_both(state);
    shake_hands();
    size_t len = forge(record, STOA_TLS_RECORD_DATA, "bytes", 5);
    if (i == 3 || i == 4) { /* the length: another test's */
      close_both(state);
      continue;
    }
    record[i] ^= 1;
    send_raw(record, len);
    is_refused(i == 0 ? SSL_AD_UNEXPECTED_MESSAGE : SSL_AD_BAD_RECORD_MAC);
    close_both(state);
  }
}

static void test_a_record_of_a_wrong_length_is_refused(void **state) {
  static const struct {
    uint8_t header[5];
    int alert;
  } cases[] = {
      {{23, 3, 3, 0, 0}, SSL_AD_BAD_RECORD_MAC},
      {{23, 3, 3, 0x41, 1}, SSL_AD_RECORD_OVERFLOW}, /* 2^14 + 257 */
      {{21, 3, 3, 0, 2}, SSL_AD_UNEXPECTED_MESSAGE}, /* not protected */
      {{20, 3, 3, 0, 1}, SSL_AD_UNEXPECTED_MESSAGE}, /* too late for it (RFC 8446 5) */
      {{'G', 'E', 'T', ' ', '/'}, SSL_AD_UNEXPECTED_MESSAGE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    connect_both(state);
    shake_hands();
    send_raw(cases[i].header, 5);
    is_refused(cases[i].alert);
    close_both(state);
  }
}

static void test_padding_is_taken_off_and_alone_is_refused(void **state) {
  static const char padded[] = "text\x17\0\0\0\0";
  static const char zeros[STOA_TLS_DATA_LEN_MAX];
  (void)state;
  shake_hands();
  /* The type that is sealed after the text is a zero too, so the text's last bytes are type and padding. */
  send_forged(0, padded, sizeof padded - 1);
  server_gets("text");
  send_forged(0, zeros, sizeof zeros);
  is_refused(SSL_AD_UNEXPECTED_MESSAGE);
}

static void test_an_unknown_type_is_refused(void **state) {
  (void)state;
  shake_hands();
  send_forged(24, "beat", 4);
  is_refused(SSL_AD_UNEXPECTED_MESSAGE);
}

static void test_only_so_many_records_may_bring_nothing(void **state) {
  (void)state;
  size_t len;
  int status = STOA_E_AGAIN;
  shake_hands();
  for (int i = 0; i < 32; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "", 0);
  }
  send_forged(STOA_TLS_RECORD_DATA, "x", 1);
  for (int i = 0; i < 4 && status == STOA_E_AGAIN; i++) {
    status = read_some(world.got, sizeof world.got, &len);
  }
  assert_int_equal(status, STOA_OK);
  for (int i = 0; i < 33; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "", 0);
  }
  while ((status = read_some(world.got, sizeof world.got, &len)) == STOA_E_AGAIN) {
    assert_true(stoa_conn_pending(&world.conn));
  }
  is_refused(SSL_AD_UNEXPECTED_MESSAGE);
}

static void test_alerts_end_the_connection_or_are_passed_over(void **state) {
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  send_forged(STOA_TLS_RECORD_ALERT, "\1\x5a", 2); /* user_canceled */
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  send_forged(STOA_TLS_RECORD_DATA, "last", 4);
  send_forged(STOA_TLS_RECORD_ALERT, "\1\0", 2);
  send_forged(STOA_TLS_RECORD_DATA, "after the end", 13);
  server_gets("last");
  assert_true(stoa_conn_pending(&world.conn));
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_CLOSED);
  assert_int_equal(write_all((const uint8_t *)"answer", 6), STOA_OK); /* our side is open */
  client_gets("answer");
  close_both(state);
  connect_both(state);
  shake_hands();
  send_forged(STOA_TLS_RECORD_ALERT, "\2\x28", 2); /* handshake_failure */
  is_refused(-1);
  close_both(state);
  connect_both(state);
  shake_hands();
  send_forged(STOA_TLS_RECORD_ALERT, "\2", 1);
  is_refused(SSL_AD_DECODE_ERROR);
}

static void fill(uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    data[i] = (uint8_t)(i * 31 + i / 251);
  }
}

/* Read until nothing is there, at most `size` bytes at once. */
static size_t read_all(size_t at, size_t size) {
  size_t len;
  for (;;) {
    int status = read_some(world.got + at, size, &len);
    if (status == STOA_E_AGAIN && !stoa_conn_pending(&world.conn)) {
      return at;
    }
    assert_true(status == STOA_OK || status == STOA_E_AGAIN);
    at += status == STOA_OK ? len : 0;
  }
}

static void test_any_split_of_the_bytes_gives_the_same(void **state) {
  static uint8_t sealed[3000], text[900];
  static const size_t sizes[] = {1, 7, 300, 65536};
  (void)state;
  shake_hands();
  fill(text, sizeof text);
  for (size_t split = 1; split < 1000; split += 3) {
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
      len += forge(sealed + len, STOA_TLS_RECORD_DATA, (const char *)text + i * 300, 300);
    }
    size_t first = split < len ? split : len;
    send_raw(sealed, first);
    size_t got = read_all(0, sizes[split % 4]);
    send_raw(sealed + first, len - first);
    got = read_all(got, sizes[(split + 1) % 4]);
    assert_int_equal(got, sizeof text);
    assert_memory_equal(world.got, text, sizeof text);
  }
}

static void test_many_small_records_take_several_reads(void **state) {
  (void)state;
  size_t len;
  shake_hands();
  for (int i = 0; i < 100; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "x", 1);
  }
  assert_int_equal(read_some(world.got, sizeof world.got, &len), STOA_OK);
  assert_true(len < 100);
  assert_true(stoa_conn_pending(&world.conn));
  assert_int_equal(read_all(len, sizeof world.got), 100);
}

static ssize_t send_short(int fd, const void *data, size_t len, int flags) {
  if (world.is_full) {
    errno = EAGAIN;
    return -1;
  }
  world.is_full = true;
  world.send_count++;
  return stoa_sys_real.send(fd, data, len < world.take_max ? len : world.take_max, flags);
}

static ssize_t sendmsg_short(int fd, const struct msghdr *message, int flags) {
  static uint8_t all[BIG * 2];
  size_t len = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    memcpy(all + len, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    len += message->msg_iov[i].iov_len;
  }
  return send_short(fd, all, len, flags);
}

/* The kernel takes what it likes, and bytes are offered again from where they were taken. */
static void test_a_write_may_fall_short_anywhere(void **state) {
  static uint8_t text[40000];
  static const size_t takes[] = {1, 4, 5, 21, 22, 23, 1000, 16405, 16406, 16407, 30000, 32812, 32813};
  (void)state;
  fill(text, sizeof text);
  shake_hands();
  stoa_sys.send = send_short;
  stoa_sys.sendmsg = sendmsg_short;
  for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
    size_t done = 0;
    size_t got = 0;
    world.take_max = takes[i];
    size_t len = takes[i] < 100 ? 200 : sizeof text;
    for (int turns = 0; done < len; turns++) {
      size_t taken = 0;
      struct iovec pieces[2] = {{text + done, len - done}, {text, 0}};
      if (len - done > 10) { /* in two pieces, while there are enough */
        pieces[0].iov_len = (len - done) / 2 < 9000 ? len - done : len - done - 9000;
        pieces[1] = (struct iovec){text + done + pieces[0].iov_len, len - done - pieces[0].iov_len};
      }
      assert_true(turns < 100000);
      assert_true(stoa_conn_promised(&world.conn) <= pieces[0].iov_len);
      world.is_full = false;
      int status = stoa_conn_write(&world.conn, pieces, pieces[1].iov_len > 0 ? 2 : 1, &taken);
      assert_true(status == STOA_OK || status == STOA_E_AGAIN);
      done += status == STOA_OK ? taken : 0;
      int read;
      while ((read = SSL_read(world.client, world.got + got, (int)(sizeof world.got - got))) > 0) {
        got += (size_t)read;
      }
    }
    assert_int_equal(got, len);
    assert_memory_equal(world.got, text, len);
    assert_int_equal(stoa_conn_promised(&world.conn), 0);
  }
}

static void test_a_full_kernel_makes_a_write_wait(void **state) {
  (void)state;
  size_t taken;
  char text[] = "waits";
  struct iovec piece = {text, 5};
  shake_hands();
  stoa_sys.send = send_short;
  stoa_sys.sendmsg = sendmsg_short;
  world.is_full = true;
  assert_int_equal(stoa_conn_write(&world.conn, &piece, 1, &taken), STOA_E_AGAIN);
  assert_true((stoa_conn_events(&world.conn, true, false) & EPOLLOUT) != 0);
  assert_int_equal(stoa_conn_promised(&world.conn), 0);
  stoa_sys = stoa_sys_real;
  memcpy(text, "other", 5); /* nothing of it was made yet, so it may be another */
  assert_int_equal(stoa_conn_write(&world.conn, &piece, 1, &taken), STOA_OK);
  client_gets("other");
  assert_true((stoa_conn_events(&world.conn, true, false) & EPOLLOUT) == 0);
}

static void test_several_records_leave_in_one_send(void **state) {
  static uint8_t text[60000];
  (void)state;
  shake_hands();
  both_ways();
  stoa_sys.send = send_short;
  world.take_max = sizeof text * 2;
  world.send_count = 0;
  world.is_full = false;
  assert_int_equal(write_all(text, sizeof text), STOA_OK);
  assert_int_equal(world.send_count, 1);
}

static void test_a_broken_connection_is_told(void **state) {
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  shutdown(world.fds[1], SHUT_WR);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_CLOSED);
  close(world.fds[1]);
  world.fds[1] = -1;
  assert_int_equal(write_all((const uint8_t *)"x", 1), STOA_E_SYSTEM);
  assert_int_equal(write_all((const uint8_t *)"x", 1), STOA_E_TLS);
}

static void test_our_end_is_told_to_the_client(void **state) {
  (void)state;
  char byte;
  shake_hands();
  stoa_conn_shutdown(&world.conn);
  assert_int_equal(SSL_read(world.client, &byte, 1), 0);
  assert_int_equal(SSL_get_error(world.client, 0), SSL_ERROR_ZERO_RETURN);
}

/* Whatever allocation fails, from the first byte on: an error is told, or all goes well. */
static void test_without_memory_an_error_is_told(void **state) {
  for (unsigned n = 1; n < 1200; n += n < 20 ? 1 : 37) {
    connect_both(state);
    char got[64];
    size_t len = 0;
    int status = STOA_E_AGAIN;
    for (int i = 0; i < 5 && status == STOA_E_AGAIN && SSL_do_handshake(world.client) != 1; i++) {
      stoa_memory_fail_at(n, false);
      status = read_some(got, sizeof got, &len);
      stoa_memory_fail_at(0, false);
    }
    assert_true(status == STOA_E_AGAIN || status == STOA_E_TLS || status == STOA_E_MEMORY || status == STOA_E_SYSTEM);
    close_both(state);
  }
}

static void test_what_has_to_wait_and_finds_no_memory_is_an_error(void **state) {
  (void)state;
  uint8_t record[64];
  char byte;
  size_t len;
  shake_hands();
  send_raw(record, forge(record, STOA_TLS_RECORD_DATA, "in part", 7) - 1);
  stoa_memory_fail_at(1, false);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  close_both(state);
  connect_both(state);
  shake_hands();
  both_ways();
  stoa_sys.send = send_short;
  world.take_max = 10;
  world.is_full = false;
  stoa_memory_fail_at(1, false);
  assert_int_equal(write_all((const uint8_t *)"in part", 7), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_both, close_both)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_suite_of_tls_1_3_goes_both_ways),
      TEST(test_an_agreed_connection_is_two_blocks_of_memory),
      TEST(test_tls_1_2_is_openssl_s_to_the_end),
      TEST(test_a_session_is_resumed_by_the_ticket_that_came_with_the_first_answer),
      TEST(test_keys_are_renewed_as_often_as_the_client_asks),
      TEST(test_a_key_update_may_come_in_pieces),
      cmocka_unit_test(test_what_is_no_key_update_is_refused),
      cmocka_unit_test(test_nothing_comes_between_the_pieces_of_a_message),
      cmocka_unit_test(test_a_record_that_was_changed_is_refused),
      cmocka_unit_test(test_a_record_of_a_wrong_length_is_refused),
      TEST(test_padding_is_taken_off_and_alone_is_refused),
      TEST(test_an_unknown_type_is_refused),
      TEST(test_only_so_many_records_may_bring_nothing),
      TEST(test_alerts_end_the_connection_or_are_passed_over),
      TEST(test_any_split_of_the_bytes_gives_the_same),
      TEST(test_many_small_records_take_several_reads),
      TEST(test_a_write_may_fall_short_anywhere),
      TEST(test_a_full_kernel_makes_a_write_wait),
      TEST(test_several_records_leave_in_one_send),
      TEST(test_a_broken_connection_is_told),
      TEST(test_our_end_is_told_to_the_client),
      cmocka_unit_test(test_without_memory_an_error_is_told),
      TEST(test_what_has_to_wait_and_finds_no_memory_is_an_error),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("records of TLS 1.3", tests, make_contexts, free_contexts);
}
