#include "authority.h"

#include "pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unistd.h>

#define PATH_LEN 96

static const char *path_of(char path[PATH_LEN], const char *folder, const char *name) {
  snprintf(path, PATH_LEN, "%s/%s", folder, name);
  return path;
}

void authority_make(struct authority *authority) {
  const char *folder = authority->folder;
  snprintf(authority->folder, sizeof authority->folder, "/tmp/stoa-client-XXXXXX");
  assert_non_null(mkdtemp(authority->folder));
  EVP_PKEY *ca_key = pem_make_key();
  EVP_PKEY *key = pem_make_key();
  X509 *ca = pem_sign(&(struct pem_request){"Test authority", NULL, ca_key, NULL, ca_key});
  X509 *other = pem_sign(&(struct pem_request){"Another authority", NULL, key, NULL, key});
  X509 *own = pem_sign(&(struct pem_request){"localhost", "DNS:localhost,IP:127.0.0.1", key, ca, ca_key});
  X509 *stranger = pem_sign(&(struct pem_request){"stranger", "DNS:stranger.example,IP:192.0.2.1", key, ca, ca_key});
  pem_write_certificate(path_of(authority->ca, folder, "ca.pem"), ca);
  pem_write_certificate(path_of(authority->other_ca, folder, "other.pem"), other);
  pem_write_certificate(path_of(authority->certificate, folder, "own.pem"), own);
  pem_write_certificate(path_of(authority->stranger, folder, "stranger.pem"), stranger);
  pem_write_key(path_of(authority->key, folder, "key.pem"), key);
  pem_write_nothing(path_of(authority->empty, folder, "empty.pem"));
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
