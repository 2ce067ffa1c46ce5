/* The examples of RFC 7515 (appendix A and E), RFC 7519 (3.1) and RFC 8037 (appendix A). */
#include "kit.h"
#include "token/base64url.h"
#include "token/keys.h"
#include "token/parts.h"
#include "token/signer.h"

#define RFC_CLAIMS "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC_A1                                           \
  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS \
  "."                                                    \
  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define RFC_A2                                                                                                      \
  "eyJhbGciOiJSUzI1NiJ9." RFC_CLAIMS                                                                                \
  "."                                                                                                               \
  "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"                           \
  "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQ"                                                                             \
  "jbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-" \
  "eOkHWEsqt"                                                                                                       \
  "FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RFC_A3                       \
  "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS \
  "."                                \
  "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC_A5 "eyJhbGciOiJub25lIn0." RFC_CLAIMS "."
#define RFC_E                                                                                                          \
  "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRk" \
  "lORUQ"                                                                                                              \
  "iOnRydWUNCn0.RkFJTA."
#define RFC_8037_A4                                           \
  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." \
  "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static void accept_rfc(struct kit *kit, const char *text, enum stoa_token_algorithm algorithm) {
  assert_int_equal(kit_verify_text(kit, text), STOA_OK);
  assert_int_equal(kit->token.algorithm, algorithm);
  kit_expect_string(kit->token.claims.issuer, "joe");
  assert_true(kit->token.claims.has_expires);
  assert_int_equal(kit->token.claims.expires_us, INT64_C(1300819380000000));
}

static void the_tokens_of_rfc_7515_are_verified(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  accept_rfc(&kit, RFC_A1, STOA_TOKEN_HS256);
  kit_expect_string(kit.token.header_json, "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}");
  accept_rfc(&kit, RFC_A2, STOA_TOKEN_RS256);
  accept_rfc(&kit, RFC_A3, STOA_TOKEN_ES256);
  kit_close(&kit);
}

static void the_keys_of_the_rfcs_as_a_jwks_verify_their_tokens(void **state) {
  (void)state;
  static const char jwks[] =
      "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" RFC_SECRET_BASE64URL "\"},{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N
      "\",\"e\":\"AQAB\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y
      "\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "\"}]}";
  struct kit kit;
  kit_open(&kit);
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_JWKS, .content = kit_bytes(jwks)};
  struct stoa_token_keys *keys = NULL;
  struct stoa_token_key_error error;
  assert_int_equal(stoa_token_keys_create(&source, 1, &keys, &error), STOA_OK);
  assert_int_equal(stoa_token_keys_count(keys), 4);
  stoa_token_keys_unref((struct stoa_token_keys *)(uintptr_t)kit.verifier.keys);
  kit.verifier.keys = keys;
  accept_rfc(&kit, RFC_A1, STOA_TOKEN_HS256);
  accept_rfc(&kit, RFC_A2, STOA_TOKEN_RS256);
  accept_rfc(&kit, RFC_A3, STOA_TOKEN_ES256);
  kit_sign(&kit, STOA_TOKEN_EDDSA, KIT_CLAIMS);
  kit_accept(&kit);
  kit_close(&kit);
}

static void an_unsecured_token_is_refused(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  assert_int_equal(kit_verify_text(&kit, RFC_A5), STOA_E_DENIED);
  assert_int_equal(kit.error.reason, STOA_TOKEN_ALGORITHM);
  kit_close(&kit);
}

static void the_critical_extension_of_rfc_7515_e_is_refused(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  assert_int_equal(kit_verify_text(&kit, RFC_E), STOA_E_DENIED);
  assert_int_equal(kit.error.reason, STOA_TOKEN_CRITICAL);
  kit_close(&kit);
}

/* Its payload is no JSON, so it is no token: the signature alone is looked at. */
static void the_signature_of_rfc_8037_is_verified_and_made(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  struct stoa_token_parts parts;
  struct stoa_bytes signature;
  assert_int_equal(stoa_token_parts_split(stoa_string_of(RFC_8037_A4), &parts, &kit.error), STOA_OK);
  assert_int_equal(stoa_token_part_decode(parts.signature, "", kit.arena, &signature, &kit.error), STOA_OK);
  const struct stoa_token_key *key = stoa_token_keys_choose(kit.verifier.keys, STOA_TOKEN_EDDSA, stoa_string_of(NULL));
  assert_non_null(key);
  assert_int_equal(stoa_token_key_verify(key, parts.signed_bytes, signature), STOA_OK);
  uint8_t made[STOA_TOKEN_SIGNATURE_BYTES_MAX];
  size_t len;
  assert_int_equal(stoa_token_key_sign(&kit.signers[STOA_TOKEN_EDDSA]->key, parts.signed_bytes, made, &len), STOA_OK);
  assert_true(stoa_bytes_equal(stoa_bytes_make(made, len), signature));
  kit_close(&kit);
}

/* HMAC and RSA make the same signature each time. */
static void the_signatures_of_rfc_7515_are_made_again(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  static const char claims[] = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
  kit_make(&kit, STOA_TOKEN_HS256, "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", claims);
  assert_string_equal((const char *)kit.text.data, RFC_A1);
  kit_make(&kit, STOA_TOKEN_RS256, "{\"alg\":\"RS256\"}", claims);
  assert_string_equal((const char *)kit.text.data, RFC_A2);
  kit_close(&kit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tokens_of_rfc_7515_are_verified),
      cmocka_unit_test(the_keys_of_the_rfcs_as_a_jwks_verify_their_tokens),
      cmocka_unit_test(an_unsecured_token_is_refused),
      cmocka_unit_test(the_critical_extension_of_rfc_7515_e_is_refused),
      cmocka_unit_test(the_signature_of_rfc_8037_is_verified_and_made),
      cmocka_unit_test(the_signatures_of_rfc_7515_are_made_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
