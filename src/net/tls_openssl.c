#include "base/memory.h"
#include "net/tls_private.h"
#include "net/tls_traffic.h"

#include <assert.h>
#include <openssl/err.h>

/* Records that one read opens; the rest waits for the next, so that many tiny ones do not keep others waiting. Each
 * read may copy what waits, so it is not less. */
#define OPENED_MAX 64u

/* The descriptor, as OpenSSL sees it: a BIO for both ways. */

static int transport_read(BIO *bio, char *out, size_t size, size_t *out_len) {
  struct stoa_tls *tls = BIO_get_data(bio);
  struct stoa_tls_scratch *scratch = tls->scratch;
  BIO_clear_retry_flags(bio);
  if (scratch->at == scratch->end) {
    int status = stoa_tls_fill(tls);
    if (status == STOA_E_AGAIN) {
      BIO_set_retry_read(bio);
    }
    if (status != STOA_OK) {
      return 0;
    }
  }
  size_t len = scratch->end - scratch->at < size ? scratch->end - scratch->at : size;
  memcpy(out, scratch->in + scratch->at, len);
  scratch->at += (uint32_t)len;
  *out_len = len;
  return 1;
}

/* A handshake's messages are collected, so that a flight is one send. */
static int transport_write(BIO *bio, const char *data, size_t len, size_t *out_len) {
  struct stoa_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (tls->holds) {
    *out_len = len;
    return stoa_tls_hold(tls, (const uint8_t *)data, len) == STOA_OK ? 1 : 0;
  }
  size_t taken = 0;
  int status = stoa_tls_send(tls, (const uint8_t *)data, len, &taken);
  if (status == STOA_E_AGAIN || (status == STOA_OK && taken == 0)) {
    BIO_set_retry_write(bio);
    return 0;
  }
  *out_len = taken;
  return status == STOA_OK ? 1 : 0;
}

static long transport_control(BIO *bio, int command, long number, void *pointer) {
  const struct stoa_tls *tls = BIO_get_data(bio);
  (void)number;
  (void)pointer;
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return tls->at_eof ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD *stoa_tls_transport_create(void) {
  BIO_METHOD *transport = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stoa");
  if (transport != NULL) {
    BIO_meth_set_read_ex(transport, transport_read);
    BIO_meth_set_write_ex(transport, transport_write);
    BIO_meth_set_ctrl(transport, transport_control);
  }
  return transport;
}

/* Secrets. */

static int digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, uint8_t *out, size_t len) {
  for (size_t i = 0; i < len; i++) {
    int high = digit(text[2 * i]);
    int low = high < 0 ? -1 : digit(text[2 * i + 1]);
    if (low < 0) {
      return false;
    }
    out[i] = (uint8_t)(high * 16 + low);
  }
  return text[2 * len] == '\0';
}

static const struct stoa_tls_suite *suite_of(const SSL *ssl) {
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
  return cipher == NULL ? NULL : stoa_tls_suite_find(SSL_CIPHER_get_protocol_id(cipher));
}

static struct stoa_tls_traffic *traffic_of(struct stoa_tls *tls) {
  if (tls->traffic == NULL) {
    tls->traffic = stoa_calloc(1, sizeof *tls->traffic);
    if (tls->traffic != NULL) {
      tls->traffic->suite = suite_of(tls->ssl);
    }
  }
  return tls->traffic;
}

/* The secret of what follows the label: "RANDOM SECRET". */
static bool take_secret(const struct stoa_tls_traffic *traffic, const char *values, uint8_t *out) {
  const char *secret = strchr(values, ' ');
  return traffic->suite != NULL && secret != NULL &&
         read_hex(secret + 1, out, stoa_tls_suite_secret_len(traffic->suite));
}

void stoa_tls_on_secret(const SSL *ssl, const char *line) {
  static const char of_client[] = "CLIENT_TRAFFIC_SECRET_0 ";
  static const char of_server[] = "SERVER_TRAFFIC_SECRET_0 ";
  const size_t label_len = sizeof of_client - 1;
  struct stoa_tls *tls = BIO_get_data(SSL_get_rbio(ssl));
  bool is_in = strncmp(line, of_client, label_len) == 0;
  if (!is_in && strncmp(line, of_server, label_len) != 0) {
    return;
  }
  struct stoa_tls_traffic *traffic = traffic_of(tls);
  if (traffic == NULL) {
    return; /* OpenSSL goes on with it */
  }
  if (is_in) {
    traffic->has_in = take_secret(traffic, line + label_len, traffic->in.secret);
    /* The client has answered, so all that was sealed by the handshake's keys has left. */
    tls->handshake_len = tls->out.len;
  } else {
    traffic->has_out = take_secret(traffic, line + label_len, traffic->out.secret);
  }
}

/* How many records wait in `out` that the new keys have sealed: those of the session tickets. False when they do not
 * end where `out` does: then nobody knows the number of the next. */
static bool count_sealed(const struct stoa_tls *tls, uint64_t *out_count) {
  const struct stoa_tls_bytes *out = &tls->out;
  uint64_t count = 0;
  size_t at = tls->handshake_len;
  for (; at + STOA_TLS_HEADER_LEN <= out->len && out->data[at] == STOA_TLS_RECORD_DATA; count++) {
    at += stoa_tls_record_len(out->data + at);
  }
  *out_count = count;
  return at == out->len;
}

/* RFC 6066 4: the extension's values are 1 for 2^9 to 4 for 2^12; 0 when it was not agreed on. */
static uint16_t data_len_max(const SSL *ssl) {
  uint8_t code = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl));
  return (uint16_t)(code == 0 ? STOA_TLS_DATA_LEN_MAX : 256u << code);
}

void stoa_tls_openssl_close(struct stoa_tls *tls) {
  if (tls->ssl != NULL) {
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    stoa_tls_context_unref(tls->context);
    tls->context = NULL;
    stoa_tls_scratch_remove_openssl(tls->scratch);
  }
}

static bool begin_traffic(struct stoa_tls *tls, struct stoa_tls_traffic *traffic) {
  struct stoa_tls_tools *tools = tls->scratch->tools;
  uint64_t sealed;
  traffic->data_len_max = data_len_max(tls->ssl);
  return traffic->has_in && traffic->has_out && SSL_has_pending(tls->ssl) == 0 && count_sealed(tls, &sealed) &&
         stoa_tls_keys_begin(&traffic->in, tools, traffic->suite, 0) &&
         stoa_tls_keys_begin(&traffic->out, tools, traffic->suite, sealed);
}

/* The handshake is done. When it was TLS 1.3's, OpenSSL has done its part, and its 14 KB are released. When something
 * is in the way it goes on to the end, and the secrets are forgotten here. */
static bool take_over(struct stoa_tls *tls) {
  if (tls->traffic == NULL) {
    return false;
  }
  if (!begin_traffic(tls, tls->traffic)) {
    stoa_tls_traffic_free(tls);
    return false;
  }
  tls->resumed = SSL_session_reused(tls->ssl) == 1;
  stoa_tls_openssl_close(tls);
  return true;
}

/* The connection. */

static bool take_side(SSL *ssl, const struct stoa_tls_context *context) {
  if (!context->is_client) {
    SSL_set_accept_state(ssl);
    return true;
  }
  SSL_set_connect_state(ssl);
  return context->server_name == NULL || SSL_set_tlsext_host_name(ssl, context->server_name) == 1;
}

int stoa_tls_openssl_open(struct stoa_tls *tls, struct stoa_tls_context *context) {
  tls->ssl = SSL_new(context->ssl);
  if (tls->ssl == NULL) {
    return STOA_E_MEMORY;
  }
  tls->context = stoa_tls_context_ref(context);
  stoa_tls_scratch_add_openssl(tls->scratch);
  BIO *bio = BIO_new(context->transport);
  if (bio == NULL) {
    return STOA_E_MEMORY;
  }
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl, bio, bio);
  return take_side(tls->ssl, context) ? STOA_OK : STOA_E_MEMORY;
}

static int status_of(struct stoa_tls *tls, int result) {
  int error = SSL_get_error(tls->ssl, result);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      tls->wants_write = false;
      return STOA_E_AGAIN;
    case SSL_ERROR_WANT_WRITE:
      tls->wants_write = true;
      return STOA_E_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
      return STOA_E_CLOSED;
    case SSL_ERROR_SYSCALL:
      tls->broken = true;
      return tls->at_eof ? STOA_E_CLOSED : STOA_E_SYSTEM;
    default:
      tls->broken = true;
      return STOA_E_TLS;
  }
}

/* Send what was collected. */
static int flush(struct stoa_tls *tls) {
  size_t ignored;
  int status = stoa_tls_send(tls, NULL, 0, &ignored);
  tls->wants_write = status == STOA_E_AGAIN;
  return status;
}

/* The handshake, as far as it goes with what has come. STOA_OK when it is done. */
static int shake_hands(struct stoa_tls *tls) {
  tls->holds = true;
  int result = SSL_do_handshake(tls->ssl);
  int status = result == 1 ? STOA_OK : status_of(tls, result);
  tls->holds = false;
  return status;
}

/* Before OpenSSL's state is gone. STOA_OK also when there is nothing to keep. */
static int keep_peer(struct stoa_tls *tls) {
  int status = tls->context->keeps_peer ? stoa_tls_peer_read(tls->ssl, &tls->peer) : STOA_OK;
  if (status != STOA_OK) {
    tls->broken = true;
    tls->end = (uint8_t)status;
  }
  return status;
}

/* As many records as there is room for, and a bounded number. */
static int read_records(struct stoa_tls *tls, uint8_t *data, size_t size, size_t *out_len) {
  size_t got = 0;
  for (unsigned i = 0; i < OPENED_MAX && got < size; i++) {
    size_t len;
    int result = SSL_read_ex(tls->ssl, data + got, size - got, &len);
    if (result != 1) {
      int status = status_of(tls, result);
      if (got == 0) {
        return status;
      }
      tls->end = (uint8_t)(status == STOA_E_AGAIN ? STOA_OK : status);
      break;
    }
    got += len;
  }
  *out_len = got;
  return STOA_OK;
}

static int read_or_shake(struct stoa_tls *tls, uint8_t *data, size_t size, size_t *out_len) {
  ERR_clear_error();
  if (SSL_is_init_finished(tls->ssl)) {
    return read_records(tls, data, size, out_len);
  }
  int status = shake_hands(tls);
  if (status == STOA_OK) {
    status = keep_peer(tls);
  }
  /* Session tickets, which are all that waits then, leave with the first answer. */
  if (status == STOA_OK && take_over(tls)) {
    return STOA_OK;
  }
  int flushed = flush(tls);
  if (status != STOA_OK) {
    return status;
  }
  return flushed == STOA_OK ? read_records(tls, data, size, out_len) : flushed;
}

int stoa_tls_openssl_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len) {
  if (tls->end != STOA_OK) {
    return tls->end;
  }
  if (tls->out.len > 0) {
    int status = flush(tls);
    if (status != STOA_OK) {
      return status;
    }
  }
  stoa_tls_load(tls);
  int status = read_or_shake(tls, data, size, out_len);
  if (stoa_tls_keep(tls) != STOA_OK) {
    tls->end = STOA_E_MEMORY;
  }
  return tls->ssl == NULL ? stoa_tls_traffic_read(tls, data, size, out_len) : status;
}

/* One piece a call: with SSL_MODE_ENABLE_PARTIAL_WRITE a record at a time is taken. Small pieces are not joined, for
 * a turn's messages already are one piece. */
static int write_pieces(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    size_t taken = 0;
    ERR_clear_error();
    int result = SSL_write_ex(tls->ssl, pieces[i].iov_base, pieces[i].iov_len, &taken);
    tls->promised = 0;
    if (result != 1) {
      int status = status_of(tls, result);
      if (status == STOA_E_AGAIN) {
        /* SSL_write(3): a write that has to be repeated must be given the same bytes, at least those of its record. */
        tls->promised = pieces[i].iov_len < STOA_TLS_DATA_LEN_MAX ? (uint32_t)pieces[i].iov_len : STOA_TLS_DATA_LEN_MAX;
      }
      if (total > 0 && status == STOA_E_AGAIN) {
        break;
      }
      return status;
    }
    tls->wants_write = false;
    total += taken;
    if (taken < pieces[i].iov_len) {
      break;
    }
  }
  *out_len = total;
  return STOA_OK;
}

/* A write before the handshake's end goes on with it, and so reads. */
int stoa_tls_openssl_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len) {
  stoa_tls_load(tls);
  int status = write_pieces(tls, pieces, count, out_len);
  if (stoa_tls_keep(tls) != STOA_OK) {
    tls->end = STOA_E_MEMORY;
  }
  return status;
}

void stoa_tls_openssl_shutdown(struct stoa_tls *tls) {
  /* A second SSL_shutdown() would read. */
  bool is_told = (SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN) != 0;
  if (!tls->broken && !is_told && SSL_is_init_finished(tls->ssl)) {
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
  }
}
