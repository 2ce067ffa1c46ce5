#include "base/memory.h"
#include "net/tls_private.h"
#include "net/tls_traffic.h"

int stoa_tls_create(struct stoa_tls_context *context, int fd, struct stoa_tls **out_tls) {
  struct stoa_tls *tls = stoa_calloc(1, sizeof *tls);
  if (tls == NULL) {
    return STOA_E_MEMORY;
  }
  tls->fd = fd;
  tls->scratch = context->is_client ? stoa_tls_scratch_create() : stoa_tls_scratch_ref();
  int status = tls->scratch == NULL ? STOA_E_MEMORY : stoa_tls_openssl_open(tls, context);
  if (status != STOA_OK) {
    stoa_tls_destroy(tls);
    return status;
  }
  *out_tls = tls;
  return STOA_OK;
}

void stoa_tls_destroy(struct stoa_tls *tls) {
  if (tls == NULL) {
    return;
  }
  stoa_tls_openssl_close(tls);
  stoa_tls_traffic_free(tls);
  stoa_tls_bytes_fini(&tls->in);
  stoa_tls_bytes_fini(&tls->out);
  stoa_free(tls->peer);
  stoa_tls_scratch_unref(tls->scratch);
  stoa_free(tls);
}

int stoa_tls_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len) {
  return tls->ssl != NULL ? stoa_tls_openssl_read(tls, data, size, out_len)
                          : stoa_tls_traffic_read(tls, data, size, out_len);
}

int stoa_tls_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len) {
  return tls->ssl != NULL ? stoa_tls_openssl_write(tls, pieces, count, out_len)
                          : stoa_tls_traffic_write(tls, pieces, count, out_len);
}

size_t stoa_tls_promised(const struct stoa_tls *tls) {
  return tls->promised;
}

bool stoa_tls_pending(const struct stoa_tls *tls) {
  return tls->ssl != NULL ? SSL_pending(tls->ssl) > 0 || tls->in.len > 0 || tls->end != STOA_OK
                          : stoa_tls_traffic_pending(tls);
}

bool stoa_tls_handshaking(const struct stoa_tls *tls) {
  return tls->ssl != NULL && !SSL_is_init_finished(tls->ssl);
}

const char *stoa_tls_version(const struct stoa_tls *tls) {
  return tls->ssl != NULL ? SSL_get_version(tls->ssl) : "TLSv1.3";
}

bool stoa_tls_is_resumed(const struct stoa_tls *tls) {
  return tls->ssl != NULL ? SSL_session_reused(tls->ssl) == 1 : tls->resumed;
}

const char *stoa_tls_refusal(const struct stoa_tls *tls) {
  long verdict = tls->ssl == NULL ? X509_V_OK : SSL_get_verify_result(tls->ssl);
  return verdict == X509_V_OK ? NULL : X509_verify_cert_error_string(verdict);
}

bool stoa_tls_wants_write(const struct stoa_tls *tls) {
  return tls->wants_write;
}

void stoa_tls_shutdown(struct stoa_tls *tls) {
  if (tls->ssl != NULL) {
    stoa_tls_openssl_shutdown(tls);
  } else {
    stoa_tls_traffic_shutdown(tls);
  }
}

const struct stoa_certificate *stoa_tls_peer(const struct stoa_tls *tls) {
  return tls->peer;
}
