#include "net/tls_private.h"

#include <openssl/x509v3.h>

static struct stoa_string name_text(const GENERAL_NAME *name) {
  int kind;
  const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &kind);
  if (kind != GEN_DNS || ASN1_STRING_length(text) <= 0) {
    return stoa_string_make(NULL, 0);
  }
  return stoa_string_make((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

static int copy_names(const GENERAL_NAMES *names, struct stoa_arena *arena, const struct stoa_string **out_names,
                      size_t *out_count) {
  size_t name_count = (size_t)sk_GENERAL_NAME_num(names);
  struct stoa_string *copies = stoa_arena_calloc(arena, (name_count + 1) * sizeof *copies);
  size_t count = 0;
  for (size_t i = 0; copies != NULL && i < name_count; i++) {
    struct stoa_string text = name_text(sk_GENERAL_NAME_value(names, (int)i));
    if (text.len == 0) {
      continue;
    }
    copies[count] = stoa_arena_copy(arena, text);
    if (copies[count].data == NULL) {
      return STOA_E_MEMORY;
    }
    count++;
  }
  if (copies == NULL) {
    return STOA_E_MEMORY;
  }
  *out_names = copies;
  *out_count = count;
  return STOA_OK;
}

int stoa_tls_context_names(const struct stoa_tls_context *context, struct stoa_arena *arena,
                           const struct stoa_string **out_names, size_t *out_count) {
  const X509 *certificate = SSL_CTX_get0_certificate(context->ssl);
  GENERAL_NAMES *names = certificate != NULL ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
  if (names == NULL) {
    *out_names = NULL;
    *out_count = 0;
    return STOA_OK;
  }
  int status = copy_names(names, arena, out_names, out_count);
  GENERAL_NAMES_free(names);
  return status;
}

enum stoa_tls_validity stoa_tls_context_validity(const struct stoa_tls_context *context, int64_t now_s) {
  const X509 *certificate = SSL_CTX_get0_certificate(context->ssl);
  time_t now = (time_t)now_s;
  if (certificate == NULL) {
    return STOA_TLS_VALID;
  }
  if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0) {
    return STOA_TLS_NOT_YET_VALID;
  }
  return X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0 ? STOA_TLS_EXPIRED : STOA_TLS_VALID;
}
