#include "token/source.h"

#include <stdio.h>

#include "codec/fault.h"
#include "token/file.h"
#include "token/jwk.h"
#include "token/pem.h"

#define FAULT_TEXT_MAX 256

/* Write `file: fault`, or for example `the secret: fault` when there is no file. */
static int fail(const struct stoa_token_key_source *source, int status, const char *fault,
                struct stoa_token_key_error *error) {
  static const char *const nouns[] = {"a key", "the secret", "the PEM", "the JWKS"};
  const char *where = source->file != NULL ? source->file : nouns[source->form];
  const char *why = status == STOA_E_MEMORY ? "out of memory" : fault;
  (void)snprintf(error->text, sizeof error->text, "%.240s: %.260s", where, why);
  return status;
}

static bool is_valid(const struct stoa_token_key_source *source) {
  bool has_form = source->form >= STOA_TOKEN_SECRET && source->form <= STOA_TOKEN_JWKS;
  bool has_algorithm = source->algorithm <= STOA_TOKEN_EDDSA;
  bool has_content = source->file != NULL || source->content.len == 0 || source->content.data != NULL;
  return has_form && has_algorithm && has_content;
}

/* Editors end a file with a line feed, which is not meant to be a part of the secret. */
static struct stoa_bytes without_line_feed(struct stoa_bytes content) {
  if (content.len > 0 && content.data[content.len - 1] == '\n') {
    content.len--;
  }
  if (content.len > 0 && content.data[content.len - 1] == '\r') {
    content.len--;
  }
  return content;
}

/* The content, and whether other users may read the file. */
struct content {
  struct stoa_token_file file; /* empty when the caller passed the content */
  struct stoa_bytes bytes;
};

static int open_content(const struct stoa_token_key_source *source, struct content *out_content,
                        struct stoa_token_key_error *error) {
  *out_content = (struct content){.bytes = source->content};
  if (source->file == NULL) {
    bool is_short = source->content.len <= STOA_TOKEN_KEY_BYTES_MAX;
    return is_short ? STOA_OK : fail(source, STOA_E_LIMIT, "longer than 64 KiB", error);
  }
  const char *why = "";
  int status = stoa_token_file_read(source->file, &out_content->file, &why);
  if (status != STOA_OK) {
    return fail(source, status, why, error);
  }
  struct stoa_bytes bytes = stoa_bytes_make(out_content->file.data, out_content->file.len);
  out_content->bytes = source->form == STOA_TOKEN_SECRET ? without_line_feed(bytes) : bytes;
  return STOA_OK;
}

static int check_secrecy(const struct stoa_token_key_source *source, const struct content *content,
                         struct stoa_token_key_error *error) {
  return content->file.is_open_to_read
             ? fail(source, STOA_E_DENIED, "others may read this file, which holds a secret; run chmod o-r on it",
                    error)
             : STOA_OK;
}

/* Make a key from a secret or from PEM, with the kid and algorithm of the source. */
static int make_key(const struct stoa_token_key_source *source, struct stoa_bytes bytes, bool is_private,
                    struct stoa_token_key *key, struct stoa_token_key_error *error) {
  const char *why = "";
  int status = source->form == STOA_TOKEN_SECRET ? stoa_token_key_set_secret(key, bytes, &why)
                                                 : stoa_token_pem_read(bytes, is_private, key, &why);
  if (status == STOA_OK && source->algorithm != STOA_TOKEN_NO_ALGORITHM && source->algorithm != key->algorithm) {
    why = "a key for another algorithm than the one that is asked for";
    status = STOA_E_TYPE;
  }
  if (status == STOA_OK) {
    why = "the kid is longer than 255 bytes, or not UTF-8";
    status = stoa_token_key_set_kid(key, source->kid);
  }
  return status == STOA_OK ? STOA_OK : fail(source, status, why, error);
}

static int add_key(const struct stoa_token_key_source *source, const struct content *content,
                   struct stoa_token_keys *keys, struct stoa_token_key_error *error) {
  struct stoa_token_key key = {.algorithm = STOA_TOKEN_NO_ALGORITHM};
  int status = make_key(source, content->bytes, false, &key, error);
  const char *why = "";
  if (status == STOA_OK && (status = stoa_token_keys_add(keys, &key, &why)) != STOA_OK) {
    (void)fail(source, status, why, error);
  }
  if (status != STOA_OK) {
    stoa_token_key_fini(&key);
  }
  return status;
}

/* `keys[2] (kid "b"): why`. */
static int fail_entry(const struct stoa_token_key_source *source, int status, size_t index, const struct stoa_jwk *jwk,
                      const char *why, struct stoa_token_key_error *error) {
  char kid[STOA_FAULT_QUOTE_SIZE];
  char text[FAULT_TEXT_MAX];
  stoa_fault_quote(jwk->kid, kid);
  bool has_kid = jwk->kid.len > 0;
  (void)snprintf(text, sizeof text, "keys[%zu]%s%s%s: %s", index, has_kid ? " (kid \"" : "", has_kid ? kid : "",
                 has_kid ? "\")" : "", why);
  return fail(source, status, text, error);
}

static int add_entry(const struct stoa_token_key_source *source, size_t index, const struct stoa_jwk *jwk,
                     struct stoa_token_keys *keys, struct stoa_token_key_error *error) {
  struct stoa_token_key key = {.algorithm = STOA_TOKEN_NO_ALGORITHM};
  const char *why = "";
  int status = stoa_jwk_key(jwk, &key, &why);
  status = status == STOA_OK ? stoa_token_keys_add(keys, &key, &why) : status;
  if (status != STOA_OK) {
    stoa_token_key_fini(&key);
    return fail_entry(source, status, index, jwk, why, error);
  }
  return STOA_OK;
}

static bool is_wanted(const struct stoa_token_key_source *source, enum stoa_token_algorithm algorithm) {
  return algorithm != STOA_TOKEN_NO_ALGORITHM &&
         (source->algorithm == STOA_TOKEN_NO_ALGORITHM || source->algorithm == algorithm);
}

static int add_entries(const struct stoa_token_key_source *source, const struct content *content,
                       const struct stoa_jwk_set *set, struct stoa_token_keys *keys,
                       struct stoa_token_key_error *error) {
  size_t count_before = keys->count;
  int status = STOA_OK;
  for (size_t i = 0; i < set->keys.count && status == STOA_OK; i++) {
    enum stoa_token_algorithm algorithm = stoa_jwk_algorithm(&set->keys.items[i]);
    if (!is_wanted(source, algorithm)) {
      continue;
    }
    status = algorithm == STOA_TOKEN_HS256 ? check_secrecy(source, content, error) : STOA_OK;
    status = status == STOA_OK ? add_entry(source, i, &set->keys.items[i], keys, error) : status;
  }
  bool is_empty = status == STOA_OK && keys->count == count_before;
  return is_empty ? fail(source, STOA_E_NOT_FOUND, "no key to verify signatures with", error) : status;
}

/* Wipe a string that the decoder copied because of escapes. Other strings are views of the content, which is
 * overwritten too. */
static void wipe_copy(const struct content *content, struct stoa_string text) {
  uintptr_t begin = (uintptr_t)content->bytes.data;
  uintptr_t at = (uintptr_t)text.data;
  if (at < begin || at >= begin + content->bytes.len) {
    stoa_secret_wipe((void *)at, text.len);
  }
}

static void wipe_copies(const struct content *content, const struct stoa_jwk_set *set) {
  for (size_t i = 0; i < set->keys.count; i++) {
    wipe_copy(content, set->keys.items[i].k);
    wipe_copy(content, set->keys.items[i].d);
  }
}

static int add_jwks(const struct stoa_token_key_source *source, const struct content *content,
                    struct stoa_token_keys *keys, struct stoa_token_key_error *error) {
  struct stoa_arena *arena = stoa_arena_create(16 * STOA_TOKEN_KEY_BYTES_MAX);
  if (arena == NULL) {
    return fail(source, STOA_E_MEMORY, "", error);
  }
  struct stoa_jwk_set set = {.keys = {NULL, 0}};
  struct stoa_codec_error fault;
  int status = stoa_jwk_set_read(content->bytes, arena, &set, &fault);
  if (status == STOA_OK) {
    status = add_entries(source, content, &set, keys, error);
    wipe_copies(content, &set);
  } else {
    (void)fail(source, status, fault.text, error);
  }
  stoa_arena_destroy(arena);
  return status;
}

static int add_content(const struct stoa_token_key_source *source, const struct content *content,
                       struct stoa_token_keys *keys, struct stoa_token_key_error *error) {
  if (source->form == STOA_TOKEN_JWKS) {
    return add_jwks(source, content, keys, error);
  }
  int status = source->form == STOA_TOKEN_SECRET ? check_secrecy(source, content, error) : STOA_OK;
  return status == STOA_OK ? add_key(source, content, keys, error) : status;
}

int stoa_token_source_add(const struct stoa_token_key_source *source, struct stoa_token_keys *keys,
                          struct stoa_token_key_error *error) {
  if (!is_valid(source) || (source->form == STOA_TOKEN_JWKS && source->kid.len > 0)) {
    (void)snprintf(error->text, sizeof error->text, "a source of an unknown form or algorithm, or a kid for a JWKS");
    return STOA_E_ARGUMENT;
  }
  struct content content;
  int status = open_content(source, &content, error);
  if (status == STOA_OK) {
    status = add_content(source, &content, keys, error);
    stoa_token_file_fini(&content.file);
  }
  return status;
}

int stoa_token_source_signing_key(const struct stoa_token_key_source *source, struct stoa_token_key *key,
                                  struct stoa_token_key_error *error) {
  if (!is_valid(source) || source->form == STOA_TOKEN_JWKS) {
    (void)snprintf(error->text, sizeof error->text, "a source of an unknown form or algorithm, or a JWKS");
    return STOA_E_ARGUMENT;
  }
  struct content content;
  int status = open_content(source, &content, error);
  if (status == STOA_OK) {
    status = check_secrecy(source, &content, error);
    status = status == STOA_OK ? make_key(source, content.bytes, true, key, error) : status;
    stoa_token_file_fini(&content.file);
  }
  return status;
}
