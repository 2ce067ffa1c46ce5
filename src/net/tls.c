#include "base/memory.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>

struct stoa_tls {
  SSL *ssl;
  size_t promised; /* bytes of a record that is made and not yet sent */
  bool wants_write;
  bool broken; /* after a fatal error OpenSSL must not be asked for close_notify (SSL_shutdown(3)) */
};

/* Play the context's part in the handshake. */
static bool take_side(SSL *ssl, const struct stoa_tls_context *context) {
  if (!context->is_client) {
    SSL_set_accept_state(ssl);
    return true;
  }
  SSL_set_connect_state(ssl);
  return context->server_name == NULL || SSL_set_tlsext_host_name(ssl, context->server_name) == 1;
}

int stoa_tls_create(struct stoa_tls_context *context, int fd, struct stoa_tls **out_tls) {
  struct stoa_tls *tls = stoa_calloc(1, sizeof *tls);
  if (tls == NULL) {
    return STOA_E_MEMORY;
  }
  tls->ssl = SSL_new(context->ssl);
  if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1 || !take_side(tls->ssl, context)) {
    stoa_tls_destroy(tls);
    return STOA_E_MEMORY;
  }
  *out_tls = tls;
  return STOA_OK;
}

void stoa_tls_destroy(struct stoa_tls *tls) {
  if (tls == NULL) {
    return;
  }
  SSL_free(tls->ssl);
  stoa_free(tls);
}

static int status_of(struct stoa_tls *tls, int result) {
  int saved_errno = errno;
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
      return saved_errno == 0 ? STOA_E_CLOSED : STOA_E_SYSTEM;
    default:
      tls->broken = true;
      return STOA_E_TLS;
  }
}

int stoa_tls_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len) {
  errno = 0;
  ERR_clear_error();
  int result = SSL_read_ex(tls->ssl, data, size, out_len);
  if (result == 1) {
    tls->wants_write = false;
    return STOA_OK;
  }
  return status_of(tls, result);
}

/* One piece a call: with SSL_MODE_ENABLE_PARTIAL_WRITE a record at a time is taken. Small pieces are not joined, for
 * a turn's messages already are one piece. */
int stoa_tls_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    size_t taken = 0;
    errno = 0;
    ERR_clear_error();
    int result = SSL_write_ex(tls->ssl, pieces[i].iov_base, pieces[i].iov_len, &taken);
    tls->promised = 0;
    if (result != 1) {
      int status = status_of(tls, result);
      if (status == STOA_E_AGAIN) {
        /* SSL_write(3): a write that has to be repeated must be given the same bytes, at least those of its record. */
        tls->promised = pieces[i].iov_len < SSL3_RT_MAX_PLAIN_LENGTH ? pieces[i].iov_len : SSL3_RT_MAX_PLAIN_LENGTH;
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

size_t stoa_tls_promised(const struct stoa_tls *tls) {
  return tls->promised;
}

bool stoa_tls_pending(const struct stoa_tls *tls) {
  return SSL_pending(tls->ssl) > 0;
}

bool stoa_tls_handshaking(const struct stoa_tls *tls) {
  return !SSL_is_init_finished(tls->ssl);
}

bool stoa_tls_wants_write(const struct stoa_tls *tls) {
  return tls->wants_write;
}

void stoa_tls_shutdown(struct stoa_tls *tls) {
  if (!tls->broken && SSL_is_init_finished(tls->ssl)) {
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
  }
}
