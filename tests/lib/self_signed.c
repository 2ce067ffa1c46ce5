#include "self_signed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *create(char path[64], const char *what, const char *ending) {
  snprintf(path, 64, "/tmp/stoa-test-%d-%s.%s", (int)getpid(), what, ending);
  umask(077);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  return file;
}

static void add_names(X509 *x509) {
  X509_EXTENSION *names =
      X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,DNS:*.wild.example");
  assert_non_null(names);
  assert_int_equal(X509_add_ext(x509, names, -1), 1);
  X509_EXTENSION_free(names);
}

static X509 *sign(EVP_PKEY *pkey) {
  X509 *x509 = X509_new();
  assert_non_null(x509);
  X509_NAME *name = X509_get_subject_name(x509);
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
  X509_set_pubkey(x509, pkey);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
  X509_set_issuer_name(x509, name);
  add_names(x509);
  assert_true(X509_sign(x509, pkey, EVP_sha256()) > 0);
  return x509;
}

void self_signed_write(struct self_signed *files, const char *what) {
  EVP_PKEY *pkey = EVP_EC_gen("P-256");
  X509 *x509 = sign(pkey);
  FILE *file = create(files->certificate, what, "crt");
  assert_int_equal(PEM_write_X509(file, x509), 1);
  fclose(file);
  file = create(files->key, what, "key");
  assert_int_equal(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
  fclose(file);
  X509_free(x509);
  EVP_PKEY_free(pkey);
}

void self_signed_remove(const struct self_signed *files) {
  unlink(files->certificate);
  unlink(files->key);
}
