/* token/keys.h: the content of a key set, and the choice of the key for a token. */
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

/* Move a key into the set, which must not be shared yet. After an error the caller still owns it.
 * Errors: STOA_E_EXISTS  the set has its kid, or another key without a kid for its algorithm; STOA_E_LIMIT  the set is
 * full. *out_why is set, static */
int stoa_token_keys_add(struct stoa_token_keys *keys, const struct stoa_token_key *key, const char **out_why);

/* The key for a token with this header, see stoa_token_verify(); NULL for none. If the kid chooses it, its algorithm
 * may be different. */
const struct stoa_token_key *stoa_token_keys_choose(const struct stoa_token_keys *keys,
                                                    enum stoa_token_algorithm algorithm, struct stoa_string kid);

#endif
