/* Every allocation fails once, OpenSSL's too: no good token is called bad, no bad one good, and nothing is lost. */
#include <openssl/err.h>

#include "base/array.h"
#include "base/memory.h"
#include "kit.h"
#include "net/tls.h"

#define ATTEMPTS_MAX 20000

/* One run of what may fail; STOA_OK when it did all that it should. */
typedef int work(struct kit *kit);

static void fail_each_allocation(struct kit *kit, work *run) {
  assert_int_equal(run(kit), STOA_OK); /* what OpenSSL keeps for ever is there after this */
  int64_t live_before = stoa_memory_live_blocks();
  uint64_t n = 1;
  uint64_t failures = 0;
  for (; n < ATTEMPTS_MAX; n++) {
    stoa_memory_fail_at(n, false);
    int status = run(kit);
    uint64_t hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    assert_int_equal(ERR_peek_error(), 0);
    ERR_clear_error();
    assert_true(stoa_memory_live_blocks() <= live_before + 8); /* the error queue's texts, kept for each place */
    if (hits == 0) {
      assert_int_equal(status, STOA_OK);
      break;
    }
    failures += status != STOA_OK;
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
  }
  assert_true(n < ATTEMPTS_MAX);
  assert_true(failures > 0);
}

static int verify_once(struct kit *kit) {
  struct stoa_arena *arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  if (arena == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_token token;
  struct stoa_string text = stoa_string_make((const char *)kit->text.data, kit->text.len);
  int status = stoa_token_verify(&kit->verifier, text, KIT_NOW_US, arena, &token, &kit->error);
  assert_true((status == STOA_E_DENIED) == (kit->error.reason != STOA_TOKEN_FINE));
  stoa_arena_destroy(arena);
  return status;
}

/* OpenSSL 3.0 does not tell a wrong signature of Ed25519 from want of memory in one place. */
static int verify_ed25519_once(struct kit *kit) {
  int status = verify_once(kit);
  return kit->error.reason == STOA_TOKEN_BAD_SIGNATURE ? STOA_E_MEMORY : status;
}

static void each_allocation_of_verifying_may_fail(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit_sign(&kit, a, KIT_CLAIMS);
    fail_each_allocation(&kit, a == STOA_TOKEN_EDDSA ? verify_ed25519_once : verify_once);
  }
  kit_close(&kit);
}

static int refuse_once(struct kit *kit) {
  int status = verify_once(kit);
  return status == STOA_E_DENIED ? STOA_OK : status == STOA_OK ? STOA_E_TYPE : status;
}

static void a_wrong_signature_is_never_right_for_want_of_memory(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    kit_sign(&kit, a, KIT_CLAIMS);
    kit.text.data[kit.text.len - 8] ^= 1;
    fail_each_allocation(&kit, refuse_once);
  }
  kit_close(&kit);
}

static enum stoa_token_algorithm chosen;

static int sign_once(struct kit *kit) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, STOA_TOKEN_LEN_MAX);
  int status = stoa_token_sign(kit->signers[chosen], stoa_string_of(KIT_CLAIMS), &text);
  assert_true(status == STOA_OK || text.len == 0);
  stoa_buffer_fini(&text);
  return status == STOA_E_SYSTEM ? STOA_E_MEMORY : status; /* OpenSSL does not always say that it was memory */
}

static void each_allocation_of_signing_may_fail(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  for (chosen = STOA_TOKEN_HS256; chosen <= STOA_TOKEN_EDDSA; chosen++) {
    fail_each_allocation(&kit, sign_once);
  }
  kit_close(&kit);
}

static const char *const loads[] = {
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" RFC_SECRET_BASE64URL "\"}]}",
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAB\"}]}",
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y "\"}]}",
    "{\"keys\":[{\"kty\":\"OKP\",\"kid\":\"\\u0062\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "\"}]}",
    RFC_EC_PUBLIC,
};
static size_t load;

/* Decoding a key, OpenSSL tries one format after another, and takes want of memory for the wrong format. */
static int load_once(struct kit *kit) {
  (void)kit;
  const struct stoa_token_key_source source = {.form = loads[load][0] == '{' ? STOA_TOKEN_JWKS : STOA_TOKEN_PEM,
                                               .content = kit_bytes(loads[load])};
  struct stoa_token_keys *keys = NULL;
  struct stoa_token_key_error error;
  int status = stoa_token_keys_create(&source, 1, &keys, &error);
  assert_true((status == STOA_OK) == (keys != NULL));
  assert_true((status == STOA_OK) == (error.text[0] == '\0'));
  stoa_token_keys_unref(keys);
  bool is_misread = status == STOA_E_SYNTAX || status == STOA_E_TYPE;
  return is_misread ? STOA_E_MEMORY : status;
}

static void each_allocation_of_loading_keys_may_fail(void **state) {
  (void)state;
  struct kit kit;
  kit_open(&kit);
  for (load = 0; load < STOA_COUNT_OF(loads); load++) {
    fail_each_allocation(&kit, load_once);
  }
  kit_close(&kit);
}

int main(void) {
  stoa_tls_memory_setup();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_of_verifying_may_fail),
      cmocka_unit_test(a_wrong_signature_is_never_right_for_want_of_memory),
      cmocka_unit_test(each_allocation_of_signing_may_fail),
      cmocka_unit_test(each_allocation_of_loading_keys_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
