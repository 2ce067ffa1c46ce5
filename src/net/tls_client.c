#include "net/tls_client.h"

#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stoa/log.h>
#include <unistd.h>

static bool is_address(const char *host) {
  struct in6_addr address;
  return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* OpenSSL forgets why a chain was refused as soon as the error queue is cleared, so it is told here. */
static int on_verified(int is_good, X509_STORE_CTX *store) {
  if (is_good != 1) {
    stoa_log(STOA_LOG_WARN, "the server's certificate was refused",
             STOA_F_STR("reason", X509_verify_cert_error_string(X509_STORE_CTX_get_error(store))),
             STOA_F_INT("depth", X509_STORE_CTX_get_error_depth(store)));
  }
  return is_good;
}

static int expect_host(SSL_CTX *ssl, const char *host) {
  X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  int result =
      is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(rules, host) : X509_VERIFY_PARAM_set1_host(rules, host, 0);
  return result == 1 ? STOA_OK : STOA_E_MEMORY;
}

static int trust(SSL_CTX *ssl, const char *ca_file) {
  if (ca_file == NULL) {
    return SSL_CTX_set_default_verify_paths(ssl) == 1 ? STOA_OK : STOA_E_MEMORY;
  }
  if (stoa_sys.access(ca_file, R_OK) != 0) {
    stoa_log(STOA_LOG_ERROR, "cannot read the CA file", STOA_F_STR("file", ca_file), STOA_F_INT("errno", errno));
    return STOA_E_NOT_FOUND;
  }
  if (SSL_CTX_load_verify_file(ssl, ca_file) != 1) {
    return stoa_tls_log_refusal("the CA file is not usable", ca_file);
  }
  return STOA_OK;
}

static int set_checks(SSL_CTX *ssl, const char *host, const char *ca_file, bool insecure) {
  if (insecure) {
    SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    return STOA_OK;
  }
  SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
  int status = expect_host(ssl, host);
  return status == STOA_OK ? trust(ssl, ca_file) : status;
}

/* RFC 6066 3: literal addresses are not permitted as a name to ask for. */
static bool keep_name(struct stoa_tls_context *context, const char *host) {
  if (is_address(host)) {
    return true;
  }
  size_t len = strlen(host);
  context->server_name = stoa_alloc(len + 1);
  if (context->server_name == NULL) {
    return false;
  }
  memcpy(context->server_name, host, len + 1);
  return true;
}

int stoa_tls_client_context_create(const char *host, const char *ca_file, bool insecure,
                                   struct stoa_tls_context **out_context) {
  struct stoa_tls_context *context = stoa_tls_context_begin(TLS_client_method());
  if (context == NULL) {
    return STOA_E_MEMORY;
  }
  context->is_client = true;
  int status = keep_name(context, host) ? set_checks(context->ssl, host, ca_file, insecure) : STOA_E_MEMORY;
  ERR_clear_error();
  if (status != STOA_OK) {
    stoa_tls_context_destroy(context);
    return status;
  }
  *out_context = context;
  return STOA_OK;
}
