/* token/generate.c: new keys. */
#include "base/sys.h"
#include "token/base64url.h"
#include "token/openssl_status.h"
#include "token/pem.h"

#define RSA_BITS 3072 /* 128 bits of security, like the others (NIST SP 800-57, table 2) */

static int generate_secret(struct stoa_buffer *out_secret) {
  uint8_t bytes[STOA_TOKEN_SECRET_BYTES_MIN];
  int status = stoa_random(bytes, sizeof bytes);
  if (status == STOA_OK) {
    status = stoa_base64url_write(stoa_bytes_make(bytes, sizeof bytes), out_secret);
    stoa_secret_wipe(bytes, sizeof bytes);
  }
  return status;
}

static EVP_PKEY *generate_pkey(enum stoa_token_algorithm algorithm) {
  if (algorithm == STOA_TOKEN_RS256) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
  }
  return algorithm == STOA_TOKEN_ES256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                       : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* The private key is removed from the buffer when the public one does not fit. */
static int write_pair(EVP_PKEY *pkey, struct stoa_buffer *out_private, struct stoa_buffer *out_public) {
  size_t private_before = out_private->len;
  int status = stoa_token_pem_write(pkey, true, out_private);
  status = status == STOA_OK ? stoa_token_pem_write(pkey, false, out_public) : status;
  if (status != STOA_OK && out_private->len > private_before) {
    stoa_secret_wipe(out_private->data + private_before, out_private->len - private_before);
    out_private->len = private_before;
  }
  return status;
}

int stoa_token_key_generate(enum stoa_token_algorithm algorithm, struct stoa_buffer *out_private,
                            struct stoa_buffer *out_public) {
  if (algorithm <= STOA_TOKEN_NO_ALGORITHM || algorithm > STOA_TOKEN_EDDSA) {
    return STOA_E_ARGUMENT;
  }
  if (algorithm == STOA_TOKEN_HS256) {
    return generate_secret(out_private);
  }
  EVP_PKEY *pkey = generate_pkey(algorithm);
  if (pkey == NULL) {
    return stoa_token_openssl_status(STOA_E_SYSTEM);
  }
  int status = write_pair(pkey, out_private, out_public);
  EVP_PKEY_free(pkey);
  return status;
}
