/* tests/lib/pem.h: keys and certificates of a test's own, and PEM files of them. Every failure is one of the test. */
#ifndef TESTS_LIB_PEM_H
#define TESTS_LIB_PEM_H

#include <openssl/x509.h>
#include <stddef.h>

struct pem_request {
  const char *name;         /* common name */
  const char *alternatives; /* "DNS:localhost,IP:127.0.0.1"; NULL: an authority */
  EVP_PKEY *key;
  X509 *issuer;         /* NULL: the certificate itself */
  EVP_PKEY *issuer_key; /* signs */
};

/* An EC key. The caller frees it. */
EVP_PKEY *pem_make_key(void);
/* A certificate that is valid from an hour ago for a day. The caller frees it. */
X509 *pem_sign(const struct pem_request *request);

/* Files that only this user can read. */
void pem_write_certificate(const char *path, X509 *certificate);
void pem_write_key(const char *path, EVP_PKEY *key);
void pem_write_nothing(const char *path);

#endif
