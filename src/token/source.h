/* token/source.h: reads the keys of a struct stoa_token_key_source. */
#ifndef STOA_TOKEN_SOURCE_H
#define STOA_TOKEN_SOURCE_H

#include "token/keys.h"

/* Add the keys of a source to a set that must not be shared yet. After an error the set keeps the keys that were added.
 * Errors: those of stoa_token_keys_create() */
int stoa_token_source_add(const struct stoa_token_key_source *source, struct stoa_token_keys *keys,
                          struct stoa_token_key_error *error);

/* Fill a zeroed key with the one to sign with. Errors: those of stoa_token_signer_create() */
int stoa_token_source_signing_key(const struct stoa_token_key_source *source, struct stoa_token_key *key,
                                  struct stoa_token_key_error *error);

#endif
