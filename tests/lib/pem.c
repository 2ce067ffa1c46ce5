#include "pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#define HOUR_S 3600
#define DAY_S 86400

EVP_PKEY *pem_make_key(void) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  assert_non_null(key);
  return key;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  assert_non_null(extension);
  assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

X509 *pem_sign(const struct pem_request *request) {
  static long serial = 1;
  X509 *certificate = X509_new();
  assert_non_null(certificate);
  X509 *issuer = request->issuer != NULL ? request->issuer : certificate;
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -HOUR_S);
  X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_S);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             (const unsigned char *)request->name, -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, request->key);
  add_extension(certificate, issuer, NID_basic_constraints,
                request->alternatives == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (request->alternatives != NULL) {
    add_extension(certificate, issuer, NID_subject_alt_name, request->alternatives);
  }
  assert_true(X509_sign(certificate, request->issuer_key, EVP_sha256()) > 0);
  return certificate;
}

static FILE *create(const char *path) {
  umask(077);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  return file;
}

void pem_write_certificate(const char *path, X509 *certificate) {
  FILE *file = create(path);
  assert_int_equal(PEM_write_X509(file, certificate), 1);
  fclose(file);
}

void pem_write_key(const char *path, EVP_PKEY *key) {
  FILE *file = create(path);
  assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
  fclose(file);
}

void pem_write_nothing(const char *path) {
  fclose(create(path));
}
