#include "token/key.h"

#include <assert.h>
#include <openssl/core_names.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "token/ecdsa.h"
#include "token/openssl_status.h"

#define HMAC_BYTES 32
#define ED25519_BYTES 64

static EVP_MAC_CTX *keyed_mac(struct stoa_bytes secret) {
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
  EVP_MAC_CTX *mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
  EVP_MAC_free(hmac); /* the context has a reference of its own */
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  if (mac != NULL && EVP_MAC_init(mac, secret.data, secret.len, params) != 1) {
    EVP_MAC_CTX_free(mac);
    mac = NULL;
  }
  return mac;
}

int stoa_token_key_set_secret(struct stoa_token_key *key, struct stoa_bytes secret, const char **out_why) {
  if (secret.len < STOA_TOKEN_SECRET_BYTES_MIN) {
    *out_why = "a secret of less than 32 bytes";
    return STOA_E_TYPE;
  }
  if (secret.len > STOA_TOKEN_SECRET_BYTES_MAX) {
    *out_why = "a secret of more than 1024 bytes";
    return STOA_E_LIMIT;
  }
  key->algorithm = STOA_TOKEN_HS256;
  key->mac = keyed_mac(secret);
  return key->mac != NULL ? stoa_token_openssl_done(STOA_OK) : stoa_token_openssl_status(STOA_E_MEMORY);
}

/* Returns NULL when the key is fine. */
static const char *fault_of_rsa(EVP_PKEY *pkey, int *out_status) {
  int bits = EVP_PKEY_get_bits(pkey);
  *out_status = bits > STOA_TOKEN_RSA_BITS_MAX ? STOA_E_LIMIT : STOA_E_TYPE;
  if (bits < STOA_TOKEN_RSA_BITS_MIN) {
    return "an RSA key of less than 2048 bits";
  }
  return bits > STOA_TOKEN_RSA_BITS_MAX ? "an RSA key of more than 8192 bits" : NULL;
}

static const char *fault_of_curve(EVP_PKEY *pkey) {
  char name[64];
  bool is_p256 = EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) == 1 && strcmp(name, "prime256v1") == 0;
  return is_p256 ? NULL : "an elliptic curve other than P-256";
}

static const char *choose_algorithm(struct stoa_token_key *key, int *out_status) {
  *out_status = STOA_E_TYPE;
  if (EVP_PKEY_is_a(key->pkey, "RSA")) {
    key->algorithm = STOA_TOKEN_RS256;
    return fault_of_rsa(key->pkey, out_status);
  }
  if (EVP_PKEY_is_a(key->pkey, "EC")) {
    key->algorithm = STOA_TOKEN_ES256;
    return fault_of_curve(key->pkey);
  }
  if (EVP_PKEY_is_a(key->pkey, "ED25519")) {
    key->algorithm = STOA_TOKEN_EDDSA;
    return NULL;
  }
  return "a key that is neither RSA, P-256 nor Ed25519";
}

/* RSA: the modulus is odd and not a prime, the exponent odd and above 1. EC: a point on the curve, not the point at
 * infinity. */
static int check_sound(EVP_PKEY *pkey, const char **out_why) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
  if (context == NULL) {
    return stoa_token_openssl_status(STOA_E_MEMORY);
  }
  bool is_sound = EVP_PKEY_public_check(context) == 1;
  EVP_PKEY_CTX_free(context);
  if (is_sound) {
    return STOA_OK;
  }
  *out_why = "a key that is not sound";
  return stoa_token_openssl_status(STOA_E_TYPE);
}

int stoa_token_key_set_pkey(struct stoa_token_key *key, EVP_PKEY *pkey, const char **out_why) {
  int status;
  key->pkey = pkey;
  const char *fault = choose_algorithm(key, &status);
  if (fault != NULL) {
    *out_why = fault;
    return stoa_token_openssl_status(status);
  }
  status = check_sound(pkey, out_why);
  if (status != STOA_OK || key->algorithm == STOA_TOKEN_EDDSA) {
    return stoa_token_openssl_done(status);
  }
  key->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
  return key->digest != NULL ? stoa_token_openssl_done(STOA_OK) : stoa_token_openssl_status(STOA_E_MEMORY);
}

int stoa_token_key_set_kid(struct stoa_token_key *key, struct stoa_string kid) {
  if (kid.len == 0) {
    return STOA_OK;
  }
  if (kid.len > STOA_TOKEN_KID_LEN_MAX) {
    return STOA_E_LIMIT;
  }
  if (!stoa_utf8_valid(kid.data, kid.len)) {
    return STOA_E_UTF8;
  }
  char *copy = stoa_alloc(kid.len);
  if (copy == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(copy, kid.data, kid.len);
  key->kid = stoa_string_make(copy, kid.len);
  return STOA_OK;
}

/* OpenSSL overwrites its copies of a secret or a private key. */
void stoa_token_key_fini(struct stoa_token_key *key) {
  EVP_MAC_CTX_free(key->mac);
  EVP_PKEY_free(key->pkey);
  EVP_MD_free(key->digest);
  stoa_free((void *)(uintptr_t)key->kid.data);
  *key = (struct stoa_token_key){.algorithm = STOA_TOKEN_NO_ALGORITHM};
}

static int make_mac(const struct stoa_token_key *key, struct stoa_bytes input, uint8_t out_mac[HMAC_BYTES]) {
  size_t len = 0;
  EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(key->mac);
  bool is_made = mac != NULL && EVP_MAC_update(mac, input.data, input.len) == 1 &&
                 EVP_MAC_final(mac, out_mac, &len, HMAC_BYTES) == 1 && len == HMAC_BYTES;
  EVP_MAC_CTX_free(mac);
  return is_made ? STOA_OK : stoa_token_openssl_status(STOA_E_MEMORY);
}

static int verify_mac(const struct stoa_token_key *key, struct stoa_bytes input, struct stoa_bytes signature) {
  uint8_t mac[HMAC_BYTES];
  int status = make_mac(key, input, mac);
  if (status == STOA_OK && !stoa_secret_equal(stoa_bytes_make(mac, sizeof mac), signature)) {
    status = STOA_E_DENIED;
  }
  stoa_secret_wipe(mac, sizeof mac);
  return status;
}

/* A context is used only once, so OpenSSL need not copy it. */
static void finish_in_place(EVP_MD_CTX *context) {
  if (context != NULL) {
    EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE);
  }
}

/* With a valid key, the start fails only when memory is out. */
static int verify_pkey(const struct stoa_token_key *key, struct stoa_bytes input, struct stoa_bytes signature) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool is_begun = context != NULL && EVP_DigestVerifyInit(context, NULL, key->digest, NULL, key->pkey) == 1;
  finish_in_place(context);
  bool is_right = is_begun && EVP_DigestVerify(context, signature.data, signature.len, input.data, input.len) == 1;
  EVP_MD_CTX_free(context);
  return is_right ? STOA_OK : stoa_token_openssl_status(is_begun ? STOA_E_DENIED : STOA_E_MEMORY);
}

static int verify_ecdsa(const struct stoa_token_key *key, struct stoa_bytes input, struct stoa_bytes signature) {
  uint8_t der[STOA_ECDSA_DER_BYTES_MAX];
  size_t len = stoa_ecdsa_to_der(signature.data, der);
  return verify_pkey(key, input, stoa_bytes_make(der, len));
}

static size_t signature_len(const struct stoa_token_key *key) {
  switch (key->algorithm) {
    case STOA_TOKEN_HS256:
      return HMAC_BYTES;
    case STOA_TOKEN_RS256:
      return ((size_t)EVP_PKEY_get_bits(key->pkey) + 7) / 8;
    case STOA_TOKEN_ES256:
      return STOA_ECDSA_RAW_BYTES;
    case STOA_TOKEN_EDDSA:
      return ED25519_BYTES;
    case STOA_TOKEN_NO_ALGORITHM:
      break;
  }
  return SIZE_MAX;
}

int stoa_token_key_verify(const struct stoa_token_key *key, struct stoa_bytes input, struct stoa_bytes signature) {
  assert(key->algorithm != STOA_TOKEN_NO_ALGORITHM);
  if (signature.len != signature_len(key)) {
    return STOA_E_DENIED;
  }
  int status = key->algorithm == STOA_TOKEN_HS256   ? verify_mac(key, input, signature)
               : key->algorithm == STOA_TOKEN_ES256 ? verify_ecdsa(key, input, signature)
                                                    : verify_pkey(key, input, signature);
  return stoa_token_openssl_done(status);
}

static int sign_pkey(const struct stoa_token_key *key, struct stoa_bytes input, uint8_t *out_signature,
                     size_t *in_out_len) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool is_begun = context != NULL && EVP_DigestSignInit(context, NULL, key->digest, NULL, key->pkey) == 1;
  finish_in_place(context);
  bool is_made = is_begun && EVP_DigestSign(context, out_signature, in_out_len, input.data, input.len) == 1;
  EVP_MD_CTX_free(context);
  return is_made ? STOA_OK : stoa_token_openssl_status(is_begun ? STOA_E_SYSTEM : STOA_E_MEMORY);
}

static int sign_ecdsa(const struct stoa_token_key *key, struct stoa_bytes input, uint8_t *out_signature) {
  uint8_t der[STOA_ECDSA_DER_BYTES_MAX];
  size_t len = sizeof der;
  int status = sign_pkey(key, input, der, &len);
  bool is_taken = status == STOA_OK && stoa_ecdsa_from_der(stoa_bytes_make(der, len), out_signature);
  return status == STOA_OK && !is_taken ? STOA_E_MEMORY : status;
}

int stoa_token_key_sign(const struct stoa_token_key *key, struct stoa_bytes input,
                        uint8_t out_signature[STOA_TOKEN_SIGNATURE_BYTES_MAX], size_t *out_len) {
  assert(key->algorithm != STOA_TOKEN_NO_ALGORITHM);
  size_t len = signature_len(key);
  *out_len = len;
  int status = key->algorithm == STOA_TOKEN_HS256   ? make_mac(key, input, out_signature)
               : key->algorithm == STOA_TOKEN_ES256 ? sign_ecdsa(key, input, out_signature)
                                                    : sign_pkey(key, input, out_signature, out_len);
  return stoa_token_openssl_done(status);
}
