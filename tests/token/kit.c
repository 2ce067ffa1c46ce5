#include "kit.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "token/base64url.h"
#include "token/signer.h"

#define TEXT_BYTES_MAX ((size_t)64 * 1024)

struct stoa_bytes kit_secret(void) {
  static const struct stoa_string text = STOA_STR(RFC_SECRET_BASE64URL);
  static uint8_t secret[sizeof RFC_SECRET_BASE64URL];
  assert_true(stoa_base64url_read(text, secret));
  return stoa_bytes_make(secret, stoa_base64url_bytes(text.len));
}

struct stoa_bytes kit_bytes(const char *text) {
  return stoa_bytes_make(text, strlen(text));
}

struct stoa_token_key_source kit_public(enum stoa_token_algorithm algorithm) {
  static const char *const texts[] = {
      [STOA_TOKEN_RS256] = RFC_RSA_PUBLIC, [STOA_TOKEN_ES256] = RFC_EC_PUBLIC, [STOA_TOKEN_EDDSA] = RFC_ED_PUBLIC};
  bool is_secret = algorithm == STOA_TOKEN_HS256;
  return (struct stoa_token_key_source){.form = is_secret ? STOA_TOKEN_SECRET : STOA_TOKEN_PEM,
                                        .content = is_secret ? kit_secret() : kit_bytes(texts[algorithm])};
}

struct stoa_token_key_source kit_private(enum stoa_token_algorithm algorithm) {
  static const char *const texts[] = {
      [STOA_TOKEN_RS256] = RFC_RSA_PRIVATE, [STOA_TOKEN_ES256] = RFC_EC_PRIVATE, [STOA_TOKEN_EDDSA] = RFC_ED_PRIVATE};
  struct stoa_token_key_source source = kit_public(algorithm);
  source.content = algorithm == STOA_TOKEN_HS256 ? source.content : kit_bytes(texts[algorithm]);
  return source;
}

void kit_open(struct kit *kit) {
  *kit = (struct kit){.verifier = STOA_TOKEN_VERIFIER_DEFAULTS};
  kit->arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  assert_non_null(kit->arena);
  stoa_buffer_init(&kit->text, TEXT_BYTES_MAX);
  struct stoa_token_key_source sources[STOA_TOKEN_EDDSA];
  struct stoa_token_key_error error;
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    struct stoa_token_key_source source = kit_private(a);
    assert_int_equal(stoa_token_signer_create(&source, &kit->signers[a], &error), STOA_OK);
    sources[a - 1] = kit_public(a);
  }
  struct stoa_token_keys *keys = NULL;
  assert_int_equal(stoa_token_keys_create(sources, STOA_TOKEN_EDDSA, &keys, &error), STOA_OK);
  assert_string_equal(error.text, "");
  kit->verifier.keys = keys;
}

void kit_close(struct kit *kit) {
  for (enum stoa_token_algorithm a = STOA_TOKEN_HS256; a <= STOA_TOKEN_EDDSA; a++) {
    stoa_token_signer_destroy(kit->signers[a]);
  }
  stoa_token_keys_unref((struct stoa_token_keys *)(uintptr_t)kit->verifier.keys);
  stoa_buffer_fini(&kit->text);
  stoa_arena_destroy(kit->arena);
  assert_int_equal(ERR_peek_error(), 0);
}

static void terminate(struct stoa_buffer *text) {
  assert_int_equal(stoa_buffer_append(text, "", 1), STOA_OK);
  text->len--;
}

void kit_make(struct kit *kit, enum stoa_token_algorithm algorithm, const char *header, const char *claims) {
  uint8_t signature[STOA_TOKEN_SIGNATURE_BYTES_MAX];
  size_t len;
  kit->text.len = 0;
  assert_int_equal(stoa_base64url_write(kit_bytes(header), &kit->text), STOA_OK);
  assert_int_equal(stoa_buffer_append(&kit->text, ".", 1), STOA_OK);
  assert_int_equal(stoa_base64url_write(kit_bytes(claims), &kit->text), STOA_OK);
  struct stoa_bytes input = stoa_bytes_make(kit->text.data, kit->text.len);
  assert_int_equal(stoa_token_key_sign(&kit->signers[algorithm]->key, input, signature, &len), STOA_OK);
  assert_int_equal(stoa_buffer_append(&kit->text, ".", 1), STOA_OK);
  assert_int_equal(stoa_base64url_write(stoa_bytes_make(signature, len), &kit->text), STOA_OK);
  terminate(&kit->text);
}

void kit_sign(struct kit *kit, enum stoa_token_algorithm algorithm, const char *claims) {
  kit->text.len = 0;
  assert_int_equal(stoa_token_sign(kit->signers[algorithm], stoa_string_of(claims), &kit->text), STOA_OK);
  terminate(&kit->text);
}

/* The copy has no byte after it, so that a sanitizer sees a read there. */
static int verify(struct kit *kit, const char *text, size_t len) {
  char *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, text, len);
  stoa_arena_reset(kit->arena);
  int status =
      stoa_token_verify(&kit->verifier, stoa_string_make(copy, len), KIT_NOW_US, kit->arena, &kit->token, &kit->error);
  free(copy);
  assert_int_equal(ERR_peek_error(), 0);
  return status;
}

int kit_verify(struct kit *kit) {
  return verify(kit, (const char *)kit->text.data, kit->text.len);
}

int kit_verify_text(struct kit *kit, const char *text) {
  return verify(kit, text, strlen(text));
}

void kit_accept(struct kit *kit) {
  int status = kit_verify(kit);
  assert_string_equal(kit->error.text, stoa_token_reason_text(STOA_TOKEN_FINE));
  assert_int_equal(status, STOA_OK);
}

void kit_refuse(struct kit *kit, enum stoa_token_reason reason) {
  int status = kit_verify(kit);
  assert_string_equal(stoa_token_reason_text(kit->error.reason), stoa_token_reason_text(reason));
  assert_int_equal(status, STOA_E_DENIED);
}

void kit_accept_claims(struct kit *kit, const char *claims) {
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\"}", claims);
  kit_accept(kit);
}

void kit_refuse_claims(struct kit *kit, const char *claims, enum stoa_token_reason reason) {
  kit_make(kit, STOA_TOKEN_HS256, "{\"alg\":\"HS256\"}", claims);
  kit_refuse(kit, reason);
}

void kit_expect_string(struct stoa_string actual, const char *expected) {
  assert_int_equal(actual.len, strlen(expected));
  assert_memory_equal(actual.data, expected, actual.len);
}

static char folder[64];

static void remove_folder(void) {
  char command[96];
  (void)snprintf(command, sizeof command, "rm -rf %s", folder);
  (void)!system(command);
}

const char *kit_file(const char *name, struct stoa_bytes content, unsigned mode) {
  static char path[128];
  if (folder[0] == '\0') {
    (void)snprintf(folder, sizeof folder, "/tmp/stoa-token-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)atexit(remove_folder);
  }
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  (void)unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, content.data, content.len), (ssize_t)content.len);
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(close(fd), 0);
  return path;
}
