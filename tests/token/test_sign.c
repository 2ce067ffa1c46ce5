/* Signing, writing claims, and new keys. */
#include <stdio.h>

#include "claims.stoa.h"
#include "kit.h"

static int open_kit(void **state) {
  static struct kit kit;
  kit_open(&kit);
  *state = &kit;
  return 0;
}

static int close_kit(void **state) {
  kit_close(*state);
  return 0;
}

static void expect_claims(struct kit *kit, const struct stoa_token_claims *claims, const void *visitor,
                          const char *json) {
  kit->text.len = 0;
  const struct stoa_message_type *type = visitor == NULL ? NULL : &claims_v1_visitor_type;
  assert_int_equal(stoa_token_write_claims(claims, type, visitor, &kit->text), STOA_OK);
  assert_int_equal(stoa_buffer_append(&kit->text, "", 1), STOA_OK);
  assert_string_equal((const char *)kit->text.data, json);
}

static void claims_are_written_as_json(void **state) {
  struct kit *kit = *state;
  static const struct stoa_string audiences[] = {STOA_STR("chat"), STOA_STR("a\"b")};
  const struct claims_v1_visitor visitor = {.name = STOA_STR("Ann"), .level = 7};
  struct stoa_token_claims claims = {.has_expires = false};
  expect_claims(kit, &claims, NULL, "{}");
  expect_claims(kit, &claims, &visitor, "{\"name\":\"Ann\",\"level\":\"7\"}");
  claims = (struct stoa_token_claims){.issuer = STOA_STR("me"),
                                      .subject = STOA_STR("ann"),
                                      .id = STOA_STR("1"),
                                      .audiences = audiences,
                                      .audience_count = 1,
                                      .has_expires = true,
                                      .has_not_before = true,
                                      .has_issued = true,
                                      .expires_us = INT64_C(1300000100250000),
                                      .not_before_us = INT64_C(1300000000000001),
                                      .issued_us = 0};
  expect_claims(kit, &claims, &visitor,
                "{\"iss\":\"me\",\"sub\":\"ann\",\"aud\":\"chat\",\"exp\":1300000100.25,\"nbf\":1300000000.000001,"
                "\"iat\":0,\"jti\":\"1\",\"name\":\"Ann\",\"level\":\"7\"}");
  claims.audience_count = 2;
  claims.has_not_before = claims.has_issued = false;
  claims.issuer = claims.id = stoa_string_of(NULL);
  expect_claims(kit, &claims, NULL, "{\"sub\":\"ann\",\"aud\":[\"chat\",\"a\\\"b\"],\"exp\":1300000100.25}");
}

static void what_was_written_is_read_the_same(void **state) {
  struct kit *kit = *state;
  static const struct stoa_string audiences[] = {STOA_STR("chat"), STOA_STR("admin")};
  const struct stoa_token_claims claims = {.subject = STOA_STR("ann"),
                                           .audiences = audiences,
                                           .audience_count = 2,
                                           .has_expires = true,
                                           .expires_us = INT64_C(1300000100999999)};
  struct stoa_buffer json;
  stoa_buffer_init(&json, 1024);
  assert_int_equal(stoa_token_write_claims(&claims, NULL, NULL, &json), STOA_OK);
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit->text.len = 0;
    struct stoa_string text = stoa_string_make((const char *)json.data, json.len);
    assert_int_equal(stoa_token_sign(kit->signers[a], text, &kit->text), STOA_OK);
    kit_accept(kit);
    kit_expect_string(kit->token.claims.subject, "ann");
    assert_int_equal(kit->token.claims.audience_count, 2);
    kit_expect_string(kit->token.claims.audiences[1], "admin");
    assert_int_equal(kit->token.claims.expires_us, claims.expires_us);
    assert_false(kit->token.claims.has_not_before);
  }
  stoa_buffer_fini(&json);
}

static void claims_that_cannot_be_written_leave_nothing(void **state) {
  struct kit *kit = *state;
  struct stoa_token_claims claims = {.subject = STOA_STR("ann"), .has_expires = true, .expires_us = -1};
  struct stoa_buffer json;
  stoa_buffer_init(&json, 20);
  assert_int_equal(stoa_token_write_claims(&claims, NULL, NULL, &json), STOA_E_TYPE);
  claims.expires_us = INT64_C(253402300799000001);
  assert_int_equal(stoa_token_write_claims(&claims, NULL, NULL, &json), STOA_E_TYPE);
  claims.expires_us = INT64_C(1300000100000000);
  assert_int_equal(stoa_token_write_claims(&claims, NULL, NULL, &json), STOA_E_LIMIT);
  claims.subject = stoa_string_of("\xff");
  assert_int_equal(stoa_token_write_claims(&claims, NULL, NULL, &json), STOA_E_UTF8);
  const struct stoa_message_type special = {.full_name = "google.protobuf.Struct", .special = STOA_SPECIAL_STRUCT};
  claims.subject = stoa_string_of(NULL);
  claims.has_expires = false;
  assert_int_equal(stoa_token_write_claims(&claims, &special, kit, &json), STOA_E_TYPE);
  assert_int_equal(json.len, 0);
  stoa_buffer_fini(&json);
}

static void expect_refusal(struct kit *kit, const char *claims, int status) {
  kit->text.len = 0;
  assert_int_equal(stoa_buffer_append(&kit->text, "before", 6), STOA_OK);
  assert_int_equal(stoa_token_sign(kit->signers[STOA_TOKEN_EDDSA], stoa_string_of(claims), &kit->text), status);
  assert_int_equal(kit->text.len, 6);
}

static void claims_that_nobody_would_take_are_not_signed(void **state) {
  struct kit *kit = *state;
  static char long_claims[STOA_TOKEN_CLAIMS_BYTES_MAX + 2];
  memset(long_claims, ' ', STOA_TOKEN_CLAIMS_BYTES_MAX + 1);
  memcpy(long_claims, "{}", 2);
  expect_refusal(kit, long_claims, STOA_E_LIMIT);
  expect_refusal(kit, "", STOA_E_SYNTAX);
  expect_refusal(kit, "[]", STOA_E_SYNTAX);
  expect_refusal(kit, "{\"a\":1,\"a\":1}", STOA_E_SYNTAX);
  expect_refusal(kit, "{\"exp\":\"1\"}", STOA_E_TYPE);
  expect_refusal(kit, "{\"exp\":1e400}", STOA_E_TYPE);
  expect_refusal(kit, "{\"sub\":\"\xff\"}", STOA_E_UTF8);
  struct stoa_buffer small;
  stoa_buffer_init(&small, 100);
  assert_int_equal(stoa_token_sign(kit->signers[STOA_TOKEN_EDDSA], stoa_string_of(KIT_CLAIMS), &small), STOA_E_LIMIT);
  assert_int_equal(small.len, 0);
  stoa_buffer_fini(&small);
}

static void the_kid_of_a_signer_stands_in_the_header(void **state) {
  struct kit *kit = *state;
  struct stoa_token_key_source source = kit_private(STOA_TOKEN_EDDSA);
  source.kid = stoa_string_of("a\"b");
  struct stoa_token_signer *signer = NULL;
  assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_OK);
  kit->text.len = 0;
  assert_int_equal(stoa_token_sign(signer, stoa_string_of(KIT_CLAIMS), &kit->text), STOA_OK);
  stoa_token_signer_destroy(signer);
  kit_accept(kit);
  kit_expect_string(kit->token.header_json, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"a\\\"b\"}");
  kit_expect_string(kit->token.kid, "a\"b");
}

static void a_signer_wants_a_private_key_or_a_secret(void **state) {
  (void)state;
  struct stoa_token_signer *signer;
  struct stoa_token_key_error error;
  struct stoa_token_key_source source = kit_public(STOA_TOKEN_EDDSA);
  assert_int_equal(stoa_token_signer_create(&source, &signer, &error), STOA_E_TYPE);
  assert_string_equal(error.text, "the PEM: no private key");
  source.content = kit_bytes(ENCRYPTED_PRIVATE);
  assert_int_equal(stoa_token_signer_create(&source, &signer, &error), STOA_E_SYNTAX);
  assert_string_equal(error.text, "the PEM: no private key in PEM form without a password");
  source = kit_private(STOA_TOKEN_EDDSA);
  source.algorithm = STOA_TOKEN_RS256;
  assert_int_equal(stoa_token_signer_create(&source, &signer, &error), STOA_E_TYPE);
  source = (struct stoa_token_key_source){.form = STOA_TOKEN_JWKS, .content = kit_bytes("{}")};
  assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_E_ARGUMENT);
  stoa_token_signer_destroy(NULL);
}

static void new_keys_sign_and_verify(void **state) {
  struct kit *kit = *state;
  stoa_token_keys_unref((struct stoa_token_keys *)(uintptr_t)kit->verifier.keys);
  struct stoa_token_keys *keys = NULL;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    struct stoa_buffer own, shown;
    stoa_buffer_init(&own, 8192);
    stoa_buffer_init(&shown, 8192);
    assert_int_equal(stoa_token_key_generate(a, &own, &shown), STOA_OK);
    bool is_secret = a == STOA_TOKEN_HS256;
    assert_true(is_secret == (shown.len == 0));
    struct stoa_token_key_source source = {.form = is_secret ? STOA_TOKEN_SECRET : STOA_TOKEN_PEM,
                                           .algorithm = a,
                                           .content = stoa_bytes_make(own.data, own.len)};
    struct stoa_token_signer *signer = NULL;
    assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_OK);
    source.content = is_secret ? source.content : stoa_bytes_make(shown.data, shown.len);
    stoa_token_keys_unref(keys);
    assert_int_equal(stoa_token_keys_create(&source, 1, &keys, NULL), STOA_OK);
    kit->verifier.keys = keys;
    kit->text.len = 0;
    assert_int_equal(stoa_token_sign(signer, stoa_string_of(KIT_CLAIMS), &kit->text), STOA_OK);
    kit_accept(kit);
    stoa_token_signer_destroy(signer);
    stoa_buffer_fini(&own);
    stoa_buffer_fini(&shown);
  }
}

static void a_new_key_that_does_not_fit_leaves_nothing(void **state) {
  (void)state;
  struct stoa_buffer own, shown;
  stoa_buffer_init(&own, 8192);
  stoa_buffer_init(&shown, 16);
  assert_int_equal(stoa_token_key_generate(STOA_TOKEN_NO_ALGORITHM, &own, &shown), STOA_E_ARGUMENT);
  assert_int_equal(stoa_token_key_generate(9, &own, &shown), STOA_E_ARGUMENT);
  assert_int_equal(stoa_token_key_generate(STOA_TOKEN_EDDSA, &own, &shown), STOA_E_LIMIT);
  assert_int_equal(own.len, 0);
  assert_int_equal(shown.len, 0);
  assert_int_equal(stoa_token_key_generate(STOA_TOKEN_HS256, &shown, &own), STOA_E_LIMIT);
  stoa_buffer_fini(&own);
  stoa_buffer_fini(&shown);
}

#define KIT_TEST(test) cmocka_unit_test_setup_teardown(test, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      KIT_TEST(claims_are_written_as_json),
      KIT_TEST(what_was_written_is_read_the_same),
      KIT_TEST(claims_that_cannot_be_written_leave_nothing),
      KIT_TEST(claims_that_nobody_would_take_are_not_signed),
      KIT_TEST(the_kid_of_a_signer_stands_in_the_header),
      cmocka_unit_test(a_signer_wants_a_private_key_or_a_secret),
      KIT_TEST(new_keys_sign_and_verify),
      cmocka_unit_test(a_new_key_that_does_not_fit_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
