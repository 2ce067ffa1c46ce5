/* token/keys.h: what is inside a key set, and how a token chooses its key. */
#ifndef STOA_TOKEN_KEYS_H
#define STOA_TOKEN_KEYS_H

#include <stdatomic.h>

#include "token/key.h"

struct stoa_token_keys {
  atomic_uint references;
  size_t count;
  struct stoa_token_key items[STOA_TOKEN_KEYS_MAX];
};

/* An empty set with one reference; NULL when memory is out. */
struct stoa_token_keys *stoa_token_keys_new(void);

/* Take a key over into the set, which nobody else sees yet. On an error it stays the caller's.
 * Errors: STOA_E_EXISTS  its kid is there, or another key for its algorithm without a kid; STOA_E_LIMIT  the set is
 * full. *out_why is set, static */
int stoa_token_keys_add(struct stoa_token_keys *keys, const struct stoa_token_key *key, const char **out_why);

/* The key that a token with this header is tried with, see stoa_token_verify(); NULL for none. The algorithm may be
 * another than the key's when a kid names it. */
const struct stoa_token_key *stoa_token_keys_choose(const struct stoa_token_keys *keys,
                                                    enum stoa_token_algorithm algorithm, struct stoa_string kid);

#endif
