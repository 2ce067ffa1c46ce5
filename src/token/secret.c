/* token/secret.c: compares and overwrites secrets. */
#include <openssl/crypto.h>
#include <stoa/token.h>

bool stoa_secret_equal(struct stoa_bytes a, struct stoa_bytes b) {
  return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

void stoa_secret_wipe(void *data, size_t len) {
  if (len > 0) {
    OPENSSL_cleanse(data, len);
  }
}
