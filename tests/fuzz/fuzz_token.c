/* Tokens and key sets, after a byte that chooses what the input is: a token, a header, claims, or a JWKS. */
#include <stoa/token.h>
#include <string.h>

#include "must.h"
#include "token/base64url.h"
#include "token/key.h"
#include "token/parts.h"
#include "token/signer.h"

#define NOW_US INT64_C(1300000000000000)

static const uint8_t secret[] = "a secret that is known to everyone";
static struct stoa_token_signer *signer;
static struct stoa_token_verifier verifier = STOA_TOKEN_VERIFIER_DEFAULTS;

static void begin(void) {
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET, .content = {secret, sizeof secret}};
  struct stoa_token_keys *keys = NULL;
  if (signer == NULL) {
    must(stoa_token_signer_create(&source, &signer, NULL) == STOA_OK);
    must(stoa_token_keys_create(&source, 1, &keys, NULL) == STOA_OK);
    verifier.keys = keys;
    verifier.may_lack_expiry = true;
  }
}

static int verify(struct stoa_bytes text, struct stoa_arena *arena, struct stoa_token *token,
                  struct stoa_token_error *error) {
  int status =
      stoa_token_verify(&verifier, stoa_string_make((const char *)text.data, text.len), NOW_US, arena, token, error);
  must(status == STOA_OK || status == STOA_E_DENIED); /* the arena is large enough for all */
  must((status == STOA_OK) == (error->reason == STOA_TOKEN_FINE));
  return status;
}

/* What is not verified by its key is hardly ever verified by chance; without a key both ways read the same. */
static void try_token(struct stoa_bytes text, struct stoa_arena *arena) {
  struct stoa_token token, same;
  struct stoa_token_error error;
  int status = verify(text, arena, &token, &error);
  enum stoa_token_reason reason = error.reason;
  stoa_arena_reset(arena);
  int unverified =
      stoa_token_decode_unverified(stoa_string_make((const char *)text.data, text.len), arena, &same, &error);
  must(unverified == STOA_OK || unverified == STOA_E_DENIED);
  must(status != STOA_OK || unverified == STOA_OK);
  must(reason != STOA_TOKEN_TOO_LONG || error.reason == STOA_TOKEN_TOO_LONG);
}

/* A token that our key signed, whatever its header and claims say. */
static void make(struct stoa_bytes header, struct stoa_bytes claims, struct stoa_buffer *out) {
  uint8_t signature[STOA_TOKEN_SIGNATURE_BYTES_MAX];
  size_t len = 0;
  must(stoa_base64url_write(header, out) == STOA_OK);
  must(stoa_buffer_append(out, ".", 1) == STOA_OK);
  must(stoa_base64url_write(claims, out) == STOA_OK);
  must(stoa_token_key_sign(&signer->key, stoa_bytes_make(out->data, out->len), signature, &len) == STOA_OK);
  must(stoa_buffer_append(out, ".", 1) == STOA_OK);
  must(stoa_base64url_write(stoa_bytes_make(signature, len), out) == STOA_OK);
}

static void try_header(struct stoa_bytes header, struct stoa_arena *arena) {
  struct stoa_buffer text;
  struct stoa_token token;
  struct stoa_token_error error;
  stoa_buffer_init(&text, (size_t)1 << 22);
  make(header, stoa_bytes_make("{}", 2), &text);
  int status = verify(stoa_bytes_make(text.data, text.len), arena, &token, &error);
  must(status != STOA_OK || token.algorithm == STOA_TOKEN_HS256);
  must(error.reason != STOA_TOKEN_BAD_SIGNATURE);
  stoa_buffer_fini(&text);
}

/* What one side signs the other reads, and what is written of it reads the same. */
static void try_claims(struct stoa_bytes claims, struct stoa_arena *arena) {
  static const char header[] = "{\"alg\":\"HS256\"}";
  struct stoa_buffer text, signed_text, json;
  struct stoa_token token;
  struct stoa_token_error error;
  stoa_buffer_init(&text, (size_t)1 << 22);
  stoa_buffer_init(&signed_text, STOA_TOKEN_LEN_MAX);
  stoa_buffer_init(&json, (size_t)1 << 16);
  make(stoa_bytes_make(header, sizeof header - 1), claims, &text);
  (void)verify(stoa_bytes_make(text.data, text.len), arena, &token, &error);
  bool is_read =
      error.reason == STOA_TOKEN_FINE || error.reason == STOA_TOKEN_EXPIRED || error.reason == STOA_TOKEN_NOT_YET_VALID;
  int status = stoa_token_sign(signer, stoa_string_make((const char *)claims.data, claims.len), &signed_text);
  must(is_read == (status == STOA_OK));
  if (error.reason == STOA_TOKEN_FINE) {
    must(stoa_token_write_claims(&token.claims, NULL, NULL, &json) == STOA_OK);
    text.len = 0;
    make(stoa_bytes_make(header, sizeof header - 1), stoa_bytes_make(json.data, json.len), &text);
    struct stoa_token same;
    must(verify(stoa_bytes_make(text.data, text.len), arena, &same, &error) == STOA_OK ||
         error.reason == STOA_TOKEN_TOO_LONG);
    must(error.reason != STOA_TOKEN_FINE || (same.claims.expires_us == token.claims.expires_us &&
                                             stoa_string_equal(same.claims.subject, token.claims.subject) &&
                                             same.claims.audience_count == token.claims.audience_count));
  }
  stoa_buffer_fini(&json);
  stoa_buffer_fini(&signed_text);
  stoa_buffer_fini(&text);
}

/* What is taken is written, and taken again. */
static void try_keys(struct stoa_bytes content, enum stoa_token_key_form form) {
  struct stoa_token_key_source source = {.form = form, .content = content};
  struct stoa_token_keys *keys = NULL;
  struct stoa_token_key_error error;
  if (stoa_token_keys_create(&source, 1, &keys, &error) != STOA_OK) {
    must(error.text[0] != '\0');
    return;
  }
  struct stoa_buffer json;
  stoa_buffer_init(&json, (size_t)1 << 20);
  must(stoa_token_keys_write(keys, &json) == STOA_OK);
  stoa_token_keys_unref(keys);
  keys = NULL;
  source = (struct stoa_token_key_source){.form = STOA_TOKEN_JWKS, .content = {json.data, json.len}};
  int status = stoa_token_keys_create(&source, 1, &keys, &error);
  must(status == STOA_OK || (status == STOA_E_NOT_FOUND && json.len == strlen("{\"keys\":[]}")) ||
       status == STOA_E_LIMIT);
  stoa_token_keys_unref(keys);
  stoa_buffer_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  begin();
  if (len == 0) {
    return 0;
  }
  struct stoa_arena *arena = stoa_arena_create(2 * STOA_TOKEN_ARENA_BYTES);
  must(arena != NULL);
  struct stoa_bytes input = stoa_bytes_make(data + 1, len - 1);
  switch (data[0] % 5) {
    case 0:
      try_token(input, arena);
      break;
    case 1:
      try_header(input, arena);
      break;
    case 2:
      try_claims(input, arena);
      break;
    case 3:
      try_keys(input, STOA_TOKEN_JWKS);
      break;
    default:
      try_keys(input, STOA_TOKEN_PEM);
      break;
  }
  stoa_arena_destroy(arena);
  return 0;
}
