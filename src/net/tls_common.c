/* net/tls_common.c: what servers' and clients' contexts have in common. */
#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stoa/log.h>

SSL_CTX *stoa_tls_ssl_create(const SSL_METHOD *method) {
  SSL_CTX *ssl = SSL_CTX_new(method);
  if (ssl == NULL) {
    return NULL;
  }
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets resume without memory here */
  return ssl;
}

struct stoa_tls_context *stoa_tls_context_begin(const SSL_METHOD *method) {
  struct stoa_tls_context *context = stoa_calloc(1, sizeof *context);
  if (context == NULL) {
    return NULL;
  }
  atomic_init(&context->refs, 1);
  context->ssl = stoa_tls_ssl_create(method);
  context->transport = stoa_tls_transport_create();
  if (context->ssl == NULL || context->transport == NULL) {
    stoa_tls_context_unref(context);
    return NULL;
  }
  return context;
}

int stoa_tls_trust(SSL_CTX *ssl, const char *ca_file) {
  int status = stoa_tls_check_file("cannot read the CA file", ca_file);
  if (status == STOA_OK && SSL_CTX_load_verify_file(ssl, ca_file) != 1) {
    return stoa_tls_log_refusal("the CA file is not usable", ca_file);
  }
  return status;
}

static int check_key_file(const char *key) {
  struct stat info;
  int status = stoa_tls_check_file("cannot read the private key", key);
  if (status != STOA_OK) {
    return status;
  }
  if (stoa_sys.stat(key, &info) != 0) {
    stoa_log(STOA_LOG_ERROR, "cannot read the private key", STOA_F_STR("file", key), STOA_F_INT("errno", errno));
    return STOA_E_NOT_FOUND;
  }
  if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    stoa_log(STOA_LOG_ERROR, "other users can read the private key; run chmod o-rw on it", STOA_F_STR("file", key));
    return STOA_E_DENIED;
  }
  return STOA_OK;
}

/* OpenSSL would ask at the terminal. */
static int on_passphrase(char *out, int size, int for_writing, void *was_asked) {
  (void)out, (void)size, (void)for_writing;
  *(bool *)was_asked = true;
  return -1;
}

static int use_key(SSL_CTX *ssl, const char *key) {
  bool was_asked = false;
  SSL_CTX_set_default_passwd_cb(ssl, on_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(ssl, &was_asked);
  int result = SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM);
  SSL_CTX_set_default_passwd_cb_userdata(ssl, NULL);
  SSL_CTX_set_default_passwd_cb(ssl, NULL);
  if (was_asked) {
    ERR_clear_error();
    stoa_log(STOA_LOG_ERROR, "the private key has a passphrase; remove it with `openssl pkey`, and protect the file",
             STOA_F_STR("file", key));
    return STOA_E_TLS;
  }
  if (result == 1) {
    return STOA_OK;
  }
  /* SSL_CTX_use_PrivateKey_file() compares the key with the certificate, too. */
  unsigned long error = ERR_peek_last_error();
  bool is_other = ERR_GET_LIB(error) == ERR_LIB_X509;
  return stoa_tls_log_refusal(
      is_other ? "the private key does not belong to the certificate" : "the private key is not usable", key);
}

int stoa_tls_use_files(SSL_CTX *ssl, const char *certificate, const char *key) {
  int status = stoa_tls_check_file("cannot read the certificate", certificate);
  if (status == STOA_OK) {
    status = check_key_file(key);
  }
  if (status != STOA_OK) {
    return status;
  }
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1) {
    return stoa_tls_log_refusal("the certificate is not usable", certificate);
  }
  status = use_key(ssl, key);
  if (status == STOA_OK && SSL_CTX_check_private_key(ssl) != 1) {
    return stoa_tls_log_refusal("the private key does not belong to the certificate", key);
  }
  return status;
}
