#include "token/keys.h"

#include <assert.h>

#include "base/memory.h"

struct stoa_token_keys *stoa_token_keys_new(void) {
  struct stoa_token_keys *keys = stoa_calloc(1, sizeof *keys);
  if (keys != NULL) {
    atomic_init(&keys->references, 1);
  }
  return keys;
}

struct stoa_token_keys *stoa_token_keys_ref(struct stoa_token_keys *keys) {
  unsigned before = atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
  return keys;
}

void stoa_token_keys_unref(struct stoa_token_keys *keys) {
  if (keys == NULL || atomic_fetch_sub_explicit(&keys->references, 1, memory_order_acq_rel) > 1) {
    return;
  }
  for (size_t i = 0; i < keys->count; i++) {
    stoa_token_key_fini(&keys->items[i]);
  }
  stoa_free(keys);
}

size_t stoa_token_keys_count(const struct stoa_token_keys *keys) {
  return keys->count;
}

static bool is_rival(const struct stoa_token_key *a, const struct stoa_token_key *b) {
  return stoa_string_equal(a->kid, b->kid) && (a->kid.len > 0 || a->algorithm == b->algorithm);
}

int stoa_token_keys_add(struct stoa_token_keys *keys, const struct stoa_token_key *key, const char **out_why) {
  for (size_t i = 0; i < keys->count; i++) {
    if (is_rival(&keys->items[i], key)) {
      *out_why = key->kid.len > 0 ? "this kid was there before" : "a second key for its algorithm without a kid";
      return STOA_E_EXISTS;
    }
  }
  if (keys->count == STOA_TOKEN_KEYS_MAX) {
    *out_why = "more than 64 keys";
    return STOA_E_LIMIT;
  }
  keys->items[keys->count++] = *key;
  return STOA_OK;
}

static const struct stoa_token_key *find_kid(const struct stoa_token_keys *keys, struct stoa_string kid) {
  for (size_t i = 0; i < keys->count; i++) {
    if (stoa_string_equal(keys->items[i].kid, kid)) {
      return &keys->items[i];
    }
  }
  return NULL;
}

/* The key for the algorithm without a kid or, if allowed, the only key for it. */
static const struct stoa_token_key *find_algorithm(const struct stoa_token_keys *keys,
                                                   enum stoa_token_algorithm algorithm, bool may_have_kid) {
  const struct stoa_token_key *found = NULL;
  size_t count = 0;
  for (size_t i = 0; i < keys->count; i++) {
    const struct stoa_token_key *key = &keys->items[i];
    if (key->algorithm == algorithm && key->kid.len == 0) {
      return key;
    }
    if (key->algorithm == algorithm) {
      found = key;
      count++;
    }
  }
  return may_have_kid && count == 1 ? found : NULL;
}

const struct stoa_token_key *stoa_token_keys_choose(const struct stoa_token_keys *keys,
                                                    enum stoa_token_algorithm algorithm, struct stoa_string kid) {
  const struct stoa_token_key *key = kid.len == 0 ? NULL : find_kid(keys, kid);
  return key != NULL ? key : find_algorithm(keys, algorithm, kid.len == 0);
}
