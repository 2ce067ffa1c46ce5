#include "base/array.h"
#include "net/tls_private.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <stoa/log.h>

#define NAME_LEN_MAX 255u

static char small(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The name in small letters, in `out`. False for what is no DNS name. */
static bool read_name(const GENERAL_NAME *name, char out[NAME_LEN_MAX], size_t *out_len) {
  int kind;
  const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &kind);
  size_t len = kind == GEN_DNS ? (size_t)ASN1_STRING_length(text) : 0;
  if (len == 0 || len > NAME_LEN_MAX) {
    return false;
  }
  const char *data = (const char *)ASN1_STRING_get0_data(text);
  for (size_t i = 0; i < len; i++) {
    out[i] = small(data[i]);
  }
  *out_len = len;
  return true;
}

static int append(struct stoa_tls_context *context, size_t index, const GENERAL_NAME *name) {
  char text[NAME_LEN_MAX];
  size_t len;
  if (!read_name(name, text, &len)) {
    return STOA_OK;
  }
  int status = stoa_array_reserve(&context->sorted_names, sizeof *context->sorted_names, &context->name_capacity,
                                  context->name_count + 1, STOA_TLS_NAMES_MAX);
  struct stoa_string copy = stoa_arena_copy(context->arena, stoa_string_make(text, len));
  if (status != STOA_OK || copy.data == NULL) {
    return status != STOA_OK ? status : STOA_E_MEMORY;
  }
  context->sorted_names[context->name_count++] = (struct stoa_tls_name){copy, (uint32_t)index};
  return STOA_OK;
}

static int append_certificate(struct stoa_tls_context *context, size_t index, const char *path) {
  const X509 *certificate = SSL_CTX_get0_certificate(context->certificates[index].ssl);
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  size_t before = context->name_count;
  int status = STOA_OK;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && status == STOA_OK; i++) {
    status = append(context, index, sk_GENERAL_NAME_value(names, i));
  }
  GENERAL_NAMES_free(names);
  ERR_clear_error();
  if (status == STOA_E_LIMIT) {
    stoa_log(STOA_LOG_ERROR, "the certificates have too many names", STOA_F_STR("file", path),
             STOA_F_INT("highest", STOA_TLS_NAMES_MAX));
  }
  if (status == STOA_OK && index > 0 && context->name_count == before) {
    stoa_log(STOA_LOG_ERROR, "the certificate has no DNS name, so no client can ask for it", STOA_F_STR("file", path));
    return STOA_E_TLS;
  }
  return status;
}

static int compare_texts(struct stoa_string one, struct stoa_string other) {
  size_t len = one.len < other.len ? one.len : other.len;
  int difference = memcmp(one.data, other.data, len);
  return difference != 0 ? difference : (one.len > other.len) - (one.len < other.len);
}

/* The certificate that is listed first comes first. */
static int compare(const void *a, const void *b) {
  const struct stoa_tls_name *one = a;
  const struct stoa_tls_name *other = b;
  int difference = compare_texts(one->text, other->text);
  return difference != 0 ? difference
                         : (one->certificate > other->certificate) - (one->certificate < other->certificate);
}

int stoa_tls_names_collect(struct stoa_tls_context *context, const struct stoa_tls_server_settings *settings) {
  for (size_t i = 0; i < context->certificate_count; i++) {
    int status = append_certificate(context, i, settings->files[i].certificate);
    if (status != STOA_OK) {
      return status;
    }
  }
  context->names = stoa_arena_alloc(context->arena, context->name_count * sizeof *context->names);
  if (context->names == NULL) {
    return STOA_E_MEMORY;
  }
  for (size_t i = 0; i < context->name_count; i++) {
    context->names[i] = context->sorted_names[i].text;
  }
  if (context->name_count > 0) {
    qsort(context->sorted_names, context->name_count, sizeof *context->sorted_names, compare);
  }
  return STOA_OK;
}

/* The first one of that text. */
static const struct stoa_tls_name *find(const struct stoa_tls_context *context, struct stoa_string text) {
  size_t low = 0;
  size_t high = context->name_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_texts(context->sorted_names[middle].text, text) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  bool found = low < context->name_count && stoa_string_equal(context->sorted_names[low].text, text);
  return found ? &context->sorted_names[low] : NULL;
}

const struct stoa_tls_certificate *stoa_tls_names_find(const struct stoa_tls_context *context, const char *name) {
  char text[NAME_LEN_MAX + 1];
  size_t len = strlen(name);
  if (len == 0 || len > NAME_LEN_MAX) {
    return NULL;
  }
  for (size_t i = 0; i < len; i++) {
    text[i] = small(name[i]);
  }
  const struct stoa_tls_name *found = find(context, stoa_string_make(text, len));
  char *dot = memchr(text, '.', len);
  if (found == NULL && dot != NULL && dot > text) {
    dot[-1] = '*';
    found = find(context, stoa_string_make(dot - 1, len - (size_t)(dot - 1 - text)));
  }
  return found == NULL ? NULL : &context->certificates[found->certificate];
}

const struct stoa_string *stoa_tls_context_names(const struct stoa_tls_context *context, size_t *out_count) {
  *out_count = context->name_count;
  return context->names;
}

size_t stoa_tls_context_certificate_count(const struct stoa_tls_context *context) {
  return context->certificate_count;
}

enum stoa_tls_validity stoa_tls_context_validity(const struct stoa_tls_context *context, size_t index, int64_t now_s) {
  assert(index < context->certificate_count);
  const X509 *certificate = SSL_CTX_get0_certificate(context->certificates[index].ssl);
  time_t now = (time_t)now_s;
  if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0) {
    return STOA_TLS_NOT_YET_VALID;
  }
  return X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0 ? STOA_TLS_EXPIRED : STOA_TLS_VALID;
}
