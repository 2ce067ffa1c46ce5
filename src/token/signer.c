/* token/signer.c: makes a token from claims. */
#include "token/signer.h"

#include "base/memory.h"
#include "codec/json_write.h"
#include "token/base64url.h"
#include "token/claims.h"

void stoa_token_signer_destroy(struct stoa_token_signer *signer) {
  if (signer != NULL) {
    stoa_token_key_fini(&signer->key);
    stoa_free(signer);
  }
}

/* Claims that stoa_token_verify() would refuse are not signed. */
static int check_claims(struct stoa_string claims_json) {
  if (claims_json.len > STOA_TOKEN_CLAIMS_BYTES_MAX) {
    return STOA_E_LIMIT;
  }
  struct stoa_arena *arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  if (arena == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_token_claims claims;
  const char *ignored = NULL;
  int status = stoa_token_claims_read(claims_json, arena, &claims, &ignored);
  stoa_arena_destroy(arena);
  return status;
}

/* `{"alg":"HS256","typ":"JWT","kid":"a"}`. A kid of 255 bytes that are all escaped takes 1530 bytes of JSON, which is
 * refused.
 */
static int write_header(const struct stoa_token_key *key, struct stoa_buffer *out_json) {
  static const struct stoa_json_options options = STOA_JSON_DEFAULTS;
  static const struct stoa_string alg = STOA_STR("{\"alg\":\""), typ = STOA_STR("\",\"typ\":\"JWT\""),
                                  kid = STOA_STR(",\"kid\":");
  struct stoa_json_writer writer = {.out = out_json, .options = &options};
  const char *name = stoa_token_algorithm_name(key->algorithm);
  int status = stoa_json_write_text(&writer, alg.data, alg.len);
  status = status == STOA_OK ? stoa_json_write_text(&writer, name, strlen(name)) : status;
  status = status == STOA_OK ? stoa_json_write_text(&writer, typ.data, typ.len) : status;
  if (status == STOA_OK && key->kid.len > 0) {
    status = stoa_json_write_text(&writer, kid.data, kid.len);
    status = status == STOA_OK ? stoa_json_write_string(&writer, &key->kid) : status;
  }
  return status == STOA_OK ? stoa_json_write_char(&writer, '}') : status;
}

static int append_header(const struct stoa_token_key *key, struct stoa_buffer *out_token) {
  struct stoa_buffer json;
  stoa_buffer_init(&json, STOA_TOKEN_HEADER_BYTES_MAX);
  int status = write_header(key, &json);
  status = status == STOA_OK ? stoa_base64url_write(stoa_bytes_make(json.data, json.len), out_token) : status;
  stoa_buffer_fini(&json);
  return status == STOA_OK ? stoa_buffer_append(out_token, ".", 1) : status;
}

static int append_signature(const struct stoa_token_key *key, size_t begin, struct stoa_buffer *out_token) {
  uint8_t signature[STOA_TOKEN_SIGNATURE_BYTES_MAX];
  size_t len = 0;
  struct stoa_bytes input = stoa_bytes_make(out_token->data + begin, out_token->len - begin);
  int status = stoa_token_key_sign(key, input, signature, &len);
  status = status == STOA_OK ? stoa_buffer_append(out_token, ".", 1) : status;
  return status == STOA_OK ? stoa_base64url_write(stoa_bytes_make(signature, len), out_token) : status;
}

int stoa_token_sign(const struct stoa_token_signer *signer, struct stoa_string claims_json,
                    struct stoa_buffer *out_token) {
  int status = check_claims(claims_json);
  if (status != STOA_OK) {
    return status;
  }
  size_t begin = out_token->len;
  struct stoa_bytes claims = stoa_bytes_make(claims_json.data, claims_json.len);
  status = append_header(&signer->key, out_token);
  status = status == STOA_OK ? stoa_base64url_write(claims, out_token) : status;
  status = status == STOA_OK ? append_signature(&signer->key, begin, out_token) : status;
  if (status != STOA_OK) {
    out_token->len = begin;
  }
  return status;
}
