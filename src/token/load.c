/* token/load.c: makes key sets and signers from their sources. */
#include "base/memory.h"
#include "token/signer.h"
#include "token/source.h"

static struct stoa_token_key_error *begin_error(struct stoa_token_key_error *out_error,
                                                struct stoa_token_key_error *ignored) {
  struct stoa_token_key_error *error = out_error == NULL ? ignored : out_error;
  error->text[0] = '\0';
  return error;
}

static int fail(int status, const char *text, struct stoa_token_key_error *error) {
  memcpy(error->text, text, strlen(text) + 1);
  return status;
}

int stoa_token_keys_create(const struct stoa_token_key_source *sources, size_t count, struct stoa_token_keys **out_keys,
                           struct stoa_token_key_error *out_error) {
  struct stoa_token_key_error ignored;
  struct stoa_token_key_error *error = begin_error(out_error, &ignored);
  if (count == 0) {
    return fail(STOA_E_ARGUMENT, "no source of keys", error);
  }
  struct stoa_token_keys *keys = stoa_token_keys_new();
  if (keys == NULL) {
    return fail(STOA_E_MEMORY, "out of memory", error);
  }
  int status = STOA_OK;
  for (size_t i = 0; i < count && status == STOA_OK; i++) {
    status = stoa_token_source_add(&sources[i], keys, error);
  }
  if (status != STOA_OK) {
    stoa_token_keys_unref(keys);
    return status;
  }
  *out_keys = keys;
  return STOA_OK;
}

int stoa_token_signer_create(const struct stoa_token_key_source *source, struct stoa_token_signer **out_signer,
                             struct stoa_token_key_error *out_error) {
  struct stoa_token_key_error ignored;
  struct stoa_token_key_error *error = begin_error(out_error, &ignored);
  struct stoa_token_signer *signer = stoa_calloc(1, sizeof *signer);
  if (signer == NULL) {
    return fail(STOA_E_MEMORY, "out of memory", error);
  }
  int status = stoa_token_source_signing_key(source, &signer->key, error);
  if (status != STOA_OK) {
    stoa_token_signer_destroy(signer);
    return status;
  }
  *out_signer = signer;
  return STOA_OK;
}
