/* The records of TLS 1.3 that the library opens by itself, from a client that has the keys. */
#include "net/tls_private.h"
#include "tls_pair.h"

static void test_keys_are_renewed_as_often_as_the_client_asks(void **state) {
  (void)state;
  shake_hands();
  for (int i = 0; i < 40; i++) {
    assert_int_equal(SSL_key_update(pair.client, i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
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
  assert_true(stoa_tls_keys_update(&pair.keys, pair.tools, pair.suite));
  send_forged(STOA_TLS_RECORD_DATA, "under new keys", 14);
  server_gets("under new keys");
}

static void test_what_is_no_key_update_is_refused(void **state) {
  static const struct {
    const char *text;
    size_t len;
    int alert;
  } messages[] = {
      {"", 0, SSL_AD_UNEXPECTED_MESSAGE},       {"\x18\0\0\1\2", 5, SSL_AD_ILLEGAL_PARAMETER},
      {"\x18\0\0\2\0", 5, SSL_AD_DECODE_ERROR}, {"\x18\0\0\2\0\0", 6, SSL_AD_DECODE_ERROR},
      {"\x18\1", 2, SSL_AD_DECODE_ERROR},       {"\x18\0\0\1\0\x18", 6, SSL_AD_UNEXPECTED_MESSAGE},
      {"\4", 1, SSL_AD_UNEXPECTED_MESSAGE},     {"\1\0\0\0", 4, SSL_AD_UNEXPECTED_MESSAGE},
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
    status = read_some(pair.got, sizeof pair.got, &len);
  }
  assert_int_equal(status, STOA_OK);
  for (int i = 0; i < 33; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "", 0);
  }
  while ((status = read_some(pair.got, sizeof pair.got, &len)) == STOA_E_AGAIN) {
    assert_true(stoa_conn_pending(&pair.conn));
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
  assert_true(stoa_conn_pending(&pair.conn));
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
  close_both(state);
  connect_both(state);
  shake_hands();
  send_forged(STOA_TLS_RECORD_ALERT, "", 0); /* RFC 8446 5.4 */
  is_refused(SSL_AD_UNEXPECTED_MESSAGE);
  close_both(state);
  connect_both(state);
  shake_hands();
  send_forged(STOA_TLS_RECORD_ALERT, "\1\xfe", 2); /* unknown, and only a warning: an error all the same */
  is_refused(-1);
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
    assert_memory_equal(pair.got, text, sizeof text);
  }
}

static void test_many_small_records_take_several_reads(void **state) {
  (void)state;
  size_t len;
  shake_hands();
  for (int i = 0; i < 100; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "x", 1);
  }
  assert_int_equal(read_some(pair.got, sizeof pair.got, &len), STOA_OK);
  assert_true(len < 100);
  assert_true(stoa_conn_pending(&pair.conn));
  assert_int_equal(read_all(len, sizeof pair.got), 100);
}

/* Nobody would come back before the descriptor shows something. */
static void test_a_read_waits_only_when_no_whole_record_is_left(void **state) {
  (void)state;
  shake_hands();
  for (int i = 0; i < 30; i++) {
    send_forged(STOA_TLS_RECORD_HANDSHAKE, "\x18\0\0\1\0", 5);
    assert_true(stoa_tls_keys_update(&pair.keys, pair.tools, pair.suite));
  }
  send_forged(STOA_TLS_RECORD_DATA, "data", 4);
  server_gets("data");
  assert_false(stoa_conn_pending(&pair.conn));
}

/* RFC 8446 4.6.3: requests that come while nothing is sent are answered by one change. */
static void test_many_requests_for_keys_are_answered_once(void **state) {
  static const uint8_t one = 'x';
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  for (int i = 0; i < 20; i++) {
    send_forged(STOA_TLS_RECORD_HANDSHAKE, "\x18\0\0\1\1", 5);
    assert_true(stoa_tls_keys_update(&pair.keys, pair.tools, pair.suite));
  }
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  assert_int_equal(write_all(&one, 1), STOA_OK);
  client_gets("x");
  ssize_t before = recv(pair.fds[1], pair.got, sizeof pair.got, MSG_PEEK | MSG_DONTWAIT);
  assert_int_equal(before, -1);
  assert_int_equal(write_all(&one, 1), STOA_OK);
  assert_int_equal(recv(pair.fds[1], pair.got, sizeof pair.got, 0), 1 + STOA_TLS_OVERHEAD_LEN);
}

static void test_a_small_buffer_takes_empty_and_large_records(void **state) {
  static char text[STOA_TLS_DATA_LEN_MAX];
  (void)state;
  char byte = 0;
  size_t len = 0;
  shake_hands();
  fill((uint8_t *)text, sizeof text);
  for (int i = 0; i < 3; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "", 0);
    send_forged(STOA_TLS_RECORD_DATA, text, sizeof text);
  }
  for (size_t i = 0; i < 3 * sizeof text; i++) {
    assert_int_equal(read_some(&byte, 1, &len), STOA_OK);
    assert_int_equal(len, 1);
    assert_int_equal(byte, text[i % sizeof text]);
  }
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
}

/* Else each read of a few small records would copy all that follows. */
static void test_what_waits_is_opened_where_it_is(void **state) {
  (void)state;
  size_t len;
  shake_hands();
  for (int i = 0; i < 100; i++) {
    send_forged(STOA_TLS_RECORD_DATA, "x", 1);
  }
  assert_int_equal(read_some(pair.got, sizeof pair.got, &len), STOA_OK);
  const uint8_t *waiting = pair.conn.tls->in.data;
  assert_non_null(waiting);
  while (stoa_conn_pending(&pair.conn)) {
    assert_ptr_equal(pair.conn.tls->in.data, waiting);
    assert_int_equal(read_some(pair.got, sizeof pair.got, &len), STOA_OK);
  }
  assert_null(pair.conn.tls->in.data);
}

/* RFC 8446 6.2 */
static void test_a_connection_that_broke_forgets_its_keys(void **state) {
  static const struct stoa_tls_keys none;
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  send_forged(24, "beat", 4);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_TLS);
  assert_memory_equal(&pair.conn.tls->traffic->in, &none, sizeof none);
  assert_memory_equal(&pair.conn.tls->traffic->out, &none, sizeof none);
}

static void test_a_broken_connection_is_told(void **state) {
  (void)state;
  char byte;
  size_t len;
  shake_hands();
  shutdown(pair.fds[1], SHUT_WR);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_CLOSED);
  close(pair.fds[1]);
  pair.fds[1] = -1;
  assert_int_equal(write_all((const uint8_t *)"x", 1), STOA_E_SYSTEM);
  assert_int_equal(write_all((const uint8_t *)"x", 1), STOA_E_TLS);
}

static void test_our_end_is_told_to_the_client(void **state) {
  (void)state;
  char byte;
  shake_hands();
  stoa_conn_shutdown(&pair.conn);
  assert_int_equal(SSL_read(pair.client, &byte, 1), 0);
  assert_int_equal(SSL_get_error(pair.client, 0), SSL_ERROR_ZERO_RETURN);
}

static void test_input_that_has_to_wait_and_finds_no_memory_is_an_error(void **state) {
  (void)state;
  uint8_t record[64];
  char byte;
  size_t len;
  shake_hands();
  send_raw(record, forge(record, STOA_TLS_RECORD_DATA, "in part", 7) - 1);
  stoa_memory_fail_at(1, false);
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
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
      TEST(test_a_read_waits_only_when_no_whole_record_is_left),
      TEST(test_many_requests_for_keys_are_answered_once),
      TEST(test_a_small_buffer_takes_empty_and_large_records),
      TEST(test_what_waits_is_opened_where_it_is),
      TEST(test_a_connection_that_broke_forgets_its_keys),
      TEST(test_a_broken_connection_is_told),
      TEST(test_our_end_is_told_to_the_client),
      TEST(test_input_that_has_to_wait_and_finds_no_memory_is_an_error),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("records of TLS 1.3", tests, make_contexts, free_contexts);
}
