#include "base/memory.h"
#include "net/tls_private.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

/* A name of that kind; empty for another kind, and for text that is not ASCII: with a NUL in it, it would be another
 * name for who reads it as a string of C. */
static struct stoa_string text_of(const GENERAL_NAME *name, int kind) {
  int own_kind;
  const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &own_kind);
  if (own_kind != kind) {
    return stoa_string_make(NULL, 0);
  }
  const char *data = (const char *)ASN1_STRING_get0_data(value);
  size_t len = (size_t)ASN1_STRING_length(value);
  for (size_t i = 0; i < len; i++) {
    if (data[i] < ' ' || data[i] > '~') {
      return stoa_string_make(NULL, 0);
    }
  }
  return stoa_string_make(data, len);
}

static void measure(const GENERAL_NAMES *names, int kind, size_t *count, size_t *text_len) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    size_t len = text_of(sk_GENERAL_NAME_value(names, i), kind).len;
    *count += len > 0 ? 1 : 0;
    *text_len += len;
  }
}

static char *copy_text(char *at, struct stoa_string text, struct stoa_string *out) {
  memcpy(at, text.data, text.len);
  *out = stoa_string_make(at, text.len);
  return at + text.len;
}

static char *copy_names(const GENERAL_NAMES *names, int kind, struct stoa_string *out, char *at) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    struct stoa_string text = text_of(sk_GENERAL_NAME_value(names, i), kind);
    if (text.len > 0) {
      at = copy_text(at, text, out++);
    }
  }
  return at;
}

/* The struct, the lists of names and their text in one block. */
static struct stoa_certificate *make(const X509 *certificate, struct stoa_string subject, const GENERAL_NAMES *names) {
  size_t dns_count = 0;
  size_t uri_count = 0;
  size_t text_len = subject.len;
  measure(names, GEN_DNS, &dns_count, &text_len);
  measure(names, GEN_URI, &uri_count, &text_len);
  size_t lists_len = (dns_count + uri_count) * sizeof(struct stoa_string);
  struct stoa_certificate *made = stoa_calloc(1, sizeof *made + lists_len + text_len);
  if (made == NULL) {
    return NULL;
  }
  struct stoa_string *list = (struct stoa_string *)(void *)(made + 1);
  char *at = (char *)(list + dns_count + uri_count);
  char *end = at + text_len;
  at = copy_text(at, subject, &made->subject);
  at = copy_names(names, GEN_DNS, list, at);
  at = copy_names(names, GEN_URI, list + dns_count, at);
  assert(at == end);
  (void)end;
  made->dns_names = list;
  made->dns_name_count = dns_count;
  made->uris = list + dns_count;
  made->uri_count = uri_count;
  unsigned len = sizeof made->sha256;
  if (X509_digest(certificate, EVP_sha256(), made->sha256, &len) != 1) {
    stoa_free(made);
    return NULL;
  }
  return made;
}

int stoa_tls_peer_read(SSL *ssl, struct stoa_certificate **out_peer) {
  /* RFC 2253, but characters beyond ASCII stay what they are. */
  static const unsigned long style = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
  X509 *certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == NULL) {
    return STOA_OK;
  }
  if (SSL_get_verify_result(ssl) != X509_V_OK) {
    return STOA_E_TLS;
  }
  int kind_of_failure;
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &kind_of_failure, NULL);
  if (names == NULL && kind_of_failure != -1) {
    ERR_clear_error();
    return STOA_E_TLS; /* -1: there are none. Names that cannot be read must not pass for none */
  }
  BIO *text = BIO_new(BIO_s_mem());
  bool good = text != NULL && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, style) >= 0;
  char *data = NULL;
  long len = good ? BIO_get_mem_data(text, &data) : 0;
  struct stoa_certificate *peer = good ? make(certificate, stoa_string_make(data, (size_t)len), names) : NULL;
  GENERAL_NAMES_free(names);
  BIO_free(text);
  ERR_clear_error();
  if (peer == NULL) {
    return STOA_E_MEMORY;
  }
  *out_peer = peer;
  return STOA_OK;
}
