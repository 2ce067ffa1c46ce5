#include "net/tls_client.h"

#include "base/memory.h"
#include "net/tls_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stoa/log.h>

static bool is_address(const char *host) {
  struct in6_addr address;
  return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* OpenSSL forgets why a chain was refused as soon as the error queue is cleared, so the reason is stored here. */
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
  return stoa_tls_trust(ssl, ca_file);
}

static int set_checks(SSL_CTX *ssl, const struct stoa_tls_client_settings *settings) {
  if (settings->insecure) {
    SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    return STOA_OK;
  }
  SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
  int status = expect_host(ssl, settings->host);
  return status == STOA_OK ? trust(ssl, settings->ca_file) : status;
}

/* A server of several protocols must know that this is not HTTP/2 (RFC 7301). */
static int offer_protocol(SSL_CTX *ssl) {
  static const unsigned char protocols[] = "\x08http/1.1";
  return SSL_CTX_set_alpn_protos(ssl, protocols, sizeof protocols - 1) == 0 ? STOA_OK : STOA_E_MEMORY;
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

static int fill(struct stoa_tls_context *context, const struct stoa_tls_client_settings *settings) {
  if (!keep_name(context, settings->host)) {
    return STOA_E_MEMORY;
  }
  int status = set_checks(context->ssl, settings);
  if (status == STOA_OK) {
    status = offer_protocol(context->ssl);
  }
  if (status == STOA_OK && settings->certificate != NULL) {
    status = stoa_tls_use_files(context->ssl, settings->certificate, settings->key);
  }
  return status;
}

int stoa_tls_client_context_create(const struct stoa_tls_client_settings *settings,
                                   struct stoa_tls_context **out_context) {
  assert((settings->certificate == NULL) == (settings->key == NULL));
  struct stoa_tls_context *context = stoa_tls_context_begin(TLS_client_method());
  if (context == NULL) {
    return STOA_E_MEMORY;
  }
  context->is_client = true;
  int status = fill(context, settings);
  ERR_clear_error();
  if (status != STOA_OK) {
    stoa_tls_context_unref(context);
    return status;
  }
  *out_context = context;
  return STOA_OK;
}
