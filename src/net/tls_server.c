#include "net/tls_server.h"

#include "base/memory.h"
#include "net/tls_private.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stoa/log.h>

#define ARENA_BYTES_MAX (16u * 1024 * 1024 + STOA_TLS_CERTIFICATES_MAX * STOA_TLS_OCSP_BYTES_MAX)
#define CHAIN_DEPTH_MAX 8
#define ONE_GROUP_LEN_MAX 64u

static bool is_set(const char *text) {
  return text != NULL && text[0] != '\0';
}

static const char *or_default(const char *text, const char *fallback) {
  return is_set(text) ? text : fallback;
}

static int refuse(const struct stoa_tls_server_settings *settings, const char *key, const char *what,
                  const char *value) {
  char option[128];
  snprintf(option, sizeof option, "%s.%s", or_default(settings->option, "tls"), key);
  ERR_clear_error();
  stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("option", option), STOA_F_STR("value", value));
  return STOA_E_ARGUMENT;
}

/* What is agreed to. */

/* One at a time first, so that the log can name the wrong one. */
static int set_groups(SSL_CTX *ssl, const struct stoa_tls_server_settings *settings) {
  const char *groups = or_default(settings->groups, STOA_TLS_GROUPS_DEFAULT);
  for (const char *at = groups; at != NULL;) {
    char one[ONE_GROUP_LEN_MAX];
    const char *end = strchr(at, ':');
    size_t len = end == NULL ? strlen(at) : (size_t)(end - at);
    snprintf(one, sizeof one, "%.*s", (int)len, at);
    if (len >= sizeof one || SSL_CTX_set1_groups_list(ssl, one) != 1) {
      return refuse(settings, "groups", "a group that OpenSSL does not know; write names with colons between them",
                    one);
    }
    at = end == NULL ? NULL : end + 1;
  }
  return SSL_CTX_set1_groups_list(ssl, (uintptr_t)groups) == 1 /* it casts to char *, and only reads */
             ? STOA_OK
             : refuse(settings, "groups", "OpenSSL refuses the list of groups; is one in it twice?", groups);
}

static int set_ciphers(SSL_CTX *ssl, const struct stoa_tls_server_settings *settings) {
  const char *ciphers = or_default(settings->ciphers, STOA_TLS_CIPHERS_DEFAULT);
  const char *suites = or_default(settings->suites, STOA_TLS_SUITES_DEFAULT);
  if (SSL_CTX_set_cipher_list(ssl, ciphers) != 1) {
    return refuse(settings, "ciphers", "no cipher of TLS 1.2 is in the list that OpenSSL knows", ciphers);
  }
  if (SSL_CTX_set_ciphersuites(ssl, suites) != 1) {
    return refuse(settings, "suites", "a cipher suite of TLS 1.3 that OpenSSL does not know", suites);
  }
  return STOA_OK;
}

/* One ticket is enough: a client that resumes gets a new one. */
static bool set_tickets(SSL_CTX *ssl, const struct stoa_tls_server_settings *settings) {
  if (settings->no_tickets) {
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(ssl, 0) == 1;
  }
  stoa_tls_tickets_use(ssl, settings->ticket_rotation_s);
  return SSL_CTX_set_num_tickets(ssl, 1) == 1;
}

/* RFC 7301 3.2. A client that offers nothing is not asked. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                        unsigned offered_len, void *context) {
  static const char wanted[] = "http/1.1";
  (void)ssl, (void)context;
  for (unsigned at = 0; at < offered_len; at += 1u + offered[at]) {
    if (offered[at] == sizeof wanted - 1 && offered_len - at > sizeof wanted - 1 &&
        memcmp(offered + at + 1, wanted, sizeof wanted - 1) == 0) {
      *out = offered + at + 1;
      *out_len = sizeof wanted - 1;
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* SSL_CTX_set_tlsext_servername_callback(3). The contexts of all names agree to the same. */
static int on_name(SSL *ssl, int *alert, void *argument) {
  const struct stoa_tls_context *context = argument;
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == NULL) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const struct stoa_tls_certificate *certificate = stoa_tls_names_find(context, name);
  if (certificate == NULL) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return context->refuse_unknown_names ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
  }
  if (certificate->ssl != context->ssl && SSL_set_SSL_CTX(ssl, certificate->ssl) == NULL) {
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_OK;
}

static int agree(SSL_CTX *ssl, struct stoa_tls_context *context, const struct stoa_tls_server_settings *settings) {
  SSL_CTX_set_min_proto_version(ssl, settings->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_keylog_callback(ssl, stoa_tls_on_secret);
  SSL_CTX_set_max_early_data(ssl, 0); /* OpenSSL's default too: what can be replayed (RFC 8446 8) is never taken */
  SSL_CTX_set_alpn_select_cb(ssl, on_protocols, NULL);
  SSL_CTX_set_tlsext_servername_callback(ssl, on_name);
  SSL_CTX_set_tlsext_servername_arg(ssl, context);
  int status = set_groups(ssl, settings);
  if (status == STOA_OK) {
    status = set_ciphers(ssl, settings);
  }
  return status == STOA_OK && !set_tickets(ssl, settings) ? STOA_E_MEMORY : status;
}

/* Certificates of clients. */

static int verify_mode(const struct stoa_tls_server_settings *settings) {
  switch (settings->client_verify) {
    case STOA_TLS_CLIENT_VERIFY_OFF:
      return SSL_VERIFY_NONE;
    case STOA_TLS_CLIENT_VERIFY_OPTIONAL:
      return SSL_VERIFY_PEER;
    case STOA_TLS_CLIENT_VERIFY_REQUIRED:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/* A ticket is taken only by a context with the same session id context: the digest of whom it asks for what. So a
 * ticket that was given before client_verify or its authorities were changed does not get around them. */
static bool set_session_context(SSL_CTX *ssl, int mode) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned len = sizeof digest;
  EVP_MD_CTX *sum = EVP_MD_CTX_new();
  bool good =
      sum != NULL && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(sum, &mode, sizeof mode) == 1;
  const STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl));
  for (int i = 0; good && i < sk_X509_OBJECT_num(trusted); i++) {
    const X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i));
    good = authority == NULL ||
           (X509_digest(authority, EVP_sha256(), digest, &len) == 1 && EVP_DigestUpdate(sum, digest, len) == 1);
  }
  good = good && EVP_DigestFinal_ex(sum, digest, &len) == 1 && SSL_CTX_set_session_id_context(ssl, digest, len) == 1;
  EVP_MD_CTX_free(sum);
  return good;
}

static int ask_clients(SSL_CTX *ssl, const struct stoa_tls_server_settings *settings) {
  int mode = verify_mode(settings);
  if (mode != SSL_VERIFY_NONE) {
    int status = stoa_tls_trust(ssl, settings->client_ca);
    if (status != STOA_OK) {
      return status;
    }
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(settings->client_ca);
    if (names == NULL) {
      return stoa_tls_log_refusal("the CA file is not usable", settings->client_ca);
    }
    SSL_CTX_set_client_CA_list(ssl, names);
    SSL_CTX_set_verify(ssl, mode, NULL);
    SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
  }
  return set_session_context(ssl, mode) ? STOA_OK : STOA_E_MEMORY;
}

/* The context of a further certificate asks as the first one does. */
static int ask_likewise(SSL_CTX *ssl, const SSL_CTX *first, const struct stoa_tls_server_settings *settings) {
  int mode = verify_mode(settings);
  if (mode != SSL_VERIFY_NONE) {
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(first));
    if (names == NULL) {
      return STOA_E_MEMORY;
    }
    SSL_CTX_set_client_CA_list(ssl, names);
    SSL_CTX_set1_cert_store(ssl, SSL_CTX_get_cert_store(first));
    SSL_CTX_set_verify(ssl, mode, NULL);
    SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
  }
  return set_session_context(ssl, mode) ? STOA_OK : STOA_E_MEMORY;
}

/* The context. */

static int add_certificate(struct stoa_tls_context *context, const struct stoa_tls_server_settings *settings,
                           size_t index) {
  const struct stoa_tls_files *files = &settings->files[index];
  struct stoa_tls_certificate *certificate = &context->certificates[index];
  certificate->clock = settings->clock;
  certificate->ssl = index == 0 ? context->ssl : stoa_tls_ssl_create(TLS_server_method());
  if (certificate->ssl == NULL) {
    return STOA_E_MEMORY;
  }
  context->certificate_count = index + 1;
  int status = stoa_tls_use_files(certificate->ssl, files->certificate, files->key);
  if (status == STOA_OK) {
    status = agree(certificate->ssl, context, settings);
  }
  if (status == STOA_OK) {
    status =
        index == 0 ? ask_clients(certificate->ssl, settings) : ask_likewise(certificate->ssl, context->ssl, settings);
  }
  if (status == STOA_OK && is_set(files->ocsp)) {
    status = stoa_tls_ocsp_load(certificate, files->ocsp, context->arena);
  }
  return status;
}

/* Those of the context before this one go on. */
static bool take_tickets(struct stoa_tls_context *context, const struct stoa_tls_server_settings *settings) {
  const struct stoa_tls_context *previous = settings->previous;
  if (settings->no_tickets) {
    return true;
  }
  context->tickets = previous != NULL && previous->tickets != NULL
                         ? stoa_tls_tickets_ref(previous->tickets)
                         : stoa_tls_tickets_create(settings->clock, settings->ticket_rotation_s);
  return context->tickets != NULL;
}

static int fill(struct stoa_tls_context *context, const struct stoa_tls_server_settings *settings) {
  context->keeps_peer = settings->client_verify != STOA_TLS_CLIENT_VERIFY_OFF;
  context->refuse_unknown_names = settings->refuse_unknown_names;
  context->arena = stoa_arena_create(ARENA_BYTES_MAX);
  context->certificates = context->arena == NULL
                              ? NULL
                              : stoa_arena_calloc(context->arena, settings->file_count * sizeof *context->certificates);
  if (context->certificates == NULL || !take_tickets(context, settings)) {
    return STOA_E_MEMORY;
  }
  for (size_t i = 0; i < settings->file_count; i++) {
    int status = add_certificate(context, settings, i);
    if (status != STOA_OK) {
      return status;
    }
  }
  return stoa_tls_names_collect(context, settings);
}

int stoa_tls_server_context_create(const struct stoa_tls_server_settings *settings,
                                   struct stoa_tls_context **out_context) {
  struct stoa_tls_server_settings own = *settings;
  assert(own.file_count > 0 && own.file_count <= STOA_TLS_CERTIFICATES_MAX);
  assert(own.client_verify == STOA_TLS_CLIENT_VERIFY_OFF || is_set(own.client_ca));
  own.clock = own.clock == NULL ? &stoa_clock_system : own.clock;
  own.ticket_rotation_s = own.ticket_rotation_s == 0 ? STOA_TLS_TICKET_ROTATION_S_DEFAULT : own.ticket_rotation_s;
  struct stoa_tls_context *context = stoa_tls_context_begin(TLS_server_method());
  if (context == NULL) {
    return STOA_E_MEMORY;
  }
  int status = fill(context, &own);
  ERR_clear_error();
  if (status != STOA_OK) {
    stoa_tls_context_unref(context);
    return status;
  }
  if (context->tickets != NULL) {
    /* Not earlier: keys that go on must not change when the new context fails. */
    stoa_tls_tickets_set_rotation(context->tickets, own.ticket_rotation_s);
  }
  *out_context = context;
  return STOA_OK;
}
