#include "net/tls.h"

#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stoa/log.h>
#include <unistd.h>

struct stoa_tls {
  SSL *ssl;
  size_t promised; /* bytes of a record that is made and not yet sent */
  bool wants_write;
  bool broken; /* after a fatal error OpenSSL must not be asked for close_notify (SSL_shutdown(3)) */
};

static void *openssl_alloc(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  return size == 0 ? NULL : stoa_alloc(size);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  if (size == 0) {
    stoa_free(block);
    return NULL;
  }
  return block == NULL ? stoa_alloc(size) : stoa_realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line) {
  (void)file;
  (void)line;
  stoa_free(block);
}

void stoa_tls_memory_setup(void) {
  CRYPTO_set_mem_functions(openssl_alloc, openssl_realloc, openssl_free);
}

int stoa_tls_log_refusal(const char *what, const char *path) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("file", path), STOA_F_STR("reason", text));
  return STOA_E_TLS;
}

static int check_files(const char *certificate, const char *key) {
  struct stat info;
  if (stoa_sys.access(certificate, R_OK) != 0) {
    stoa_log(STOA_LOG_ERROR, "cannot read the certificate", STOA_F_STR("file", certificate),
             STOA_F_INT("errno", errno));
    return STOA_E_NOT_FOUND;
  }
  if (stoa_sys.access(key, R_OK) != 0 || stoa_sys.stat(key, &info) != 0) {
    stoa_log(STOA_LOG_ERROR, "cannot read the private key", STOA_F_STR("file", key), STOA_F_INT("errno", errno));
    return STOA_E_NOT_FOUND;
  }
  if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    stoa_log(STOA_LOG_ERROR, "others can read the private key; run chmod o-rw on it", STOA_F_STR("file", key));
    return STOA_E_DENIED;
  }
  return STOA_OK;
}

static void set_options(SSL_CTX *ssl) {
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets resume without memory here */
}

static int load_files(SSL_CTX *ssl, const char *certificate, const char *key) {
  if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1) {
    return stoa_tls_log_refusal("the certificate is not usable", certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1) {
    return stoa_tls_log_refusal("the private key is not usable", key);
  }
  if (SSL_CTX_check_private_key(ssl) != 1) {
    return stoa_tls_log_refusal("the private key does not belong to the certificate", key);
  }
  return STOA_OK;
}

int stoa_tls_context_create(const char *certificate, const char *key, struct stoa_tls_context **out_context) {
  int status = check_files(certificate, key);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_tls_context *context = stoa_calloc(1, sizeof *context);
  if (context == NULL) {
    return STOA_E_MEMORY;
  }
  context->ssl = SSL_CTX_new(TLS_server_method());
  status = STOA_E_MEMORY;
  if (context->ssl != NULL) {
    set_options(context->ssl);
    status = load_files(context->ssl, certificate, key);
  }
  if (status != STOA_OK) {
    stoa_tls_context_destroy(context);
    return status;
  }
  *out_context = context;
  return STOA_OK;
}

void stoa_tls_context_destroy(struct stoa_tls_context *context) {
  if (context == NULL) {
    return;
  }
  SSL_CTX_free(context->ssl);
  stoa_free(context->server_name);
  stoa_free(context);
}

int stoa_tls_create(struct stoa_tls_context *context, int fd, struct stoa_tls **out_tls) {
  struct stoa_tls *tls = stoa_calloc(1, sizeof *tls);
  if (tls == NULL) {
    return STOA_E_MEMORY;
  }
  tls->ssl = SSL_new(context->ssl);
  if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1 || stoa_tls_take_side(context, tls->ssl) != STOA_OK) {
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
