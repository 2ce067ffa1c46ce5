/* Why tokens are refused, and which are not. */
#include <openssl/bn.h>

#include "base/array.h"
#include "claims.stoa.h"
#include "kit.h"
#include "token/base64url.h"

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

static const char *const headers[] = {
    [STOA_TOKEN_HS256] = "{\"alg\":\"HS256\"}",
    [STOA_TOKEN_RS256] = "{\"alg\":\"RS256\"}",
    [STOA_TOKEN_ES256] = "{\"alg\":\"ES256\"}",
    [STOA_TOKEN_EDDSA] = "{\"alg\":\"EdDSA\"}",
};

static void what_is_signed_is_verified(void **state) {
  struct kit *kit = *state;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit_sign(kit, a, KIT_CLAIMS);
    kit_accept(kit);
    assert_int_equal(kit->token.algorithm, a);
    kit_expect_string(kit->token.claims.subject, "ann");
    kit_expect_string(kit->token.claims_json, KIT_CLAIMS);
  }
}

static void no_byte_of_a_token_can_be_changed(void **state) {
  struct kit *kit = *state;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit_sign(kit, a, KIT_CLAIMS);
    for (size_t i = 0; i < kit->text.len; i++) {
      for (unsigned bit = 1; bit < 256; bit <<= 1) {
        kit->text.data[i] = (uint8_t)(kit->text.data[i] ^ bit);
        assert_int_equal(kit_verify(kit), STOA_E_DENIED);
        assert_int_not_equal(kit->error.reason, STOA_TOKEN_FINE);
        kit->text.data[i] = (uint8_t)(kit->text.data[i] ^ bit);
      }
    }
    kit_accept(kit);
  }
}

static void a_token_that_is_cut_short_or_goes_on_is_refused(void **state) {
  struct kit *kit = *state;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit_sign(kit, a, KIT_CLAIMS);
    size_t len = kit->text.len;
    for (kit->text.len = 0; kit->text.len < len; kit->text.len++) {
      assert_int_equal(kit_verify(kit), STOA_E_DENIED);
    }
    assert_int_equal(stoa_buffer_append(&kit->text, "AAAA", 4), STOA_OK);
    kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
  }
}

static void another_key_of_the_same_algorithm_does_not_verify(void **state) {
  struct kit *kit = *state;
  static const uint8_t other[32] = {7};
  struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET, .content = {other, sizeof other}};
  struct stoa_token_signer *own = kit->signers[STOA_TOKEN_HS256];
  assert_int_equal(stoa_token_signer_create(&source, &kit->signers[STOA_TOKEN_HS256], NULL), STOA_OK);
  kit_sign(kit, STOA_TOKEN_HS256, KIT_CLAIMS);
  stoa_token_signer_destroy(kit->signers[STOA_TOKEN_HS256]);
  kit->signers[STOA_TOKEN_HS256] = own;
  kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
}

static void the_public_key_as_a_secret_of_hmac_does_not_sign(void **state) {
  struct kit *kit = *state;
  struct stoa_token_key_source public_key = kit_public(STOA_TOKEN_RS256);
  struct stoa_token_key_source confused = {.form = STOA_TOKEN_SECRET, .content = kit_bytes(RFC_RSA_PUBLIC)};
  struct stoa_token_keys *keys = NULL;
  struct stoa_token_signer *own = kit->signers[STOA_TOKEN_HS256];
  const struct stoa_token_keys *all = kit->verifier.keys;
  assert_int_equal(stoa_token_keys_create(&public_key, 1, &keys, NULL), STOA_OK);
  assert_int_equal(stoa_token_signer_create(&confused, &kit->signers[STOA_TOKEN_HS256], NULL), STOA_OK);
  kit->verifier.keys = keys;
  kit_sign(kit, STOA_TOKEN_HS256, KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_UNKNOWN_KEY);
  stoa_token_keys_unref(keys);

  public_key.kid = stoa_string_of("a");
  assert_int_equal(stoa_token_keys_create(&public_key, 1, &keys, NULL), STOA_OK);
  kit->verifier.keys = keys;
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\",\"kid\":\"a\"}", KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_ALGORITHM);
  stoa_token_keys_unref(keys);
  stoa_token_signer_destroy(kit->signers[STOA_TOKEN_HS256]);
  kit->signers[STOA_TOKEN_HS256] = own;
  kit->verifier.keys = all;
}

static void an_algorithm_of_another_name_is_refused(void **state) {
  struct kit *kit = *state;
  static const char *const names[] = {"none",   "None",   "NONE",  "hs256",        "Hs256", "HS256 ", "HS384", "HS512",
                                      "RS384",  "rs256",  "PS256", "ES384",        "ES512", "es256",  "eddsa", "EDDSA",
                                      "EdDSA ", "ES256K", "",      "HS256\\u0000", "dir",   "RSA1_5"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char header[64];
    (void)snprintf(header, sizeof header, "{\"alg\":\"%s\"}", names[i]);
    kit_make(kit, STOA_TOKEN_HS256, header, KIT_CLAIMS);
    kit_refuse(kit, STOA_TOKEN_ALGORITHM);
  }
}

/* The signature is right for the key, and the header says another algorithm. */
static void the_header_of_another_algorithm_is_refused(void **state) {
  struct kit *kit = *state;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    for (enum stoa_token_algorithm b = STOA_TOKEN_HS256; b <= STOA_TOKEN_EDDSA; b++) {
      kit_make(kit, a, headers[b], KIT_CLAIMS);
      if (a == b) {
        kit_accept(kit);
      } else {
        kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
      }
    }
  }
}

static void an_empty_signature_is_refused(void **state) {
  struct kit *kit = *state;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit_sign(kit, a, KIT_CLAIMS);
    const char *dot = strrchr((const char *)kit->text.data, '.');
    kit->text.len = (size_t)(dot + 1 - (const char *)kit->text.data);
    kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
  }
}

static void a_malformed_token_is_refused(void **state) {
  struct kit *kit = *state;
  static const char *const texts[] = {
      "", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30", "e30", "e30..", "Bearer e30.e30.e30"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal(kit_verify_text(kit, texts[i]), STOA_E_DENIED);
    assert_int_equal(kit->error.reason, STOA_TOKEN_MALFORMED);
  }
  kit_sign(kit, STOA_TOKEN_HS256, KIT_CLAIMS);
  assert_int_equal(stoa_buffer_append(&kit->text, ".AAAA", 5), STOA_OK);
  kit_refuse(kit, STOA_TOKEN_MALFORMED);
}

static void only_the_canonical_base64url_is_taken(void **state) {
  (void)state;
  static const char *const wrong[] = {"A",
                                      "AA==",
                                      "AAA=",
                                      "AB",
                                      "AAB",
                                      "AA+A",
                                      "AA/A",
                                      "A A",
                                      "AAAAA",
                                      "AAA\n",
                                      "AA\0A",
                                      "=",
                                      "AAAA=",
                                      "\xc3\xa4"
                                      "A"};
  uint8_t bytes[16];
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    size_t len = i == 10 ? 4 : strlen(wrong[i]);
    assert_false(stoa_base64url_read(stoa_string_make(wrong[i], len), bytes));
  }
  assert_true(stoa_base64url_read(stoa_string_of(""), bytes));
  assert_true(stoa_base64url_read(stoa_string_of("-_8"), bytes));
  assert_int_equal(stoa_base64url_bytes(3), 2);
  assert_memory_equal(bytes, "\xfb\xff", 2);
}

static void every_length_comes_back_from_base64url(void **state) {
  (void)state;
  uint8_t bytes[64];
  uint8_t back[66];
  for (size_t len = 0; len <= sizeof bytes; len++) {
    memset(bytes, (int)(251 - len), sizeof bytes);
    struct stoa_buffer text;
    stoa_buffer_init(&text, 128);
    assert_int_equal(stoa_base64url_write(stoa_bytes_make(bytes, len), &text), STOA_OK);
    assert_true(stoa_base64url_read(stoa_string_make((const char *)text.data, text.len), back));
    assert_int_equal(stoa_base64url_bytes(text.len), len);
    assert_memory_equal(back, bytes, len);
    stoa_buffer_fini(&text);
  }
}

static void refuse_header(struct kit *kit, const char *header, enum stoa_token_reason reason) {
  kit_make(kit, STOA_TOKEN_HS256, header, KIT_CLAIMS);
  kit_refuse(kit, reason);
}

static void a_header_that_is_not_as_it_should_be_is_refused(void **state) {
  struct kit *kit = *state;
  refuse_header(kit, "", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "[]", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "null", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":null}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":[\"HS256\"]}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":\"HS256\"", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":\"HS256\"}{}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":\"HS256\",\"kid\":7}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":\"HS256\",\"x\":\"\xff\"}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", STOA_TOKEN_CRITICAL);
  refuse_header(kit, "{\"alg\":\"HS256\",\"crit\":[]}", STOA_TOKEN_CRITICAL);
  refuse_header(kit, "{\"alg\":\"HS256\",\"cr\\u0069t\":null}", STOA_TOKEN_CRITICAL);
}

static void a_member_that_comes_twice_is_refused(void **state) {
  struct kit *kit = *state;
  refuse_header(kit, "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"alg\":\"none\",\"a\\u006cg\":\"HS256\"}", STOA_TOKEN_MALFORMED);
  refuse_header(kit, "{\"x\":1,\"alg\":\"HS256\",\"x\":2}", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"exp\":1300000200}", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"own\":1,\"own\":1}", STOA_TOKEN_MALFORMED);
}

static void members_that_mean_nothing_here_are_ignored(void **state) {
  struct kit *kit = *state;
  kit_make(
      kit, STOA_TOKEN_HS256,
      "{\"typ\":\"JWT\",\"jku\":\"https://example.org\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"},\"alg\":\"HS256\"}",
      "{\"exp\":1300000100,\"own\":{\"a\":[1,{}]}}");
  kit_accept(kit);
}

static void nesting_and_members_are_bounded(void **state) {
  struct kit *kit = *state;
  char claims[2048] = "{\"exp\":1300000100,\"a\":";
  size_t len = strlen(claims);
  memset(claims + len, '[', 31);
  memset(claims + len + 31, ']', 31);
  memcpy(claims + len + 62, "}", 2);
  kit_accept_claims(kit, claims);
  memset(claims + len, '[', 32);
  memset(claims + len + 32, ']', 32);
  memcpy(claims + len + 64, "}", 2);
  kit_refuse_claims(kit, claims, STOA_TOKEN_MALFORMED);

  len = (size_t)snprintf(claims, sizeof claims, "{\"exp\":1300000100");
  for (int i = 1; i < STOA_TOKEN_MEMBERS_MAX; i++) {
    len += (size_t)snprintf(claims + len, sizeof claims - len, ",\"%d\":1", i);
  }
  memcpy(claims + len, "}", 2);
  kit_accept_claims(kit, claims);
  memcpy(claims + len, ",\"x\":1}", 8);
  kit_refuse_claims(kit, claims, STOA_TOKEN_MALFORMED);
}

/* `{"exp":1300000100,"a":"xxx"}` of exactly this length. */
static char *long_claims(char *text, size_t len) {
  static const char begin[] = "{\"exp\":1300000100,\"a\":\"";
  memset(text, 'x', len);
  memcpy(text, begin, sizeof begin - 1);
  memcpy(text + len - 2, "\"}", 3);
  return text;
}

static void sizes_are_bounded(void **state) {
  struct kit *kit = *state;
  static char text[STOA_TOKEN_LEN_MAX * 2];
  kit_accept_claims(kit, long_claims(text, STOA_TOKEN_CLAIMS_BYTES_MAX));
  kit_refuse_claims(kit, long_claims(text, STOA_TOKEN_CLAIMS_BYTES_MAX + 1), STOA_TOKEN_TOO_LONG);

  static const char begin[] = "{\"alg\":\"HS256\",\"a\":\"";
  memset(text, 'x', STOA_TOKEN_HEADER_BYTES_MAX + 1);
  memcpy(text, begin, sizeof begin - 1);
  memcpy(text + STOA_TOKEN_HEADER_BYTES_MAX - 2, "\"}", 3);
  kit_make(kit, STOA_TOKEN_HS256, text, KIT_CLAIMS);
  kit_accept(kit);
  memcpy(text + STOA_TOKEN_HEADER_BYTES_MAX - 2, "x\"}", 4);
  refuse_header(kit, text, STOA_TOKEN_TOO_LONG);

  memset(text, '.', STOA_TOKEN_LEN_MAX + 1);
  assert_int_equal(stoa_token_verify(&kit->verifier, stoa_string_make(text, STOA_TOKEN_LEN_MAX + 1), KIT_NOW_US,
                                     kit->arena, &kit->token, &kit->error),
                   STOA_E_DENIED);
  assert_int_equal(kit->error.reason, STOA_TOKEN_TOO_LONG);
  assert_int_equal(stoa_token_verify(&kit->verifier, stoa_string_make(text, STOA_TOKEN_LEN_MAX), KIT_NOW_US, kit->arena,
                                     &kit->token, &kit->error),
                   STOA_E_DENIED);
  assert_int_equal(kit->error.reason, STOA_TOKEN_MALFORMED);
}

/* Claims whose strings all have to be copied. */
static void any_token_fits_into_an_arena_of_the_size_that_is_told(void **state) {
  struct kit *kit = *state;
  static char claims[STOA_TOKEN_CLAIMS_BYTES_MAX + 1];
  static char header[STOA_TOKEN_HEADER_BYTES_MAX + 1];
  size_t len = (size_t)snprintf(claims, sizeof claims, "{\"exp\":1300000100,\"aud\":[\"\\n\"");
  for (int i = 1; i < STOA_TOKEN_AUDIENCES_MAX; i++) {
    len += (size_t)snprintf(claims + len, sizeof claims - len, ",\"\\n\"");
  }
  len += (size_t)snprintf(claims + len, sizeof claims - len, "],\"a\":[\"\\n\"");
  while (len + 7 <= STOA_TOKEN_CLAIMS_BYTES_MAX) {
    len += (size_t)snprintf(claims + len, sizeof claims - len, ",\"\\n\"");
  }
  memcpy(claims + len, "]}", 3);
  len = (size_t)snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"a\":[\"\\n\"");
  while (len + 7 <= STOA_TOKEN_HEADER_BYTES_MAX) {
    len += (size_t)snprintf(header + len, sizeof header - len, ",\"\\n\"");
  }
  memcpy(header + len, "]}", 3);
  kit_make(kit, STOA_TOKEN_HS256, header, claims);
  kit_accept(kit);
  assert_int_equal(kit->token.claims.audience_count, STOA_TOKEN_AUDIENCES_MAX);
}

static void an_arena_that_is_too_small_is_no_fault_of_the_token(void **state) {
  struct kit *kit = *state;
  kit_sign(kit, STOA_TOKEN_HS256, "{\"sub\":\"\\n\",\"exp\":1300000100}");
  size_t used_max = stoa_arena_used(kit->arena);
  kit_accept(kit);
  used_max = stoa_arena_used(kit->arena);
  for (size_t size = 16; size < used_max; size += 16) {
    struct stoa_arena *arena = stoa_arena_create(size);
    assert_non_null(arena);
    struct stoa_string text = stoa_string_make((const char *)kit->text.data, kit->text.len);
    assert_int_equal(stoa_token_verify(&kit->verifier, text, KIT_NOW_US, arena, &kit->token, &kit->error),
                     STOA_E_LIMIT);
    assert_int_equal(kit->error.reason, STOA_TOKEN_FINE);
    stoa_arena_destroy(arena);
  }
}

static void expiry_counts_with_the_leeway(void **state) {
  struct kit *kit = *state;
  kit_accept_claims(kit, "{\"exp\":1299999971}");
  kit_accept_claims(kit, "{\"exp\":1299999970.000001}");
  kit_refuse_claims(kit, "{\"exp\":1299999970}", STOA_TOKEN_EXPIRED);
  kit->verifier.leeway_s = 0;
  kit_accept_claims(kit, "{\"exp\":1300000000.5}");
  kit_refuse_claims(kit, "{\"exp\":1300000000}", STOA_TOKEN_EXPIRED);
  kit_refuse_claims(kit, "{\"exp\":0}", STOA_TOKEN_EXPIRED);
  kit->verifier.leeway_s = UINT32_MAX;
  kit_accept_claims(kit, "{\"exp\":0}");
}

static void a_token_without_expiry_is_refused_unless_it_may_lack_it(void **state) {
  struct kit *kit = *state;
  kit_refuse_claims(kit, "{\"sub\":\"ann\"}", STOA_TOKEN_NO_EXPIRY);
  kit->verifier.may_lack_expiry = true;
  kit_accept_claims(kit, "{\"sub\":\"ann\"}");
  assert_false(kit->token.claims.has_expires);
  kit_refuse_claims(kit, "{\"exp\":1}", STOA_TOKEN_EXPIRED);
}

static void a_token_is_not_valid_before_its_time(void **state) {
  struct kit *kit = *state;
  kit_accept_claims(kit, "{\"exp\":1300000100,\"nbf\":1300000030}");
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"nbf\":1300000031}", STOA_TOKEN_NOT_YET_VALID);
  kit->verifier.leeway_s = 0;
  kit_accept_claims(kit, "{\"exp\":1300000100,\"nbf\":1300000000}");
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"nbf\":1300000000.000001}", STOA_TOKEN_NOT_YET_VALID);
}

static void dates_are_numbers_within_range(void **state) {
  struct kit *kit = *state;
  kit_accept_claims(kit, "{\"exp\":253402300799}");
  kit_accept_claims(kit, "{\"exp\":1.3000001e9}");
  assert_int_equal(kit->token.claims.expires_us, INT64_C(1300000100000000));
  kit_accept_claims(kit, "{\"exp\":1300000100.1234567890123456789012345,\"iat\":-0,\"nbf\":0.0e9}");
  assert_int_equal(kit->token.claims.expires_us, INT64_C(1300000100123456));
  assert_true(kit->token.claims.has_issued);
  static const char *const wrong[] = {
      "\"1300000100\"", "-1",   "1e400",        "253402300800", "1300000100000",
      "true",           "null", "[1300000100]", "{}",           "99999999999999999999999999",
      "-1e-400"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char claims[96];
    (void)snprintf(claims, sizeof claims, "{\"exp\":%s}", wrong[i]);
    kit_refuse_claims(kit, claims, STOA_TOKEN_BAD_CLAIM);
    assert_string_equal(kit->error.text, "exp is not a number of seconds up to the year 9999");
    (void)snprintf(claims, sizeof claims, "{\"exp\":1300000100,\"iat\":%s}", wrong[i]);
    kit_refuse_claims(kit, claims, STOA_TOKEN_BAD_CLAIM);
  }
  kit_refuse_claims(kit, "{\"exp\":013}", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "{\"exp\":1300000100.}", STOA_TOKEN_BAD_CLAIM);
  kit_refuse_claims(kit, "{\"exp\":NaN}", STOA_TOKEN_BAD_CLAIM);
}

static void a_claim_of_another_type_is_refused(void **state) {
  struct kit *kit = *state;
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"sub\":7}", STOA_TOKEN_BAD_CLAIM);
  assert_string_equal(kit->error.text, "sub is not a string");
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"iss\":null}", STOA_TOKEN_BAD_CLAIM);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"jti\":[]}", STOA_TOKEN_BAD_CLAIM);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"aud\":1}", STOA_TOKEN_BAD_CLAIM);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"aud\":[\"a\",1]}", STOA_TOKEN_BAD_CLAIM);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"sub\":\"\xff\"}", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"own\":\"\\ud800\"}", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "[]", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "", STOA_TOKEN_MALFORMED);
  kit_refuse_claims(kit, "{\"exp\":1300000100}x", STOA_TOKEN_MALFORMED);
}

static void more_audiences_than_there_may_be_are_refused(void **state) {
  struct kit *kit = *state;
  char claims[512];
  size_t len = (size_t)snprintf(claims, sizeof claims, "{\"exp\":1300000100,\"aud\":[\"a\"");
  for (int i = 0; i < STOA_TOKEN_AUDIENCES_MAX; i++) {
    len += (size_t)snprintf(claims + len, sizeof claims - len, ",\"a\"");
  }
  memcpy(claims + len, "]}", 3);
  kit_refuse_claims(kit, claims, STOA_TOKEN_BAD_CLAIM);
}

static void the_issuer_must_be_the_one_that_is_asked_for(void **state) {
  struct kit *kit = *state;
  kit_accept_claims(kit, "{\"exp\":1300000100,\"iss\":\"anybody\"}");
  kit->verifier.issuer = stoa_string_of("https://id.example.org");
  kit_accept_claims(kit, "{\"exp\":1300000100,\"iss\":\"https://id.example.org\"}");
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"iss\":\"https://id.example.org/\"}", STOA_TOKEN_WRONG_ISSUER);
  kit_refuse_claims(kit, "{\"exp\":1300000100}", STOA_TOKEN_WRONG_ISSUER);
}

static void the_audience_must_name_one_that_is_asked_for(void **state) {
  struct kit *kit = *state;
  static const struct stoa_string own[] = {STOA_STR("chat"), STOA_STR("admin")};
  kit_accept_claims(kit, "{\"exp\":1300000100,\"aud\":\"anybody\"}");
  kit->verifier.audiences = own;
  kit->verifier.audience_count = 2;
  kit_accept_claims(kit, "{\"exp\":1300000100,\"aud\":\"admin\"}");
  kit_accept_claims(kit, "{\"exp\":1300000100,\"aud\":[\"other\", \"chat\" ]}");
  kit_expect_string(kit->token.claims.audiences[1], "chat");
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"aud\":\"Chat\"}", STOA_TOKEN_WRONG_AUDIENCE);
  kit_refuse_claims(kit, "{\"exp\":1300000100,\"aud\":[ ]}", STOA_TOKEN_WRONG_AUDIENCE);
  kit_refuse_claims(kit, "{\"exp\":1300000100}", STOA_TOKEN_WRONG_AUDIENCE);
}

static void a_key_is_chosen_by_its_kid(void **state) {
  struct kit *kit = *state;
  static const uint8_t other[32] = {7};
  const struct stoa_token_key_source sources[] = {
      {.form = STOA_TOKEN_SECRET, .kid = STOA_STR("old"), .content = {other, sizeof other}},
      {.form = STOA_TOKEN_SECRET, .kid = STOA_STR("new"), .content = kit_secret()},
      {.form = STOA_TOKEN_PEM, .kid = STOA_STR("rsa"), .content = kit_bytes(RFC_RSA_PUBLIC)},
      {.form = STOA_TOKEN_PEM, .content = kit_bytes(RFC_ED_PUBLIC)},
  };
  const struct stoa_token_keys *all = kit->verifier.keys;
  struct stoa_token_keys *keys = NULL;
  assert_int_equal(stoa_token_keys_create(sources, 4, &keys, NULL), STOA_OK);
  kit->verifier.keys = keys;
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\",\"kid\":\"new\"}", KIT_CLAIMS);
  kit_accept(kit);
  kit_expect_string(kit->token.kid, "new");
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\",\"kid\":\"old\"}", KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_UNKNOWN_KEY);
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\"}", KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_UNKNOWN_KEY); /* there are two */
  kit_make(kit, STOA_TOKEN_RS256, "{\"alg\":\"RS256\"}", KIT_CLAIMS);
  kit_accept(kit);
  kit_make(kit, STOA_TOKEN_RS256, "{\"alg\":\"RS256\",\"kid\":\"other\"}", KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_UNKNOWN_KEY);
  kit_make(kit, STOA_TOKEN_EDDSA, "{\"alg\":\"EdDSA\",\"kid\":\"other\"}", KIT_CLAIMS);
  kit_accept(kit);
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", KIT_CLAIMS);
  kit_refuse(kit, STOA_TOKEN_ALGORITHM);
  stoa_token_keys_unref(keys);
  kit->verifier.keys = all;
}

/* RFC 7518 3.4 does not ask for the lower of the two s that are right. */
static void the_other_s_of_ecdsa_is_accepted_too(void **state) {
  struct kit *kit = *state;
  kit_make(kit, STOA_TOKEN_ES256, headers[STOA_TOKEN_ES256], KIT_CLAIMS);
  char *text = strrchr((char *)kit->text.data, '.') + 1;
  uint8_t raw[66];
  assert_true(stoa_base64url_read(stoa_string_of(text), raw));
  BIGNUM *order = NULL;
  BIGNUM *s = BN_bin2bn(raw + 32, 32, NULL);
  assert_int_not_equal(BN_hex2bn(&order, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), 0);
  assert_int_equal(BN_sub(s, order, s), 1);
  assert_int_equal(BN_bn2binpad(s, raw + 32, 32), 32);
  BN_free(s);
  BN_free(order);
  kit->text.len = (size_t)(text - (char *)kit->text.data);
  assert_int_equal(stoa_base64url_write(stoa_bytes_make(raw, 64), &kit->text), STOA_OK);
  kit_accept(kit);
}

/* The form of OpenSSL, and numbers that no signature has. */
static void a_signature_of_ecdsa_in_another_form_is_refused(void **state) {
  struct kit *kit = *state;
  static const uint8_t der[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};
  uint8_t raw[64];
  for (int fill = 0; fill < 256; fill += 255) {
    kit_make(kit, STOA_TOKEN_ES256, headers[STOA_TOKEN_ES256], KIT_CLAIMS);
    const char *text = strrchr((const char *)kit->text.data, '.') + 1;
    size_t begin = (size_t)(text - (const char *)kit->text.data);
    memset(raw, fill, sizeof raw);
    kit->text.len = begin;
    assert_int_equal(stoa_base64url_write(stoa_bytes_make(raw, sizeof raw), &kit->text), STOA_OK);
    kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
    kit->text.len = begin;
    assert_int_equal(stoa_base64url_write(stoa_bytes_make(der, sizeof der), &kit->text), STOA_OK);
    kit_refuse(kit, STOA_TOKEN_BAD_SIGNATURE);
  }
}

static void own_claims_are_decoded_into_a_message(void **state) {
  struct kit *kit = *state;
  struct claims_v1_visitor visitor = {0};
  struct stoa_codec_error error;
  kit_accept_claims(kit, "{\"exp\":1300000100,\"name\":\"Ann\",\"rooms\":[\"a\",\"b\"],\"other\":[{}],\"level\":7}");
  assert_int_equal(stoa_token_decode_claims(&kit->token, &claims_v1_visitor_type, kit->arena, &visitor, &error),
                   STOA_OK);
  kit_expect_string(visitor.name, "Ann");
  assert_int_equal(visitor.rooms.count, 2);
  kit_expect_string(visitor.rooms.items[1], "b");
  assert_int_equal(visitor.level, 7);
}

static int decode_own(struct kit *kit, const char *claims, struct stoa_codec_error *error) {
  struct claims_v1_visitor visitor = {0};
  kit_accept_claims(kit, claims);
  return stoa_token_decode_claims(&kit->token, &claims_v1_visitor_type, kit->arena, &visitor, error);
}

static void own_claims_of_another_type_or_against_their_rules_are_refused(void **state) {
  struct kit *kit = *state;
  struct stoa_codec_error error;
  assert_int_equal(decode_own(kit, "{\"exp\":1300000100,\"name\":7}", &error), STOA_E_TYPE);
  assert_string_equal(error.text, "name: expected string, got 7");
  assert_int_equal(decode_own(kit, "{\"exp\":1300000100,\"name\":\"a name of more than twenty\"}", &error),
                   STOA_E_TYPE);
}

static void a_token_is_taken_apart_without_a_key(void **state) {
  struct kit *kit = *state;
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"RS512\",\"kid\":\"a\"}", "{\"exp\":1,\"sub\":\"ann\"}");
  struct stoa_string text = stoa_string_make((const char *)kit->text.data, kit->text.len);
  assert_int_equal(stoa_token_decode_unverified(text, kit->arena, &kit->token, &kit->error), STOA_OK);
  assert_int_equal(kit->token.algorithm, STOA_TOKEN_NO_ALGORITHM);
  kit_expect_string(kit->token.kid, "a");
  kit_expect_string(kit->token.claims.subject, "ann");
  kit_expect_string(kit->token.header_json, "{\"alg\":\"RS512\",\"kid\":\"a\"}");
  assert_int_equal(stoa_token_decode_unverified(stoa_string_of("a.b.c"), kit->arena, &kit->token, NULL), STOA_E_DENIED);
}

static void reasons_and_algorithms_have_their_names(void **state) {
  (void)state;
  for (unsigned i = 0; i < STOA_TOKEN_REASON_COUNT; i++) {
    assert_true(strlen(stoa_token_reason_text((enum stoa_token_reason)i)) > 5);
  }
  assert_string_equal(stoa_token_reason_text(STOA_TOKEN_REASON_COUNT), "unknown reason");
  assert_string_equal(stoa_token_algorithm_name(STOA_TOKEN_EDDSA), "EdDSA");
  assert_string_equal(stoa_token_algorithm_name((enum stoa_token_algorithm)9), "none");
  assert_int_equal(stoa_token_algorithm_of(stoa_string_of("ES256")), STOA_TOKEN_ES256);
  assert_int_equal(stoa_token_algorithm_of(stoa_string_of("none")), STOA_TOKEN_NO_ALGORITHM);
}

static void secrets_are_equal_or_not(void **state) {
  (void)state;
  assert_true(stoa_secret_equal(kit_bytes("a secret"), kit_bytes("a secret")));
  assert_true(stoa_secret_equal(stoa_bytes_make(NULL, 0), stoa_bytes_make(NULL, 0)));
  assert_false(stoa_secret_equal(kit_bytes("a secret"), kit_bytes("b secret")));
  assert_false(stoa_secret_equal(kit_bytes("a secret"), kit_bytes("a secreT")));
  assert_false(stoa_secret_equal(kit_bytes("a secret"), kit_bytes("a secret1")));
  assert_false(stoa_secret_equal(kit_bytes("a secret"), stoa_bytes_make(NULL, 0)));
  char secret[] = "a secret";
  stoa_secret_wipe(secret, sizeof secret);
  assert_memory_equal(secret, "\0\0\0\0\0\0\0\0", 8);
  stoa_secret_wipe(NULL, 0);
}

#define KIT_TEST(test) cmocka_unit_test_setup_teardown(test, open_kit, close_kit)

int main(void) {
  const struct CMUnitTest tests[] = {
      KIT_TEST(what_is_signed_is_verified),
      KIT_TEST(no_byte_of_a_token_can_be_changed),
      KIT_TEST(a_token_that_is_cut_short_or_goes_on_is_refused),
      KIT_TEST(another_key_of_the_same_algorithm_does_not_verify),
      KIT_TEST(the_public_key_as_a_secret_of_hmac_does_not_sign),
      KIT_TEST(an_algorithm_of_another_name_is_refused),
      KIT_TEST(the_header_of_another_algorithm_is_refused),
      KIT_TEST(an_empty_signature_is_refused),
      KIT_TEST(a_malformed_token_is_refused),
      cmocka_unit_test(only_the_canonical_base64url_is_taken),
      cmocka_unit_test(every_length_comes_back_from_base64url),
      KIT_TEST(a_header_that_is_not_as_it_should_be_is_refused),
      KIT_TEST(a_member_that_comes_twice_is_refused),
      KIT_TEST(members_that_mean_nothing_here_are_ignored),
      KIT_TEST(nesting_and_members_are_bounded),
      KIT_TEST(sizes_are_bounded),
      KIT_TEST(any_token_fits_into_an_arena_of_the_size_that_is_told),
      KIT_TEST(an_arena_that_is_too_small_is_no_fault_of_the_token),
      KIT_TEST(expiry_counts_with_the_leeway),
      KIT_TEST(a_token_without_expiry_is_refused_unless_it_may_lack_it),
      KIT_TEST(a_token_is_not_valid_before_its_time),
      KIT_TEST(dates_are_numbers_within_range),
      KIT_TEST(a_claim_of_another_type_is_refused),
      KIT_TEST(more_audiences_than_there_may_be_are_refused),
      KIT_TEST(the_issuer_must_be_the_one_that_is_asked_for),
      KIT_TEST(the_audience_must_name_one_that_is_asked_for),
      KIT_TEST(a_key_is_chosen_by_its_kid),
      KIT_TEST(the_other_s_of_ecdsa_is_accepted_too),
      KIT_TEST(a_signature_of_ecdsa_in_another_form_is_refused),
      KIT_TEST(own_claims_are_decoded_into_a_message),
      KIT_TEST(own_claims_of_another_type_or_against_their_rules_are_refused),
      KIT_TEST(a_token_is_taken_apart_without_a_key),
      cmocka_unit_test(reasons_and_algorithms_have_their_names),
      cmocka_unit_test(secrets_are_equal_or_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
