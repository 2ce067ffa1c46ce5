/* token/jwk_key.c: makes a key from an entry of a JWK Set. */
#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "token/base64url.h"
#include "token/jwk.h"
#include "token/openssl_status.h"

#define MODULUS_BYTES_MAX (STOA_TOKEN_RSA_BITS_MAX / 8 + 1)
#define EXPONENT_BYTES_MAX 8
#define COORDINATE_BYTES 32
#define POINT_UNCOMPRESSED 0x04 /* SEC 1 2.3.3 */

static bool is_text(struct stoa_string text, const char *word) {
  return stoa_string_equal(text, stoa_string_of(word));
}

static bool is_for_verifying(const struct stoa_jwk *jwk) {
  bool may_verify = jwk->key_ops.count == 0;
  for (size_t i = 0; i < jwk->key_ops.count; i++) {
    may_verify = may_verify || is_text(jwk->key_ops.items[i], "verify");
  }
  return may_verify && (jwk->use.len == 0 || is_text(jwk->use, "sig"));
}

/* The algorithm by type alone. With an alg, stoa_jwk_key() checks the curve of EC and OKP. */
static enum stoa_token_algorithm type_algorithm(const struct stoa_jwk *jwk) {
  if (is_text(jwk->kty, "oct")) {
    return STOA_TOKEN_HS256;
  }
  if (is_text(jwk->kty, "RSA")) {
    return STOA_TOKEN_RS256;
  }
  if (is_text(jwk->kty, "EC")) {
    return jwk->alg.len > 0 || is_text(jwk->crv, "P-256") ? STOA_TOKEN_ES256 : STOA_TOKEN_NO_ALGORITHM;
  }
  if (is_text(jwk->kty, "OKP")) {
    return is_text(jwk->crv, "Ed25519") ? STOA_TOKEN_EDDSA : STOA_TOKEN_NO_ALGORITHM;
  }
  return STOA_TOKEN_NO_ALGORITHM;
}

enum stoa_token_algorithm stoa_jwk_algorithm(const struct stoa_jwk *jwk) {
  bool has_other_alg = jwk->alg.len > 0 && stoa_token_algorithm_of(jwk->alg) == STOA_TOKEN_NO_ALGORITHM;
  return has_other_alg || !is_for_verifying(jwk) ? STOA_TOKEN_NO_ALGORITHM : type_algorithm(jwk);
}

/* Decode a member into a buffer of `bytes_max` bytes. */
static int read_member(struct stoa_string text, const char *what, size_t bytes_max, uint8_t *out_bytes, size_t *out_len,
                       const char **out_why) {
  size_t len = stoa_base64url_bytes(text.len);
  *out_why = what;
  if (len == 0) {
    return STOA_E_TYPE;
  }
  if (len > bytes_max) {
    return STOA_E_LIMIT;
  }
  uint8_t bytes[MODULUS_BYTES_MAX + STOA_TOKEN_SECRET_BYTES_MAX + 2];
  assert(len + 2 <= sizeof bytes);
  bool is_read = stoa_base64url_read(text, bytes);
  if (is_read) {
    memcpy(out_bytes, bytes, len);
    *out_len = len;
  }
  stoa_secret_wipe(bytes, len + 2);
  return is_read ? STOA_OK : STOA_E_SYNTAX;
}

static int make_oct(const struct stoa_jwk *jwk, struct stoa_token_key *key, const char **out_why) {
  uint8_t secret[STOA_TOKEN_SECRET_BYTES_MAX];
  size_t len = 0;
  int status = read_member(jwk->k, "\"k\" is missing, no base64url or too long", sizeof secret, secret, &len, out_why);
  if (status == STOA_OK) {
    status = stoa_token_key_set_secret(key, stoa_bytes_make(secret, len), out_why);
    stoa_secret_wipe(secret, len);
  }
  return status;
}

/* Takes ownership of the builder; NULL is fine, then `is_filled` is false. */
static int make_pkey(OSSL_PARAM_BLD *builder, bool is_filled, const char *type, struct stoa_token_key *key,
                     const char **out_why) {
  OSSL_PARAM *params = is_filled ? OSSL_PARAM_BLD_to_param(builder) : NULL;
  EVP_PKEY_CTX *context = params == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  bool is_begun = context != NULL && EVP_PKEY_fromdata_init(context) == 1;
  EVP_PKEY *pkey = NULL;
  bool is_made = is_begun && EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  if (is_made) {
    return stoa_token_key_set_pkey(key, pkey, out_why);
  }
  *out_why = "a key that is not sound";
  return stoa_token_openssl_status(is_begun ? STOA_E_TYPE : STOA_E_MEMORY);
}

static int make_rsa(const struct stoa_jwk *jwk, struct stoa_token_key *key, const char **out_why) {
  uint8_t n[MODULUS_BYTES_MAX];
  uint8_t e[EXPONENT_BYTES_MAX];
  size_t n_len = 0;
  size_t e_len = 0;
  int status = read_member(jwk->n, "\"n\" is missing, no base64url or too long", sizeof n, n, &n_len, out_why);
  status = status == STOA_OK
               ? read_member(jwk->e, "\"e\" is missing, no base64url or too long", sizeof e, e, &e_len, out_why)
               : status;
  if (status != STOA_OK) {
    return status;
  }
  BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL);
  BIGNUM *exponent = BN_bin2bn(e, (int)e_len, NULL);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  bool is_filled = modulus != NULL && exponent != NULL && builder != NULL &&
                   OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
                   OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1;
  status = make_pkey(builder, is_filled, "RSA", key, out_why);
  BN_free(modulus);
  BN_free(exponent);
  return status;
}

/* RFC 7518 6.2.1.2: a coordinate has the full length of the curve, including leading zeros. */
static int read_coordinate(struct stoa_string text, const char *what, uint8_t *out_bytes, const char **out_why) {
  size_t len = 0;
  int status = read_member(text, what, COORDINATE_BYTES, out_bytes, &len, out_why);
  return status == STOA_OK && len != COORDINATE_BYTES ? STOA_E_TYPE : status;
}

static int make_ec(const struct stoa_jwk *jwk, struct stoa_token_key *key, const char **out_why) {
  uint8_t point[1 + 2 * COORDINATE_BYTES] = {POINT_UNCOMPRESSED};
  if (!is_text(jwk->crv, "P-256")) {
    *out_why = "\"crv\" is not P-256";
    return STOA_E_TYPE;
  }
  int status = read_coordinate(jwk->x, "\"x\" is not 32 bytes in base64url", point + 1, out_why);
  status = status == STOA_OK
               ? read_coordinate(jwk->y, "\"y\" is not 32 bytes in base64url", point + 1 + COORDINATE_BYTES, out_why)
               : status;
  if (status != STOA_OK) {
    return status;
  }
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  bool is_filled = builder != NULL &&
                   OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
                   OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1;
  return make_pkey(builder, is_filled, "EC", key, out_why);
}

static int make_okp(const struct stoa_jwk *jwk, struct stoa_token_key *key, const char **out_why) {
  uint8_t point[COORDINATE_BYTES];
  int status = read_coordinate(jwk->x, "\"x\" is not 32 bytes in base64url", point, out_why);
  if (status != STOA_OK) {
    return status;
  }
  EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, point, sizeof point);
  return pkey != NULL ? stoa_token_key_set_pkey(key, pkey, out_why) : stoa_token_openssl_status(STOA_E_MEMORY);
}

static int make_key(const struct stoa_jwk *jwk, enum stoa_token_algorithm algorithm, struct stoa_token_key *key,
                    const char **out_why) {
  switch (algorithm) {
    case STOA_TOKEN_HS256:
      return make_oct(jwk, key, out_why);
    case STOA_TOKEN_RS256:
      return make_rsa(jwk, key, out_why);
    case STOA_TOKEN_ES256:
      return make_ec(jwk, key, out_why);
    case STOA_TOKEN_EDDSA:
      return make_okp(jwk, key, out_why);
    case STOA_TOKEN_NO_ALGORITHM:
      break;
  }
  *out_why = "a key of a type that is not known";
  return STOA_E_TYPE;
}

int stoa_jwk_key(const struct stoa_jwk *jwk, struct stoa_token_key *key, const char **out_why) {
  enum stoa_token_algorithm algorithm = stoa_jwk_algorithm(jwk);
  if (jwk->alg.len > 0 && stoa_token_algorithm_of(jwk->alg) != algorithm) {
    *out_why = "\"alg\" and \"kty\" contradict each other";
    return STOA_E_TYPE;
  }
  if (algorithm != STOA_TOKEN_HS256 && jwk->d.len > 0) {
    *out_why = "a private key; take \"d\" and what is private besides out of this file";
    return STOA_E_TYPE;
  }
  int status = make_key(jwk, algorithm, key, out_why);
  if (status != STOA_OK) {
    return status;
  }
  *out_why = "\"kid\" is too long";
  return stoa_token_key_set_kid(key, jwk->kid);
}
