#include "bench_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { DISCARD_LEN = 16 * 1024 };

struct bench_tls_context {
  SSL_CTX *ssl;
  const char *host;
  bool host_is_name;
  bool verified;
};

struct bench_tls {
  SSL *ssl;
  BIO *sealed; /* encrypted bytes not yet sent; belongs to `ssl` */
  int fd;
};

static bool is_name(const char *host) {
  uint8_t address[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1;
}

static bool complain(const char *what) {
  const char *reason = ERR_reason_error_string(ERR_peek_error());
  fprintf(stderr, "stoa bench: %s: %s\n", what, reason == NULL ? "unknown error" : reason);
  return false;
}

static bool set_up(struct bench_tls_context *context, const char *ca_file) {
  context->ssl = SSL_CTX_new(TLS_client_method());
  if (context->ssl == NULL) {
    return complain("TLS");
  }
  /* Many servers end a connection without a TLS close_notify; the WebSocket close handshake is done by then. */
  SSL_CTX_set_options(context->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS);
  if (ca_file == NULL) {
    return true;
  }
  if (SSL_CTX_load_verify_file(context->ssl, ca_file) != 1) {
    return complain(ca_file);
  }
  SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
  return true;
}

struct bench_tls_context *bench_tls_context_create(const char *ca_file, const char *host) {
  struct bench_tls_context *context = calloc(1, sizeof *context);
  if (context == NULL) {
    perror("stoa bench");
    return NULL;
  }
  context->host = host;
  context->host_is_name = is_name(host);
  context->verified = ca_file != NULL;
  if (!set_up(context, ca_file)) {
    bench_tls_context_destroy(context);
    return NULL;
  }
  return context;
}

void bench_tls_context_destroy(struct bench_tls_context *context) {
  if (context != NULL) {
    SSL_CTX_free(context->ssl);
    free(context);
  }
}

/* RFC 6066 3: a name is sent to the server, an address is not. */
static bool name_host(SSL *ssl, const struct bench_tls_context *context) {
  void *name = (void *)(uintptr_t)context->host; /* OpenSSL only reads it */
  if (context->host_is_name && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) != 1) {
    return false;
  }
  if (!context->verified) {
    return true;
  }
  return context->host_is_name ? SSL_set1_host(ssl, context->host) == 1
                               : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), context->host) == 1;
}

struct bench_tls *bench_tls_create(struct bench_tls_context *context, int fd) {
  struct bench_tls *tls = calloc(1, sizeof *tls);
  if (tls == NULL) {
    return NULL;
  }
  BIO *socket = BIO_new_socket(fd, BIO_NOCLOSE);
  tls->fd = fd;
  tls->sealed = BIO_new(BIO_s_mem());
  tls->ssl = SSL_new(context->ssl);
  if (socket == NULL || tls->sealed == NULL || tls->ssl == NULL) {
    BIO_free(socket);
    BIO_free(tls->sealed);
    SSL_free(tls->ssl);
    free(tls);
    return NULL;
  }
  SSL_set_bio(tls->ssl, socket, tls->sealed);
  SSL_set_connect_state(tls->ssl);
  if (!name_host(tls->ssl, context)) {
    bench_tls_destroy(tls);
    return NULL;
  }
  return tls;
}

void bench_tls_destroy(struct bench_tls *tls) {
  if (tls != NULL) {
    SSL_free(tls->ssl);
    free(tls);
  }
}

enum bench_tls_step bench_tls_shake(struct bench_tls *tls) {
  ERR_clear_error();
  int result = SSL_do_handshake(tls->ssl);
  bench_tls_flush(tls);
  if (result == 1) {
    return BENCH_TLS_DONE;
  }
  return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ ? BENCH_TLS_MORE : BENCH_TLS_FAILED;
}

const char *bench_tls_reason(const struct bench_tls *tls) {
  long verified = SSL_get_verify_result(tls->ssl);
  if (verified != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE) {
    return X509_verify_cert_error_string(verified);
  }
  const char *reason = ERR_reason_error_string(ERR_peek_error());
  return reason == NULL ? "the server ended the connection" : reason;
}

ssize_t bench_tls_recv(struct bench_tls *tls, void *out, size_t cap) {
  ERR_clear_error();
  int got = SSL_read(tls->ssl, out, cap > INT_MAX ? INT_MAX : (int)cap);
  if (got > 0) {
    return got;
  }
  bench_tls_flush(tls); /* reading may have produced output */
  switch (SSL_get_error(tls->ssl, got)) {
    case SSL_ERROR_WANT_READ:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      errno = EPROTO;
      return -1;
  }
}

ssize_t bench_tls_send(struct bench_tls *tls, const void *data, size_t len) {
  bench_tls_flush(tls);
  if (bench_tls_unsent(tls)) {
    errno = EAGAIN;
    return -1;
  }
  size_t taken = 0;
  ERR_clear_error();
  if (SSL_write_ex(tls->ssl, data, len, &taken) != 1) {
    errno = EPROTO;
    return -1;
  }
  bench_tls_flush(tls);
  return (ssize_t)taken;
}

bool bench_tls_has_more(const struct bench_tls *tls) {
  return SSL_pending(tls->ssl) > 0;
}

bool bench_tls_unsent(const struct bench_tls *tls) {
  return BIO_pending(tls->sealed) > 0;
}

void bench_tls_flush(struct bench_tls *tls) {
  static char discarded[DISCARD_LEN];
  char *data;
  long len;
  while ((len = BIO_get_mem_data(tls->sealed, &data)) > 0) {
    ssize_t sent = send(tls->fd, data, (size_t)len, MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    while (sent > 0) {
      sent -= BIO_read(tls->sealed, discarded, sent < DISCARD_LEN ? (int)sent : DISCARD_LEN);
    }
  }
}
