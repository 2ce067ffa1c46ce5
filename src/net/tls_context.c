#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <stoa/log.h>
#include <unistd.h>

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
    stoa_log(STOA_LOG_ERROR, "other users can read the private key; run chmod o-rw on it", STOA_F_STR("file", key));
    return STOA_E_DENIED;
  }
  return STOA_OK;
}

static void set_options(SSL_CTX *ssl) {
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets resume without memory here */
}

struct stoa_tls_context *stoa_tls_context_begin(const SSL_METHOD *method) {
  struct stoa_tls_context *context = stoa_calloc(1, sizeof *context);
  if (context == NULL) {
    return NULL;
  }
  context->ssl = SSL_CTX_new(method);
  context->transport = stoa_tls_transport_create();
  if (context->ssl == NULL || context->transport == NULL) {
    stoa_tls_context_destroy(context);
    return NULL;
  }
  set_options(context->ssl);
  return context;
}

/* Of the suites of TLS 1.3 the cheapest comes first where the client can do it; and one ticket is enough, for a client
 * that resumes gets a new one. */
static bool set_server_options(SSL_CTX *ssl) {
  static const char suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
  SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_keylog_callback(ssl, stoa_tls_on_secret);
  SSL_CTX_set_max_early_data(ssl, 0); /* OpenSSL's default too: what can be replayed (RFC 8446 8) is never taken */
  return SSL_CTX_set_ciphersuites(ssl, suites) == 1 && SSL_CTX_set_num_tickets(ssl, 1) == 1;
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
  struct stoa_tls_context *context = stoa_tls_context_begin(TLS_server_method());
  if (context == NULL) {
    return STOA_E_MEMORY;
  }
  status = set_server_options(context->ssl) ? load_files(context->ssl, certificate, key) : STOA_E_MEMORY;
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
  BIO_meth_free(context->transport);
  stoa_free(context->server_name);
  stoa_free(context);
}
