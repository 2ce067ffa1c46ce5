#include "self_signed.h"

#include "pem.h"

#include <stdio.h>
#include <unistd.h>

void self_signed_write(struct self_signed *files, const char *what) {
  EVP_PKEY *key = pem_make_key();
  X509 *certificate =
      pem_sign(&(struct pem_request){"localhost", "DNS:localhost,IP:127.0.0.1,DNS:*.wild.example", key, NULL, key});
  snprintf(files->certificate, sizeof files->certificate, "/tmp/stoa-test-%d-%s.crt", (int)getpid(), what);
  snprintf(files->key, sizeof files->key, "/tmp/stoa-test-%d-%s.key", (int)getpid(), what);
  pem_write_certificate(files->certificate, certificate);
  pem_write_key(files->key, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

void self_signed_remove(const struct self_signed *files) {
  unlink(files->certificate);
  unlink(files->key);
}
