/* token/jwk_write.c: writes the public keys of a set as a JWK Set. */
#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "codec/json_write.h"
#include "token/base64url.h"
#include "token/keys.h"
#include "token/openssl_status.h"

#define COORDINATE_BYTES 32

static int write_plain(struct stoa_buffer *out, const char *text) {
  return stoa_buffer_append(out, text, strlen(text));
}

/* `,"name":"base64url of the bytes"` */
static int write_bytes(struct stoa_buffer *out, const char *name, struct stoa_bytes bytes) {
  int status = write_plain(out, ",\"");
  status = status == STOA_OK ? write_plain(out, name) : status;
  status = status == STOA_OK ? write_plain(out, "\":\"") : status;
  status = status == STOA_OK ? stoa_base64url_write(bytes, out) : status;
  return status == STOA_OK ? write_plain(out, "\"") : status;
}

/* A number in as few bytes as possible, or in `len` bytes when `len` is not 0. */
static int write_number(struct stoa_buffer *out, const char *name, const EVP_PKEY *pkey, const char *param,
                        size_t len) {
  BIGNUM *number = NULL;
  uint8_t bytes[STOA_TOKEN_RSA_BITS_MAX / 8];
  if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1) {
    return stoa_token_openssl_status(STOA_E_MEMORY);
  }
  size_t own_len = (size_t)BN_num_bytes(number);
  size_t padded = len == 0 ? own_len : len;
  bool is_put = padded <= sizeof bytes && BN_bn2binpad(number, bytes, (int)padded) == (int)padded;
  BN_free(number);
  return is_put ? write_bytes(out, name, stoa_bytes_make(bytes, padded)) : STOA_E_LIMIT;
}

static int write_rsa(struct stoa_buffer *out, const EVP_PKEY *pkey) {
  int status = write_plain(out, "\"kty\":\"RSA\"");
  status = status == STOA_OK ? write_number(out, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0) : status;
  return status == STOA_OK ? write_number(out, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0) : status;
}

static int write_ec(struct stoa_buffer *out, const EVP_PKEY *pkey) {
  int status = write_plain(out, "\"kty\":\"EC\",\"crv\":\"P-256\"");
  status = status == STOA_OK ? write_number(out, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE_BYTES) : status;
  return status == STOA_OK ? write_number(out, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE_BYTES) : status;
}

static int write_okp(struct stoa_buffer *out, const EVP_PKEY *pkey) {
  uint8_t point[COORDINATE_BYTES];
  size_t len = sizeof point;
  if (EVP_PKEY_get_raw_public_key(pkey, point, &len) != 1) {
    return stoa_token_openssl_status(STOA_E_MEMORY);
  }
  int status = write_plain(out, "\"kty\":\"OKP\",\"crv\":\"Ed25519\"");
  return status == STOA_OK ? write_bytes(out, "x", stoa_bytes_make(point, len)) : status;
}

static int write_type(struct stoa_buffer *out, const struct stoa_token_key *key) {
  if (key->algorithm == STOA_TOKEN_RS256) {
    return write_rsa(out, key->pkey);
  }
  return key->algorithm == STOA_TOKEN_ES256 ? write_ec(out, key->pkey) : write_okp(out, key->pkey);
}

static int write_kid(struct stoa_buffer *out, const struct stoa_token_key *key) {
  static const struct stoa_json_options options = STOA_JSON_DEFAULTS;
  struct stoa_json_writer writer = {.out = out, .options = &options};
  if (key->kid.len == 0) {
    return STOA_OK;
  }
  int status = write_plain(out, ",\"kid\":");
  return status == STOA_OK ? stoa_json_write_string(&writer, &key->kid) : status;
}

static int write_key(struct stoa_buffer *out, const struct stoa_token_key *key, bool is_first) {
  int status = write_plain(out, is_first ? "{" : ",{");
  status = status == STOA_OK ? write_type(out, key) : status;
  status = status == STOA_OK ? write_plain(out, ",\"use\":\"sig\",\"alg\":\"") : status;
  status = status == STOA_OK ? write_plain(out, stoa_token_algorithm_name(key->algorithm)) : status;
  status = status == STOA_OK ? write_plain(out, "\"") : status;
  status = status == STOA_OK ? write_kid(out, key) : status;
  return status == STOA_OK ? write_plain(out, "}") : status;
}

int stoa_token_keys_write(const struct stoa_token_keys *keys, struct stoa_buffer *out_json) {
  size_t len_before = out_json->len;
  bool is_first = true;
  int status = write_plain(out_json, "{\"keys\":[");
  for (size_t i = 0; i < keys->count && status == STOA_OK; i++) {
    if (keys->items[i].algorithm != STOA_TOKEN_HS256) {
      status = write_key(out_json, &keys->items[i], is_first);
      is_first = false;
    }
  }
  status = status == STOA_OK ? write_plain(out_json, "]}") : status;
  if (status != STOA_OK) {
    out_json->len = len_before;
  }
  return status;
}
