#include "authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who a certificate is for, and who has signed it. */
struct paper {
  const char *name;
  const char *alternatives; /* NULL: an authority */
  EVP_PKEY *key;
  X509 *issuer; /* NULL: itself */
  EVP_PKEY *issuer_key;
};

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  assert_non_null(extension);
  assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

static X509 *sign(const struct paper *paper) {
  static long serial = 1;
  X509 *certificate = X509_new();
  X509 *issuer = paper->issuer != NULL ? paper->issuer : certificate;
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)paper->name,
                             -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, paper->key);
  add_extension(certificate, issuer, NID_basic_constraints,
                paper->alternatives == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (paper->alternatives != NULL) {
    add_extension(certificate, issuer, NID_subject_alt_name, paper->alternatives);
  }
  assert_true(X509_sign(certificate, paper->issuer_key, EVP_sha256()) > 0);
  return certificate;
}

static FILE *create(char path[96], const char *folder, const char *name) {
  snprintf(path, 96, "%s/%s", folder, name);
  umask(077);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  return file;
}

static void write_certificate(char path[96], const char *folder, const char *name, X509 *certificate) {
  FILE *file = create(path, folder, name);
  assert_int_equal(PEM_write_X509(file, certificate), 1);
  fclose(file);
}

static void write_key(char path[96], const char *folder, EVP_PKEY *key) {
  FILE *file = create(path, folder, "key.pem");
  assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
  fclose(file);
}

void authority_make(struct authority *authority) {
  snprintf(authority->folder, sizeof authority->folder, "/tmp/stoa-client-XXXXXX");
  assert_non_null(mkdtemp(authority->folder));
  EVP_PKEY *ca_key = EVP_EC_gen("P-256");
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *ca = sign(&(struct paper){"Test authority", NULL, ca_key, NULL, ca_key});
  X509 *other = sign(&(struct paper){"Another authority", NULL, key, NULL, key});
  X509 *own = sign(&(struct paper){"localhost", "DNS:localhost,IP:127.0.0.1", key, ca, ca_key});
  X509 *stranger = sign(&(struct paper){"stranger", "DNS:stranger.example,IP:192.0.2.1", key, ca, ca_key});
  write_certificate(authority->ca, authority->folder, "ca.pem", ca);
  write_certificate(authority->other_ca, authority->folder, "other.pem", other);
  write_certificate(authority->certificate, authority->folder, "own.pem", own);
  write_certificate(authority->stranger, authority->folder, "stranger.pem", stranger);
  write_key(authority->key, authority->folder, key);
  fclose(create(authority->empty, authority->folder, "empty.pem"));
  X509_free(ca);
  X509_free(other);
  X509_free(own);
  X509_free(stranger);
  EVP_PKEY_free(ca_key);
  EVP_PKEY_free(key);
}

void authority_remove(const struct authority *authority) {
  const char *const paths[] = {authority->ca,          authority->other_ca, authority->empty,
                               authority->certificate, authority->stranger, authority->key};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    unlink(paths[i]);
  }
  rmdir(authority->folder);
}
