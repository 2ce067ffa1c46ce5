/* token/key.h: one key for one algorithm: checks the key, signs and verifies bytes with it.
 *
 * Does not know: files, PEM, JSON, tokens.
 * Thread: one thread fills it; after that it is immutable, and any thread may use it.
 */
#ifndef STOA_TOKEN_KEY_H
#define STOA_TOKEN_KEY_H

#include <openssl/evp.h>
#include <stoa/token.h>

#define STOA_TOKEN_SIGNATURE_BYTES_MAX (STOA_TOKEN_RSA_BITS_MAX / 8)

struct stoa_token_key {
  enum stoa_token_algorithm algorithm;
  struct stoa_string kid; /* owned; data NULL: none */
  EVP_PKEY *pkey;         /* owned; NULL for HS256 */
  EVP_MAC_CTX *mac;       /* owned, keyed, copied for each use; NULL for the others */
  EVP_MD *digest;         /* owned; NULL for HS256 and EdDSA, which need none */
};

/* Fill a zeroed key for HS256. The secret is copied.
 * Errors: STOA_E_TYPE  too short; STOA_E_LIMIT  too long; STOA_E_MEMORY. *out_why is set, static, unless memory is out.
 */
int stoa_token_key_set_secret(struct stoa_token_key *key, struct stoa_bytes secret, const char **out_why);

/* Fill a zeroed key for the algorithm of the type of `pkey`, and check it.
 *
 * pkey    owned by the key from now on, also after an error
 * Errors: STOA_E_TYPE  another type or curve, too short, or not valid (such as a point that is not on the curve);
 *         STOA_E_LIMIT  too long; STOA_E_MEMORY. *out_why as above */
int stoa_token_key_set_pkey(struct stoa_token_key *key, EVP_PKEY *pkey, const char **out_why);

/* Errors: STOA_E_UTF8; STOA_E_LIMIT  more than STOA_TOKEN_KID_LEN_MAX bytes; STOA_E_MEMORY */
int stoa_token_key_set_kid(struct stoa_token_key *key, struct stoa_string kid);

/* A zeroed key is fine. */
void stoa_token_key_fini(struct stoa_token_key *key);

/* Errors: STOA_E_DENIED  not signed by this key, or the signature is not of the algorithm's length; STOA_E_MEMORY */
int stoa_token_key_verify(const struct stoa_token_key *key, struct stoa_bytes input, struct stoa_bytes signature);

/* The key must be private, or a secret. Errors: STOA_E_MEMORY; STOA_E_SYSTEM  OpenSSL has no random bytes, or no memory
 * without reporting it */
int stoa_token_key_sign(const struct stoa_token_key *key, struct stoa_bytes input,
                        uint8_t out_signature[STOA_TOKEN_SIGNATURE_BYTES_MAX], size_t *out_len);

#endif
