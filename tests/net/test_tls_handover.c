/* The moment when TLS 1.3 passes from OpenSSL to the library: nothing is lost, and nothing is read twice. */
#include "net/tls_private.h"
#include "tls_pair.h"

static void on_nothing(struct stoa_io *io, uint32_t events) {
  (void)io;
  (void)events;
}

static void test_every_suite_of_tls_1_3_goes_both_ways(void **state) {
  static const char *const names[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256"};
  for (size_t i = 0; i < 3; i++) {
    connect_both(state);
    assert_int_equal(SSL_set_ciphersuites(pair.client, names[i]), 1);
    shake_hands();
    assert_string_equal(SSL_get_cipher(pair.client), names[i]);
    both_ways();
    both_ways();
    close_both(state);
  }
}

static void test_an_agreed_connection_is_two_blocks_of_memory(void **state) {
  (void)state;
  struct stoa_conn other; /* it keeps what a thread's connections share */
  assert_int_equal(stoa_conn_init(&other, pair.fds[0], pair.context, on_nothing), STOA_OK);
  shake_hands();
  both_ways();
  int64_t before = stoa_memory_live_blocks();
  stoa_conn_close(&pair.conn, pair.loop);
  assert_int_equal(before - stoa_memory_live_blocks(), 2);
  stoa_tls_destroy(other.tls);
}

static void test_tls_1_2_is_openssl_s_to_the_end(void **state) {
  (void)state;
  SSL_set_max_proto_version(pair.client, TLS1_2_VERSION);
  shake_hands();
  assert_int_equal(SSL_version(pair.client), TLS1_2_VERSION);
  both_ways();
  assert_int_equal(SSL_write(pair.client, "twice", 5), 5);
  assert_int_equal(SSL_write(pair.client, "read", 4), 4);
  server_gets("twiceread");
  SSL_shutdown(pair.client);
  char byte;
  size_t len;
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_CLOSED);
}

static void test_a_session_is_resumed_by_the_ticket_that_came_with_the_first_answer(void **state) {
  (void)state;
  shake_hands();
  both_ways();
  SSL_SESSION *session = SSL_get1_session(pair.client);
  assert_true(SSL_SESSION_has_ticket(session));
  assert_true(SSL_SESSION_is_resumable(session));
  SSL_shutdown(pair.client);
  close_both(state);
  connect_both(state);
  SSL_set_session(pair.client, session);
  shake_hands();
  assert_true(SSL_session_reused(pair.client));
  both_ways();
  SSL_SESSION_free(session);
}

/* Whatever allocation fails, from the first byte on: an error is told, or all goes well. */
static void test_without_memory_an_error_is_told(void **state) {
  for (unsigned n = 1; n < 1200; n += n < 20 ? 1 : 37) {
    connect_both(state);
    char got[64];
    size_t len = 0;
    int status = STOA_E_AGAIN;
    for (int i = 0; i < 5 && status == STOA_E_AGAIN && SSL_do_handshake(pair.client) != 1; i++) {
      stoa_memory_fail_at(n, false);
      status = read_some(got, sizeof got, &len);
      stoa_memory_fail_at(0, false);
    }
    assert_true(status == STOA_E_AGAIN || status == STOA_E_TLS || status == STOA_E_MEMORY || status == STOA_E_SYSTEM);
    close_both(state);
  }
}

/* The client's bytes, as they would go out. */
static size_t client_bytes(uint8_t *out, size_t size) {
  int len = BIO_read(SSL_get_wbio(pair.client), out, (int)size);
  return len > 0 ? (size_t)len : 0;
}

/* The client's handshake up to its Finished, which is kept back: in `out`, with what the client writes after it. */
static size_t keep_back_finished(uint8_t *out, size_t size) {
  uint8_t bytes[8192];
  size_t len;
  char byte;
  SSL_set_bio(pair.client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  while (SSL_do_handshake(pair.client) != 1) {
    send_raw(bytes, client_bytes(bytes, sizeof bytes));
    assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
    ssize_t came = recv(pair.fds[1], bytes, sizeof bytes, 0);
    assert_true(came > 0);
    assert_int_equal(BIO_write(SSL_get_rbio(pair.client), bytes, (int)came), came);
  }
  assert_int_equal(SSL_write(pair.client, "question", 8), 8);
  assert_int_equal(SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED), 1);
  assert_int_equal(SSL_write(pair.client, "more", 4), 4);
  return client_bytes(out, size);
}

static void client_gets_by_hand(const char *text) {
  uint8_t bytes[8192];
  ssize_t came = recv(pair.fds[1], bytes, sizeof bytes, 0);
  assert_true(came > 0);
  assert_int_equal(BIO_write(SSL_get_rbio(pair.client), bytes, (int)came), came);
  client_gets(text);
}

static void test_finished_and_data_may_come_in_any_pieces(void **state) {
  uint8_t bytes[1024];
  size_t len = 1;
  for (size_t split = 0; split < len; split++) {
    connect_both(state);
    len = keep_back_finished(bytes, sizeof bytes);
    if (split > 0) {
      send_raw(bytes, split);
    }
    size_t got = read_all(0, sizeof pair.got);
    send_raw(bytes + split, len - split);
    got = read_all(got, sizeof pair.got);
    assert_int_equal(got, 12);
    assert_memory_equal(pair.got, "questionmore", 12);
    assert_null(pair.conn.tls->ssl);
    assert_int_equal(write_all((const uint8_t *)"answer", 6), STOA_OK);
    client_gets_by_hand("answer");
    close_both(state);
  }
}

static void test_a_write_before_the_handshake_s_end_loses_no_input(void **state) {
  uint8_t bytes[1024];
  (void)state;
  size_t len = keep_back_finished(bytes, sizeof bytes);
  send_raw(bytes, len);
  assert_int_equal(write_all((const uint8_t *)"answer", 6), STOA_OK);
  client_gets_by_hand("answer");
  assert_int_equal(read_all(0, sizeof pair.got), 12);
  assert_memory_equal(pair.got, "questionmore", 12);
}

static void test_a_connection_never_sees_the_input_of_another(void **state) {
  (void)state;
  uint8_t record[64];
  uint8_t byte;
  size_t len;
  int fds[2];
  struct stoa_conn other;
  shake_hands();
  send_raw(record, forge(record, STOA_TLS_RECORD_DATA, "of the first", 12) - 1);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  assert_int_equal(stoa_conn_init(&other, fds[0], pair.context, on_nothing), STOA_OK);
  struct iovec piece = {record, 1};
  assert_int_equal(stoa_conn_write(&other, &piece, 1, &len), STOA_E_AGAIN);
  SSL *client = SSL_new(pair.client_context);
  SSL_set_fd(client, fds[1]);
  while (SSL_connect(client) != 1) {
    assert_int_equal(stoa_conn_read(&other, &byte, 1, &len), STOA_E_AGAIN);
  }
  SSL_free(client);
  stoa_tls_destroy(other.tls);
  close(fds[0]);
  close(fds[1]);
}

static SSL_SESSION *session_of_first(void **state) {
  shake_hands();
  both_ways();
  SSL_SESSION *session = SSL_get1_session(pair.client);
  SSL_shutdown(pair.client);
  close_both(state);
  connect_both(state);
  return session;
}

/* RFC 8446 4.2.11: the hash must be the same, the cipher need not. */
static void test_a_session_may_be_resumed_with_another_cipher(void **state) {
  SSL_set_ciphersuites(pair.client, "TLS_AES_128_GCM_SHA256");
  SSL_SESSION *session = session_of_first(state);
  SSL_set_ciphersuites(pair.client, "TLS_CHACHA20_POLY1305_SHA256");
  SSL_set_session(pair.client, session);
  shake_hands();
  assert_true(SSL_session_reused(pair.client));
  assert_string_equal(SSL_get_cipher(pair.client), "TLS_CHACHA20_POLY1305_SHA256");
  both_ways();
  assert_null(pair.conn.tls->ssl);
  SSL_SESSION_free(session);
}

static void test_early_data_is_not_taken_and_the_handshake_goes_on(void **state) {
  SSL_SESSION *session = session_of_first(state);
  size_t len;
  assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
  assert_int_equal(SSL_SESSION_set_max_early_data(session, 1000), 1); /* a client that sends it anyway */
  SSL_set_session(pair.client, session);
  assert_int_equal(SSL_write_early_data(pair.client, "early", 5, &len), 1);
  shake_hands();
  assert_int_equal(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_REJECTED);
  both_ways();
  assert_null(pair.conn.tls->ssl);
  SSL_SESSION_free(session);
}

/* OpenSSL passes over 16 KB of it at most. */
static void test_early_data_without_end_is_refused(void **state) {
  static const uint8_t zeros[1000];
  SSL_SESSION *session = session_of_first(state);
  size_t len;
  int status = STOA_E_AGAIN;
  SSL_SESSION_set_max_early_data(session, 1u << 20);
  SSL_set_session(pair.client, session);
  for (int i = 0; i < 40 && status == STOA_E_AGAIN; i++) {
    SSL_write_early_data(pair.client, zeros, sizeof zeros, &len);
    status = read_some(pair.got, sizeof pair.got, &len);
  }
  assert_int_equal(status, STOA_E_TLS);
  SSL_SESSION_free(session);
}

static void test_a_second_hello_is_asked_for_and_taken(void **state) {
  (void)state;
  assert_int_equal(SSL_CTX_set1_groups_list(pair.context->ssl, "P-256"), 1);
  SSL_set1_groups_list(pair.client, "X25519:P-256");
  shake_hands();
  both_ways();
  assert_null(pair.conn.tls->ssl);
  assert_int_equal(SSL_CTX_set1_groups_list(pair.context->ssl, "X25519:P-256:X448:P-521:P-384"), 1);
}

static int trust_all(int is_good, X509_STORE_CTX *store) {
  (void)is_good;
  (void)store;
  return 1;
}

static void test_a_client_s_certificate_does_not_change_the_hand_over(void **state) {
  (void)state;
  close_both(state);
  SSL_CTX_set_verify(pair.context->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, trust_all);
  SSL_CTX_set_session_id_context(pair.context->ssl, (const uint8_t *)"stoa", 4);
  connect_both(state);
  SSL_use_certificate_file(pair.client, pair.files.certificate, SSL_FILETYPE_PEM);
  SSL_use_PrivateKey_file(pair.client, pair.files.key, SSL_FILETYPE_PEM);
  shake_hands();
  both_ways();
  assert_null(pair.conn.tls->ssl);
  SSL_CTX_set_verify(pair.context->ssl, SSL_VERIFY_NONE, NULL);
}

/* RFC 6066 4 */
static void test_a_client_gets_and_sends_records_as_short_as_it_asked_for(void **state) {
  static uint8_t text[3000];
  static const uint8_t codes[] = {TLSEXT_max_fragment_length_512, TLSEXT_max_fragment_length_4096};
  static const size_t sizes[] = {512, 4096};
  for (size_t i = 0; i < 2; i++) {
    connect_both(state);
    SSL_set_tlsext_max_fragment_length(pair.client, codes[i]);
    shake_hands();
    assert_null(pair.conn.tls->ssl);
    fill(text, sizeof text);
    assert_int_equal(write_all(text, sizeof text), STOA_OK);
    ssize_t came = recv(pair.fds[1], pair.got, sizeof pair.got, MSG_PEEK);
    for (size_t at = 0; at < (size_t)came; at += stoa_tls_record_len(pair.got + at)) {
      assert_true(stoa_tls_record_len(pair.got + at) <= sizes[i] + STOA_TLS_OVERHEAD_LEN);
    }
    size_t got = 0;
    int len;
    while ((len = SSL_read(pair.client, pair.got + got, BIG)) > 0) {
      got += (size_t)len;
    }
    assert_int_equal(got, sizeof text);
    assert_memory_equal(pair.got, text, sizeof text);
    send_forged(STOA_TLS_RECORD_DATA, (const char *)pair.got, sizes[i]);
    assert_int_equal(read_all(0, sizeof pair.got), sizes[i]);
    send_forged(STOA_TLS_RECORD_DATA, (const char *)pair.got, sizes[i] + 1);
    is_refused(SSL_AD_RECORD_OVERFLOW);
    close_both(state);
  }
}

static void test_alerts_in_the_clear_end_a_handshake(void **state) {
  static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};
  (void)state;
  char byte;
  size_t len;
  SSL_do_handshake(pair.client);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  send_raw(alert, sizeof alert);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_TLS);
  stoa_conn_shutdown(&pair.conn);
}

/* Secrets that cannot be used are not kept. */
static void test_without_memory_to_take_over_openssl_goes_on(void **state) {
  uint8_t bytes[1024];
  unsigned kept_by_openssl = 0;
  /* The first hundred are those of the handshake itself. */
  bool failed = true;
  for (unsigned n = 100; failed; n += 3) {
    char byte;
    size_t len;
    connect_both(state);
    send_raw(bytes, keep_back_finished(bytes, sizeof bytes));
    stoa_memory_fail_at(n, false);
    int status = read_some(&byte, 1, &len);
    failed = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    if (status == STOA_OK && pair.conn.tls->ssl != NULL) {
      kept_by_openssl++;
      assert_null(pair.conn.tls->traffic);
    }
    close_both(state);
  }
  assert_true(kept_by_openssl > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_suite_of_tls_1_3_goes_both_ways),
      TEST(test_an_agreed_connection_is_two_blocks_of_memory),
      TEST(test_tls_1_2_is_openssl_s_to_the_end),
      TEST(test_a_session_is_resumed_by_the_ticket_that_came_with_the_first_answer),
      cmocka_unit_test(test_without_memory_an_error_is_told),
      cmocka_unit_test(test_finished_and_data_may_come_in_any_pieces),
      TEST(test_a_write_before_the_handshake_s_end_loses_no_input),
      TEST(test_a_connection_never_sees_the_input_of_another),
      TEST(test_a_session_may_be_resumed_with_another_cipher),
      TEST(test_early_data_is_not_taken_and_the_handshake_goes_on),
      TEST(test_early_data_without_end_is_refused),
      TEST(test_a_second_hello_is_asked_for_and_taken),
      TEST(test_a_client_s_certificate_does_not_change_the_hand_over),
      cmocka_unit_test(test_a_client_gets_and_sends_records_as_short_as_it_asked_for),
      TEST(test_alerts_in_the_clear_end_a_handshake),
      cmocka_unit_test(test_without_memory_to_take_over_openssl_goes_on),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("hand-over of TLS 1.3", tests, make_contexts, free_contexts);
}
