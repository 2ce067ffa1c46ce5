#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stoa/log.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "lib/self_signed.h"
#include "lib/tls_ends.h"
#include "net/queue.h"
#include "net/tls.h"

static struct self_signed own, other;
static char not_pem[64];
static struct stoa_tls_context *context;
static struct stoa_loop *loop;
static struct stoa_conn conn;
static int pair[2];
static SSL_CTX *client_context;
static SSL *client;

static void on_ready(struct stoa_io *io, uint32_t events) {
  (void)io;
  (void)events;
}

static int write_files(void **state) {
  (void)state;
  stoa_tls_memory_setup();
  self_signed_write(&own, "own");
  self_signed_write(&other, "other");
  snprintf(not_pem, sizeof not_pem, "/tmp/stoa-test-%d.txt", (int)getpid());
  FILE *file = fopen(not_pem, "w");
  assert_non_null(file);
  fclose(file);
  client_context = SSL_CTX_new(TLS_client_method());
  return tls_context_of(own.certificate, own.key, &context);
}

static int remove_files(void **state) {
  (void)state;
  stoa_tls_context_unref(context);
  SSL_CTX_free(client_context);
  self_signed_remove(&own);
  self_signed_remove(&other);
  unlink(not_pem);
  return 0;
}

static int connect_both(void **state) {
  (void)state;
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &loop), STOA_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  assert_int_equal(stoa_conn_init(&conn, pair[0], context, on_ready), STOA_OK);
  client = SSL_new(client_context);
  SSL_set_fd(client, pair[1]);
  SSL_set_connect_state(client);
  return 0;
}

static int close_both(void **state) {
  (void)state;
  stoa_sys = stoa_sys_real;
  stoa_conn_close(&conn, loop);
  SSL_free(client);
  close(pair[1]);
  stoa_loop_destroy(loop);
  return 0;
}

/* Both take turns until the client is done. */
static void shake_hands(void) {
  char byte;
  size_t len;
  for (int i = 0; i < 20 && !SSL_is_init_finished(client); i++) {
    SSL_do_handshake(client);
    assert_int_equal(stoa_conn_read(&conn, &byte, 1, &len), STOA_E_AGAIN);
  }
  assert_true(SSL_is_init_finished(client));
  SSL_read(client, &byte, 1); /* the session tickets */
}

static void test_invalid_certificate_and_key_files_are_refused(void **state) {
  (void)state;
  struct stoa_tls_context *none = NULL;
  assert_int_equal(tls_context_of("/nonexistent", own.key, &none), STOA_E_NOT_FOUND);
  assert_int_equal(tls_context_of(own.certificate, "/nonexistent", &none), STOA_E_NOT_FOUND);
  assert_int_equal(tls_context_of(not_pem, own.key, &none), STOA_E_TLS);
  assert_int_equal(tls_context_of(own.certificate, not_pem, &none), STOA_E_TLS);
  assert_int_equal(tls_context_of(own.certificate, other.key, &none), STOA_E_TLS);
  chmod(own.key, 0644);
  assert_int_equal(tls_context_of(own.certificate, own.key, &none), STOA_E_DENIED);
  chmod(own.key, 0600);
  assert_null(none);
  stoa_memory_fail_at(1, false);
  assert_int_equal(tls_context_of(own.certificate, own.key, &none), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  stoa_tls_context_unref(NULL);
}

static void test_the_names_of_a_certificate_are_listed(void **state) {
  (void)state;
  size_t count = 0;
  const struct stoa_string *names = stoa_tls_context_names(context, &count);
  assert_int_equal(count, 2); /* an address is no name */
  assert_true(stoa_string_equal(names[0], stoa_string_of("localhost")));
  assert_true(stoa_string_equal(names[1], stoa_string_of("*.wild.example")));
}

static void test_bytes_go_both_ways(void **state) {
  (void)state;
  char got[64];
  size_t len = 0;
  shake_hands();
  assert_true(SSL_version(client) >= TLS1_2_VERSION);
  assert_int_equal(SSL_write(client, "to the server", 13), 13);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_OK);
  assert_int_equal(len, 13);
  assert_memory_equal(got, "to the server", 13);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_AGAIN);
  char one[] = "to ";
  char two[] = "the client";
  struct iovec pieces[] = {{one, 3}, {two, 10}};
  assert_int_equal(stoa_conn_write(&conn, pieces, 2, &len), STOA_OK);
  assert_int_equal(len, 13);
  assert_int_equal(SSL_read(client, got, sizeof got), 3);
  assert_int_equal(SSL_read(client, got + 3, sizeof got), 10);
  assert_memory_equal(got, "to the client", 13);
}

static void test_what_does_not_fit_a_read_is_pending(void **state) {
  (void)state;
  char got[64];
  size_t len;
  shake_hands();
  assert_int_equal(SSL_write(client, "0123456789", 10), 10);
  assert_int_equal(stoa_conn_read(&conn, got, 4, &len), STOA_OK);
  assert_true(stoa_conn_pending(&conn));
  assert_int_equal(stoa_conn_read(&conn, got, 64, &len), STOA_OK);
  assert_int_equal(len, 6);
  assert_false(stoa_conn_pending(&conn));
}

static void test_the_end_of_either_side_is_reported(void **state) {
  (void)state;
  char got[8];
  size_t len;
  shake_hands();
  stoa_conn_shutdown(&conn);
  assert_int_equal(SSL_read(client, got, sizeof got), 0);
  assert_int_equal(SSL_get_error(client, 0), SSL_ERROR_ZERO_RETURN);
  SSL_shutdown(client);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_CLOSED);
}

static void test_a_connection_that_ends_without_close_notify_is_closed_too(void **state) {
  (void)state;
  char got[8];
  size_t len;
  shake_hands();
  shutdown(pair[1], SHUT_WR);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_CLOSED);
}

static void test_plain_text_on_a_tls_port_is_a_protocol_error(void **state) {
  (void)state;
  char got[64];
  size_t len;
  static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  assert_int_equal(send(pair[1], request, sizeof request - 1, 0), sizeof request - 1);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_TLS);
  stoa_conn_shutdown(&conn); /* says nothing more */
}

static void test_old_versions_are_refused(void **state) {
  (void)state;
  char got[8];
  size_t len;
  SSL_set_min_proto_version(client, TLS1_VERSION);
  SSL_set_max_proto_version(client, TLS1_1_VERSION);
  SSL_set_security_level(client, 0);
  SSL_set_cipher_list(client, "ALL:@SECLEVEL=0");
  SSL_do_handshake(client);
  assert_int_equal(stoa_conn_read(&conn, got, sizeof got, &len), STOA_E_TLS);
}

static size_t client_reads(uint8_t *out, size_t size) {
  size_t len = 0;
  int got;
  while (len < size && (got = SSL_read(client, out + len, (int)(size - len))) > 0) {
    len += (size_t)got;
  }
  return len;
}

/* The client reads nothing, the queue is cut in the middle of a record, and what comes is still whole frames. */
static void test_a_cut_in_the_middle_of_a_record_keeps_the_stream_whole(void **state) {
  (void)state;
  enum { FRAME = 1004, FRAMES = 2000 };
  static uint8_t frames[FRAME * FRAMES];
  static uint8_t got[FRAME * FRAMES + 16];
  shake_hands();
  for (size_t i = 0; i < FRAMES; i++) {
    uint8_t *frame = frames + i * FRAME;
    memset(frame, (int)('a' + i % 26), FRAME);
    memcpy(frame, "\x82\x7e\x03\xe8", 4);
  }
  struct stoa_batch *batch = stoa_batch_create(sizeof frames);
  assert_int_equal(stoa_buffer_append(&batch->bytes, frames, sizeof frames), STOA_OK);
  struct stoa_queue *queue = stoa_queue_create(NULL);
  assert_int_equal(stoa_queue_share(queue, batch, 0, sizeof frames), STOA_OK);
  assert_int_equal(stoa_queue_flush(queue, &conn), STOA_E_AGAIN);
  assert_true(queue->bytes > 0);
  assert_true((stoa_conn_events(&conn, true, false) & EPOLLOUT) != 0);
  assert_true(stoa_conn_promised(&conn) > 0);
  stoa_queue_cut(queue, stoa_conn_promised(&conn));
  struct stoa_batch *bytes = stoa_queue_own_begin(queue);
  assert_int_equal(stoa_buffer_append(&bytes->bytes, "\x88\x02\x0f\xa8", 4), STOA_OK);
  stoa_queue_own_end(queue);
  size_t len = 0;
  int status = STOA_E_AGAIN;
  for (int i = 0; i < 1000 && status == STOA_E_AGAIN; i++) {
    len += client_reads(got + len, sizeof got - len);
    status = stoa_queue_flush(queue, &conn);
  }
  assert_int_equal(status, STOA_OK);
  len += client_reads(got + len, sizeof got - len);
  assert_true(len > 4 && (len - 4) % FRAME == 0 && len < sizeof frames);
  assert_memory_equal(got, frames, len - 4);
  assert_memory_equal(got + len - 4, "\x88\x02\x0f\xa8", 4);
  stoa_queue_destroy(queue);
  stoa_batch_unref(batch);
}

static void test_a_connection_without_memory_leaves_the_descriptor_to_its_owner(void **state) {
  (void)state;
  struct stoa_conn broken;
  for (unsigned n = 1; n <= 2; n++) {
    stoa_memory_fail_at(n, false);
    assert_int_equal(stoa_conn_init(&broken, pair[0], context, on_ready), STOA_E_MEMORY);
    stoa_memory_fail_at(0, false);
  }
  shake_hands();
}

static void test_input_waits_inside_of_tls_or_before_it(void **state) {
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  assert_false(stoa_conn_has_input(&conn));
  assert_int_equal(SSL_write(client, "two", 3), 3);
  assert_true(stoa_conn_has_input(&conn)); /* a record in the socket */
  assert_int_equal(stoa_conn_read(&conn, &byte, 1, &len), STOA_OK);
  assert_true(stoa_conn_has_input(&conn)); /* the rest of it, decrypted */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_both, close_both)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_invalid_certificate_and_key_files_are_refused),
      cmocka_unit_test(test_the_names_of_a_certificate_are_listed),
      TEST(test_bytes_go_both_ways),
      TEST(test_what_does_not_fit_a_read_is_pending),
      TEST(test_the_end_of_either_side_is_reported),
      TEST(test_input_waits_inside_of_tls_or_before_it),
      TEST(test_a_connection_that_ends_without_close_notify_is_closed_too),
      TEST(test_plain_text_on_a_tls_port_is_a_protocol_error),
      TEST(test_old_versions_are_refused),
      TEST(test_a_cut_in_the_middle_of_a_record_keeps_the_stream_whole),
      TEST(test_a_connection_without_memory_leaves_the_descriptor_to_its_owner),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("tls", tests, write_files, remove_files);
}
