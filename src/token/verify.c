/* token/verify.c: verifies tokens. The signature is checked before the claims: unsigned claims are not parsed. */
#include <assert.h>

#include "token/base64url.h"
#include "token/keys.h"
#include "token/parts.h"
#include "token/reason.h"

#define US_PER_S 1000000

static int choose_key(const struct stoa_token_keys *keys, const struct stoa_token *token,
                      const struct stoa_token_key **out_key, struct stoa_token_error *error) {
  if (token->algorithm == STOA_TOKEN_NO_ALGORITHM) {
    return stoa_token_refuse(error, STOA_TOKEN_ALGORITHM, NULL);
  }
  const struct stoa_token_key *key = stoa_token_keys_choose(keys, token->algorithm, token->kid);
  if (key == NULL) {
    return stoa_token_refuse(error, STOA_TOKEN_UNKNOWN_KEY, NULL);
  }
  if (key->algorithm != token->algorithm) {
    return stoa_token_refuse(error, STOA_TOKEN_ALGORITHM, "the algorithm is not that of the key");
  }
  *out_key = key;
  return STOA_OK;
}

static int check_signature(const struct stoa_token_key *key, const struct stoa_token_parts *parts,
                           struct stoa_arena *arena, struct stoa_token_error *error) {
  if (stoa_base64url_bytes(parts->signature.len) > STOA_TOKEN_SIGNATURE_BYTES_MAX) {
    return stoa_token_refuse(error, STOA_TOKEN_BAD_SIGNATURE, NULL);
  }
  struct stoa_bytes signature;
  int status = stoa_token_part_decode(parts->signature, "the signature is not base64url", arena, &signature, error);
  status = status == STOA_OK ? stoa_token_key_verify(key, parts->signed_bytes, signature) : status;
  bool is_wrong = status == STOA_E_DENIED && error->reason == STOA_TOKEN_FINE;
  return is_wrong ? stoa_token_refuse(error, STOA_TOKEN_BAD_SIGNATURE, NULL) : status;
}

static int check_dates(const struct stoa_token_verifier *verifier, const struct stoa_token_claims *claims,
                       int64_t now_us, struct stoa_token_error *error) {
  int64_t leeway_us = (int64_t)verifier->leeway_s * US_PER_S;
  if (!claims->has_expires && !verifier->may_lack_expiry) {
    return stoa_token_refuse(error, STOA_TOKEN_NO_EXPIRY, NULL);
  }
  if (claims->has_expires && now_us >= claims->expires_us + leeway_us) {
    return stoa_token_refuse(error, STOA_TOKEN_EXPIRED, NULL);
  }
  if (claims->has_not_before && now_us < claims->not_before_us - leeway_us) {
    return stoa_token_refuse(error, STOA_TOKEN_NOT_YET_VALID, NULL);
  }
  return STOA_OK;
}

static bool has_audience(const struct stoa_token_verifier *verifier, const struct stoa_token_claims *claims) {
  for (size_t i = 0; i < claims->audience_count; i++) {
    for (size_t j = 0; j < verifier->audience_count; j++) {
      if (stoa_string_equal(claims->audiences[i], verifier->audiences[j])) {
        return true;
      }
    }
  }
  return verifier->audience_count == 0;
}

static int check_claims(const struct stoa_token_verifier *verifier, const struct stoa_token_claims *claims,
                        int64_t now_us, struct stoa_token_error *error) {
  int status = check_dates(verifier, claims, now_us, error);
  if (status != STOA_OK) {
    return status;
  }
  if (verifier->issuer.len > 0 && !stoa_string_equal(verifier->issuer, claims->issuer)) {
    return stoa_token_refuse(error, STOA_TOKEN_WRONG_ISSUER, NULL);
  }
  return has_audience(verifier, claims) ? STOA_OK : stoa_token_refuse(error, STOA_TOKEN_WRONG_AUDIENCE, NULL);
}

/* Parse a token. Without a verifier its signature is not checked. */
static int read_token(const struct stoa_token_verifier *verifier, struct stoa_string text, struct stoa_arena *arena,
                      struct stoa_token *token, struct stoa_token_error *error) {
  *error = (struct stoa_token_error){STOA_TOKEN_FINE, stoa_token_reason_text(STOA_TOKEN_FINE)};
  struct stoa_token_parts parts;
  const struct stoa_token_key *key = NULL;
  int status = stoa_token_parts_split(text, &parts, error);
  status = status == STOA_OK ? stoa_token_header_read(&parts, arena, token, error) : status;
  if (verifier != NULL) {
    status = status == STOA_OK ? choose_key(verifier->keys, token, &key, error) : status;
    status = status == STOA_OK ? check_signature(key, &parts, arena, error) : status;
  }
  return status == STOA_OK ? stoa_token_payload_read(&parts, arena, token, error) : status;
}

int stoa_token_verify(const struct stoa_token_verifier *verifier, struct stoa_string text, int64_t now_us,
                      struct stoa_arena *arena, struct stoa_token *out_token, struct stoa_token_error *out_error) {
  assert(verifier->keys != NULL);
  struct stoa_token_error ignored;
  struct stoa_token_error *error = out_error == NULL ? &ignored : out_error;
  struct stoa_token token = {.algorithm = STOA_TOKEN_NO_ALGORITHM};
  int status = read_token(verifier, text, arena, &token, error);
  status = status == STOA_OK ? check_claims(verifier, &token.claims, now_us, error) : status;
  if (status == STOA_OK) {
    *out_token = token;
  }
  return status;
}

int stoa_token_decode_unverified(struct stoa_string text, struct stoa_arena *arena, struct stoa_token *out_token,
                                 struct stoa_token_error *out_error) {
  struct stoa_token_error ignored;
  struct stoa_token token = {.algorithm = STOA_TOKEN_NO_ALGORITHM};
  int status = read_token(NULL, text, arena, &token, out_error == NULL ? &ignored : out_error);
  if (status == STOA_OK) {
    *out_token = token;
  }
  return status;
}

int stoa_token_decode_claims(const struct stoa_token *token, const struct stoa_message_type *type,
                             struct stoa_arena *arena, void *out_message, struct stoa_codec_error *out_error) {
  struct stoa_bytes json = stoa_bytes_make(token->claims_json.data, token->claims_json.len);
  int status = stoa_codec_json.decode(type, json, arena, out_message, out_error);
  return status == STOA_OK ? stoa_message_check(type, out_message, out_error) : status;
}
