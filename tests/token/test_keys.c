/* Which keys are taken, and what is said of the others. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/sys.h"
#include "kit.h"
#include "token/keys.h"

static struct stoa_token_key_error error;

static int create(const struct stoa_token_key_source *sources, size_t count) {
  struct stoa_token_keys *keys = NULL;
  int status = stoa_token_keys_create(sources, count, &keys, &error);
  assert_true((status == STOA_OK) == (keys != NULL));
  assert_true((status == STOA_OK) == (error.text[0] == '\0'));
  assert_int_equal(ERR_peek_error(), 0);
  stoa_token_keys_unref(keys);
  return status;
}

static void refuse(const struct stoa_token_key_source *source, int status, const char *text) {
  int actual = create(source, 1);
  assert_string_equal(error.text, text);
  assert_int_equal(actual, status);
}

static void refuse_pem(const char *pem, int status, const char *text) {
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_PEM, .content = kit_bytes(pem)};
  refuse(&source, status, text);
}

static struct stoa_token_key_source jwks_of(const char *json) {
  return (struct stoa_token_key_source){.form = STOA_TOKEN_JWKS, .content = kit_bytes(json)};
}

static void refuse_jwks(const char *json, int status, const char *text) {
  const struct stoa_token_key_source source = jwks_of(json);
  refuse(&source, status, text);
}

/* The number of keys that a JWKS gives. */
static void expect_count(const char *json, size_t count) {
  const struct stoa_token_key_source source = jwks_of(json);
  struct stoa_token_keys *keys = NULL;
  int status = stoa_token_keys_create(&source, 1, &keys, &error);
  assert_string_equal(error.text, "");
  assert_int_equal(status, STOA_OK);
  assert_int_equal(stoa_token_keys_count(keys), count);
  stoa_token_keys_unref(keys);
}

static void a_source_must_be_one(void **state) {
  (void)state;
  struct stoa_token_key_source source = kit_public(STOA_TOKEN_HS256);
  assert_int_equal(create(NULL, 0), STOA_E_ARGUMENT);
  source.form = 0;
  assert_int_equal(create(&source, 1), STOA_E_ARGUMENT);
  source.form = STOA_TOKEN_SECRET;
  source.algorithm = 9;
  assert_int_equal(create(&source, 1), STOA_E_ARGUMENT);
  source = jwks_of("{\"keys\":[]}");
  source.kid = stoa_string_of("a");
  assert_int_equal(create(&source, 1), STOA_E_ARGUMENT);
}

static void a_secret_has_32_to_1024_bytes(void **state) {
  (void)state;
  static const uint8_t bytes[STOA_TOKEN_SECRET_BYTES_MAX + 1];
  struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET, .content = {bytes, 31}};
  refuse(&source, STOA_E_TYPE, "the secret: a secret of less than 32 bytes");
  source.content.len = 32;
  assert_int_equal(create(&source, 1), STOA_OK);
  source.content.len = STOA_TOKEN_SECRET_BYTES_MAX;
  assert_int_equal(create(&source, 1), STOA_OK);
  source.content.len++;
  refuse(&source, STOA_E_LIMIT, "the secret: a secret of more than 1024 bytes");
}

static void keys_of_other_kinds_are_refused(void **state) {
  (void)state;
  refuse_pem(RSA_1024_PUBLIC, STOA_E_TYPE, "the PEM: an RSA key of less than 2048 bits");
  refuse_pem(P384_PUBLIC, STOA_E_TYPE, "the PEM: an elliptic curve other than P-256");
  refuse_pem(ED448_PUBLIC, STOA_E_TYPE, "the PEM: a key that is neither RSA, P-256 nor Ed25519");
}

static void what_is_no_public_key_in_pem_is_refused(void **state) {
  (void)state;
  refuse_pem("", STOA_E_SYNTAX, "the PEM: no key in PEM form");
  refuse_pem("a secret that somebody took for a key", STOA_E_SYNTAX, "the PEM: no key in PEM form");
  refuse_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", STOA_E_SYNTAX,
             "the PEM: no public key in PEM form");
  refuse_pem(RFC_ED_PUBLIC RFC_EC_PUBLIC, STOA_E_SYNTAX, "the PEM: more than one key in PEM form");
  refuse_pem(RFC_ED_PRIVATE, STOA_E_TYPE,
             "the PEM: a private key; write its public half into this file, as `openssl pkey -pubout` does");
}

static void a_key_for_another_algorithm_than_asked_for_is_refused(void **state) {
  (void)state;
  struct stoa_token_key_source source = kit_public(STOA_TOKEN_EDDSA);
  source.algorithm = STOA_TOKEN_ES256;
  refuse(&source, STOA_E_TYPE, "the PEM: a key for another algorithm than the one that is asked for");
  source.algorithm = STOA_TOKEN_EDDSA;
  assert_int_equal(create(&source, 1), STOA_OK);
}

static void a_kid_is_utf8_and_at_most_255_bytes(void **state) {
  (void)state;
  static char kid[256];
  memset(kid, 'k', sizeof kid);
  struct stoa_token_key_source source = kit_public(STOA_TOKEN_HS256);
  source.kid = stoa_string_make(kid, 255);
  assert_int_equal(create(&source, 1), STOA_OK);
  source.kid.len++;
  refuse(&source, STOA_E_LIMIT, "the secret: the kid is longer than 255 bytes, or not UTF-8");
  source.kid = stoa_string_of("\xff");
  refuse(&source, STOA_E_UTF8, "the secret: the kid is longer than 255 bytes, or not UTF-8");
}

static void a_kid_comes_once(void **state) {
  (void)state;
  struct stoa_token_key_source sources[] = {kit_public(STOA_TOKEN_HS256), kit_public(STOA_TOKEN_EDDSA)};
  sources[0].kid = sources[1].kid = stoa_string_of("a");
  assert_int_equal(create(sources, 2), STOA_E_EXISTS);
  assert_string_equal(error.text, "the PEM: this kid was there before");
  refuse_jwks("{\"keys\":[{\"kty\":\"OKP\",\"kid\":\"a\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X
              "\"},{\"kty\":\"EC\",\"kid\":\"a\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y "\"}]}",
              STOA_E_EXISTS, "the JWKS: keys[1] (kid \"a\"): this kid was there before");
}

static void of_an_algorithm_one_key_has_no_kid(void **state) {
  (void)state;
  struct stoa_token_key_source sources[] = {kit_public(STOA_TOKEN_HS256), kit_public(STOA_TOKEN_HS256)};
  assert_int_equal(create(sources, 2), STOA_E_EXISTS);
  assert_string_equal(error.text, "the secret: a second key for its algorithm without a kid");
  sources[1].kid = stoa_string_of("a");
  assert_int_equal(create(sources, 2), STOA_OK);
}

static void a_set_has_64_keys_at_most(void **state) {
  (void)state;
  struct stoa_token_key_source sources[STOA_TOKEN_KEYS_MAX + 1];
  char kids[STOA_TOKEN_KEYS_MAX + 1][4];
  for (size_t i = 0; i <= STOA_TOKEN_KEYS_MAX; i++) {
    sources[i] = kit_public(STOA_TOKEN_HS256);
    (void)snprintf(kids[i], sizeof kids[i], "%zu", i);
    sources[i].kid = stoa_string_of(kids[i]);
  }
  assert_int_equal(create(sources, STOA_TOKEN_KEYS_MAX), STOA_OK);
  assert_int_equal(create(sources, STOA_TOKEN_KEYS_MAX + 1), STOA_E_LIMIT);
  assert_string_equal(error.text, "the secret: more than 64 keys");
}

#define ED_ENTRY(members) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "\"" members "}"

static void entries_of_a_jwks_that_are_not_for_us_are_left_out(void **state) {
  (void)state;
  expect_count("{\"keys\":[" ED_ENTRY("") ",{\"kty\":\"RSA\",\"use\":\"enc\"},{\"kty\":\"RSA\",\"alg\":\"RS512\"},"
               "{\"kty\":\"new\"},{},{\"kty\":\"EC\",\"crv\":\"P-384\"},{\"kty\":\"OKP\",\"crv\":\"X25519\"},"
               "{\"kty\":\"EC\",\"crv\":\"P-256\",\"key_ops\":[\"sign\"]},"
               "{\"kty\":\"oct\",\"alg\":\"A128KW\",\"k\":\"AAAA\"}],\"own\":[1]}",
               1);
  expect_count("{\"keys\":[" ED_ENTRY(",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"],\"alg\":\"EdDSA\","
                                      "\"x5c\":[\"AAAA\"],\"kid\":\"a\"") "]}",
               1);
  refuse_jwks("{\"keys\":[" ED_ENTRY(",\"use\":\"enc\"") "]}", STOA_E_NOT_FOUND,
              "the JWKS: no key to verify signatures with");
  refuse_jwks("{}", STOA_E_NOT_FOUND, "the JWKS: no key to verify signatures with");
}

static void only_entries_of_the_algorithm_that_is_asked_for_are_taken(void **state) {
  (void)state;
  struct stoa_token_key_source source = jwks_of("{\"keys\":[" ED_ENTRY("") "]}");
  source.algorithm = STOA_TOKEN_RS256;
  refuse(&source, STOA_E_NOT_FOUND, "the JWKS: no key to verify signatures with");
}

static void an_entry_for_us_must_be_sound(void **state) {
  (void)state;
  refuse_jwks("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: a secret of less than 32 bytes");
  refuse_jwks("{\"keys\":[{},{\"kty\":\"oct\",\"kid\":\"a\\n\"}]}", STOA_E_TYPE,
              "the JWKS: keys[1] (kid \"a\\x0a\"): \"k\" is missing, no base64url or too long");
  refuse_jwks("{\"keys\":[{\"kty\":\"oct\",\"k\":\"" RFC_SECRET_BASE64URL "==\"}]}", STOA_E_SYNTAX,
              "the JWKS: keys[0]: \"k\" is missing, no base64url or too long");
  refuse_jwks("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: an RSA key of less than 2048 bits");
  refuse_jwks("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: \"e\" is missing, no base64url or too long");
  refuse_jwks("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AAAAAAAAAAAAAAAA\"}]}", STOA_E_LIMIT,
              "the JWKS: keys[0]: \"e\" is missing, no base64url or too long");
  /* With an exponent of 1 everybody can sign. */
  refuse_jwks("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQ\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: a key that is not sound");
  refuse_jwks("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_X "\"}]}",
              STOA_E_TYPE, "the JWKS: keys[0]: a key that is not sound");
  refuse_jwks("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"AAAA\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: \"y\" is not 32 bytes in base64url");
  refuse_jwks("{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-384\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: \"crv\" is not P-256");
  refuse_jwks("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", STOA_E_TYPE,
              "the JWKS: keys[0]: \"x\" is not 32 bytes in base64url");
  refuse_jwks("{\"keys\":[" ED_ENTRY(",\"alg\":\"HS256\"") "]}", STOA_E_TYPE,
              "the JWKS: keys[0]: \"alg\" and \"kty\" contradict each other");
  refuse_jwks("{\"keys\":[" ED_ENTRY(",\"d\":\"AAAA\"") "]}", STOA_E_TYPE,
              "the JWKS: keys[0]: a private key; take \"d\" and what is private besides out of this file");
}

static void a_jwks_that_is_no_json_or_of_another_form_is_refused(void **state) {
  (void)state;
  refuse_jwks("", STOA_E_SYNTAX, "the JWKS: at byte 0 (the end of the input): expected a value");
  refuse_jwks("{\"keys\":7}", STOA_E_TYPE, "the JWKS: keys: expected an array");
  refuse_jwks("{\"keys\":[{\"kid\":\"a\",\"kid\":\"a\"}]}", STOA_E_SYNTAX, "the JWKS: keys[0].kid: a duplicate member");
  refuse_jwks("{\"keys\":[{\"kid\":\"\xff\"}]}", STOA_E_UTF8, "the JWKS: keys[0].kid: a string that is not UTF-8");
}

static void no_text_shows_a_secret(void **state) {
  (void)state;
  refuse_jwks("{\"keys\":[{\"k\":12345678}]}", STOA_E_TYPE, "the JWKS: keys[0].k: expected string");
}

static struct stoa_token_key_source file_of(enum stoa_token_key_form form, const char *name, const char *content,
                                            unsigned mode) {
  return (struct stoa_token_key_source){.form = form, .file = kit_file(name, kit_bytes(content), mode)};
}

static void expect_end(const char *end) {
  size_t len = strlen(error.text);
  assert_true(len > strlen(end));
  assert_string_equal(error.text + len - strlen(end), end);
}

static void keys_are_read_from_files(void **state) {
  (void)state;
  struct stoa_token_key_source source = file_of(STOA_TOKEN_PEM, "key.pem", RFC_ED_PUBLIC, 0644);
  assert_int_equal(create(&source, 1), STOA_OK);
  source = file_of(STOA_TOKEN_JWKS, "keys.json", "{\"keys\":[" ED_ENTRY("") "]}", 0644);
  assert_int_equal(create(&source, 1), STOA_OK);
}

static void the_line_feed_after_a_secret_is_not_part_of_it(void **state) {
  (void)state;
  struct stoa_token_key_source source = file_of(STOA_TOKEN_SECRET, "secret", "0123456789abcdef0123456789abcde\n", 0600);
  assert_int_equal(create(&source, 1), STOA_E_TYPE);
  expect_end("/secret: a secret of less than 32 bytes");
  source = file_of(STOA_TOKEN_SECRET, "secret", "0123456789abcdef0123456789abcdef\r\n", 0600);
  struct kit kit;
  kit_open(&kit);
  struct stoa_token_signer *signer = NULL;
  static const char same[] = "0123456789abcdef0123456789abcdef";
  const struct stoa_token_key_source direct = {.form = STOA_TOKEN_SECRET, .content = kit_bytes(same)};
  struct stoa_token_keys *keys = NULL;
  assert_int_equal(stoa_token_signer_create(&source, &signer, &error), STOA_OK);
  assert_int_equal(stoa_token_keys_create(&direct, 1, &keys, &error), STOA_OK);
  stoa_token_keys_unref((struct stoa_token_keys *)(uintptr_t)kit.verifier.keys);
  kit.verifier.keys = keys;
  assert_int_equal(stoa_token_sign(signer, stoa_string_of(KIT_CLAIMS), &kit.text), STOA_OK);
  kit_accept(&kit);
  stoa_token_signer_destroy(signer);
  kit_close(&kit);
}

static void a_file_that_is_not_there_is_named(void **state) {
  (void)state;
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_PEM, .file = "/nonexistent/key.pem"};
  refuse(&source, STOA_E_NOT_FOUND, "/nonexistent/key.pem: no such file");
}

static void what_is_no_regular_file_is_refused(void **state) {
  (void)state;
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_PEM, .file = "/"};
  refuse(&source, STOA_E_SYSTEM, "/: not a regular file");
}

static void a_secret_that_others_can_read_is_refused(void **state) {
  (void)state;
  struct stoa_token_key_source source = file_of(STOA_TOKEN_SECRET, "secret", RFC_SECRET_BASE64URL, 0604);
  assert_int_equal(create(&source, 1), STOA_E_DENIED);
  expect_end("/secret: others may read this file, which holds a secret; run chmod o-r on it");
  source =
      file_of(STOA_TOKEN_JWKS, "oct.json", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" RFC_SECRET_BASE64URL "\"}]}", 0644);
  assert_int_equal(create(&source, 1), STOA_E_DENIED);
  source = file_of(STOA_TOKEN_PEM, "private.pem", RFC_ED_PRIVATE, 0644);
  struct stoa_token_signer *signer;
  assert_int_equal(stoa_token_signer_create(&source, &signer, &error), STOA_E_DENIED);
}

static void a_file_that_others_can_write_is_refused(void **state) {
  (void)state;
  const struct stoa_token_key_source source = file_of(STOA_TOKEN_PEM, "key.pem", RFC_ED_PUBLIC, 0646);
  assert_int_equal(create(&source, 1), STOA_E_DENIED);
  expect_end("/key.pem: others may write this file; run chmod o-w on it");
}

static void keys_are_at_most_64_kib_long(void **state) {
  (void)state;
  static char text[STOA_TOKEN_KEY_BYTES_MAX + 2];
  memset(text, ' ', STOA_TOKEN_KEY_BYTES_MAX + 1);
  memcpy(text, "{\"keys\":[" ED_ENTRY("") "]}", sizeof "{\"keys\":[" ED_ENTRY("") "]}" - 1);
  refuse_jwks(text, STOA_E_LIMIT, "the JWKS: longer than 64 KiB");
  struct stoa_token_key_source source = file_of(STOA_TOKEN_JWKS, "long.json", text, 0644);
  assert_int_equal(create(&source, 1), STOA_E_LIMIT);
  expect_end("/long.json: longer than 64 KiB");
  text[STOA_TOKEN_KEY_BYTES_MAX] = '\0';
  source = file_of(STOA_TOKEN_JWKS, "long.json", text, 0644);
  assert_int_equal(create(&source, 1), STOA_OK);
}

static int read_calls;

static ssize_t broken_read(int fd, void *data, size_t len) {
  (void)fd;
  (void)data;
  (void)len;
  errno = read_calls++ == 0 ? EINTR : EIO;
  return -1;
}

static ssize_t short_read(int fd, void *data, size_t len) {
  return stoa_sys_real.read(fd, data, len > 3 ? 3 : len);
}

static int broken_fstat(int fd, struct stat *out_info) {
  (void)fd;
  (void)out_info;
  errno = EIO;
  return -1;
}

static void a_file_is_read_in_any_pieces_or_not_at_all(void **state) {
  (void)state;
  const struct stoa_token_key_source source = file_of(STOA_TOKEN_PEM, "key.pem", RFC_ED_PUBLIC, 0644);
  stoa_sys.read = short_read;
  assert_int_equal(create(&source, 1), STOA_OK);
  stoa_sys.read = broken_read;
  assert_int_equal(create(&source, 1), STOA_E_SYSTEM);
  stoa_sys.read = stoa_sys_real.read;
  assert_int_equal(read_calls, 2);
  expect_end("/key.pem: cannot be read");
  stoa_sys.fstat = broken_fstat;
  assert_int_equal(create(&source, 1), STOA_E_SYSTEM);
  stoa_sys.fstat = stoa_sys_real.fstat;
}

static void a_set_lives_until_its_last_reference_goes(void **state) {
  (void)state;
  const struct stoa_token_key_source source = kit_public(STOA_TOKEN_EDDSA);
  struct stoa_token_keys *keys = NULL;
  assert_int_equal(stoa_token_keys_create(&source, 1, &keys, NULL), STOA_OK);
  assert_ptr_equal(stoa_token_keys_ref(keys), keys);
  stoa_token_keys_unref(keys);
  assert_int_equal(stoa_token_keys_count(keys), 1);
  stoa_token_keys_unref(keys);
  stoa_token_keys_unref(NULL);
}

static void public_keys_are_written_as_a_jwks_and_secrets_are_not(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  struct stoa_token_key_source sources[] = {kit_public(STOA_TOKEN_HS256), kit_public(STOA_TOKEN_RS256),
                                            kit_public(STOA_TOKEN_ES256), kit_public(STOA_TOKEN_EDDSA)};
  sources[3].kid = stoa_string_of("a\"b");
  struct stoa_token_keys *keys = NULL;
  assert_int_equal(stoa_token_keys_create(sources, 4, &keys, NULL), STOA_OK);
  assert_int_equal(stoa_token_keys_write(keys, &kit.text), STOA_OK);
  assert_int_equal(stoa_buffer_append(&kit.text, "", 1), STOA_OK);
  assert_string_equal((const char *)kit.text.data,
                      "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N
                      "\",\"e\":\"AQAB\",\"use\":\"sig\",\"alg\":\"RS256\"},"
                      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y
                      "\",\"use\":\"sig\",\"alg\":\"ES256\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X
                      "\",\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"a\\\"b\"}]}");
  expect_count((const char *)kit.text.data, 3);

  struct stoa_buffer small;
  stoa_buffer_init(&small, kit.text.len - 2);
  assert_int_equal(stoa_token_keys_write(keys, &small), STOA_E_LIMIT);
  assert_int_equal(small.len, 0);
  stoa_buffer_fini(&small);
  stoa_token_keys_unref(keys);
  kit_close(&kit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_source_must_be_one),
      cmocka_unit_test(a_secret_has_32_to_1024_bytes),
      cmocka_unit_test(keys_of_other_kinds_are_refused),
      cmocka_unit_test(what_is_no_public_key_in_pem_is_refused),
      cmocka_unit_test(a_key_for_another_algorithm_than_asked_for_is_refused),
      cmocka_unit_test(a_kid_is_utf8_and_at_most_255_bytes),
      cmocka_unit_test(a_kid_comes_once),
      cmocka_unit_test(of_an_algorithm_one_key_has_no_kid),
      cmocka_unit_test(a_set_has_64_keys_at_most),
      cmocka_unit_test(entries_of_a_jwks_that_are_not_for_us_are_left_out),
      cmocka_unit_test(only_entries_of_the_algorithm_that_is_asked_for_are_taken),
      cmocka_unit_test(an_entry_for_us_must_be_sound),
      cmocka_unit_test(a_jwks_that_is_no_json_or_of_another_form_is_refused),
      cmocka_unit_test(no_text_shows_a_secret),
      cmocka_unit_test(keys_are_read_from_files),
      cmocka_unit_test(the_line_feed_after_a_secret_is_not_part_of_it),
      cmocka_unit_test(a_file_that_is_not_there_is_named),
      cmocka_unit_test(what_is_no_regular_file_is_refused),
      cmocka_unit_test(a_secret_that_others_can_read_is_refused),
      cmocka_unit_test(a_file_that_others_can_write_is_refused),
      cmocka_unit_test(keys_are_at_most_64_kib_long),
      cmocka_unit_test(a_file_is_read_in_any_pieces_or_not_at_all),
      cmocka_unit_test(a_set_lives_until_its_last_reference_goes),
      cmocka_unit_test(public_keys_are_written_as_a_jwks_and_secrets_are_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
