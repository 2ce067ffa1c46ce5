#include "tls_pair.h"

#include "lib/tls_ends.h"

struct tls_pair pair;

static void on_ready(struct stoa_io *io, uint32_t events) {
  (void)io;
  (void)events;
}

static void read_hex(const char *hex, uint8_t *out) {
  for (size_t i = 0; hex[2 * i] > ' '; i++) {
    unsigned byte;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
    out[i] = (uint8_t)byte;
  }
}

/* Remember the secrets. */
static void on_line(const SSL *ssl, const char *line) {
  (void)ssl;
  if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0) {
    read_hex(strrchr(line, ' ') + 1, pair.keys.secret);
  } else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0) {
    read_hex(strrchr(line, ' ') + 1, pair.server_keys.secret);
  }
}

int make_contexts(void **state) {
  (void)state;
  stoa_tls_memory_setup();
  self_signed_write(&pair.files, "traffic");
  pair.client_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_keylog_callback(pair.client_context, on_line);
  pair.tools = stoa_tls_tools_create();
  assert_non_null(pair.tools);
  return tls_context_of(pair.files.certificate, pair.files.key, &pair.context);
}

int free_contexts(void **state) {
  (void)state;
  stoa_tls_context_unref(pair.context);
  SSL_CTX_free(pair.client_context);
  stoa_tls_tools_destroy(pair.tools);
  self_signed_remove(&pair.files);
  return 0;
}

int connect_both(void **state) {
  (void)state;
  assert_int_equal(stoa_loop_create(&stoa_clock_system, &pair.loop), STOA_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.fds), 0);
  assert_int_equal(stoa_conn_init(&pair.conn, pair.fds[0], pair.context, on_ready), STOA_OK);
  pair.client = SSL_new(pair.client_context);
  SSL_set_fd(pair.client, pair.fds[1]);
  SSL_set_connect_state(pair.client);
  return 0;
}

int close_both(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  stoa_sys = stoa_sys_real;
  pair.take_max = 0;
  pair.is_full = false;
  stoa_conn_close(&pair.conn, pair.loop);
  SSL_free(pair.client);
  close(pair.fds[1]);
  stoa_loop_destroy(pair.loop);
  return 0;
}

int read_some(void *data, size_t size, size_t *out_len) {
  return stoa_conn_read(&pair.conn, data, size, out_len);
}

void finish_hands(void) {
  assert_false(stoa_conn_handshaking(&pair.conn));
  pair.suite = stoa_tls_suite_find(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(pair.client)));
  if (pair.suite != NULL) {
    assert_true(stoa_tls_keys_begin(&pair.keys, pair.tools, pair.suite, 0));
    assert_true(stoa_tls_keys_begin(&pair.server_keys, pair.tools, pair.suite, 0));
  }
}

void shake_hands(void) {
  char byte;
  size_t len;
  while (SSL_do_handshake(pair.client) != 1) {
    assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  }
  assert_int_equal(read_some(&byte, 1, &len), STOA_E_AGAIN);
  finish_hands();
}

int write_all(const uint8_t *data, size_t len) {
  size_t done = 0;
  while (done < len) {
    struct iovec piece = {(void *)(uintptr_t)(data + done), len - done};
    size_t taken = 0;
    int status = stoa_conn_write(&pair.conn, &piece, 1, &taken);
    if (status != STOA_OK) {
      return status;
    }
    done += taken;
  }
  return STOA_OK;
}

void client_gets(const char *text) {
  char got[64];
  int len = SSL_read(pair.client, got, sizeof got);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(got, text, strlen(text));
}

void server_gets(const char *text) {
  char got[64];
  size_t len;
  assert_int_equal(read_some(got, sizeof got, &len), STOA_OK);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(got, text, len);
}

void both_ways(void) {
  assert_int_equal(SSL_write(pair.client, "question", 8), 8);
  server_gets("question");
  assert_int_equal(write_all((const uint8_t *)"answer", 6), STOA_OK);
  client_gets("answer");
}

size_t forge(uint8_t *out, unsigned type, const char *text, size_t len) {
  assert_true(stoa_tls_seal(&pair.keys, pair.tools, pair.suite, (enum stoa_tls_record_type)type, (const uint8_t *)text,
                            len, out));
  return len + STOA_TLS_OVERHEAD_LEN;
}

void send_raw(const uint8_t *data, size_t len) {
  assert_int_equal(send(pair.fds[1], data, len, 0), len);
}

void send_forged(unsigned type, const char *text, size_t len) {
  uint8_t record[STOA_TLS_RECORD_LEN_MAX];
  send_raw(record, forge(record, type, text, len));
}

void is_refused(int alert) {
  char got[64];
  size_t len;
  assert_int_equal(read_some(got, sizeof got, &len), STOA_E_TLS);
  assert_int_equal(read_some(got, sizeof got, &len), STOA_E_TLS);
  assert_int_equal(write_all((const uint8_t *)"more", 4), STOA_E_TLS);
  if (alert >= 0) {
    uint8_t byte;
    assert_true(SSL_read(pair.client, &byte, 1) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_AD_REASON_OFFSET + alert);
    ERR_clear_error();
  }
}

void fill(uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    data[i] = (uint8_t)(i * 31 + i / 251);
  }
}

size_t read_all(size_t at, size_t size) {
  size_t len;
  for (;;) {
    int status = read_some(pair.got + at, size, &len);
    if (status == STOA_E_AGAIN && !stoa_conn_pending(&pair.conn)) {
      return at;
    }
    assert_true(status == STOA_OK || status == STOA_E_AGAIN);
    at += status == STOA_OK ? len : 0;
  }
}
