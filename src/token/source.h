/* token/source.h: from a struct stoa_token_key_source to the keys in it. */
#ifndef STOA_TOKEN_SOURCE_H
#define STOA_TOKEN_SOURCE_H

#include "token/keys.h"

/* Add the keys of a source to a set that nobody else sees yet; what was added stays after an error.
 * Errors: those of stoa_token_keys_create() */
int stoa_token_source_add(const struct stoa_token_key_source *source, struct stoa_token_keys *keys,
                          struct stoa_token_key_error *error);

/* Make a zeroed key the one to sign with. Errors: those of stoa_token_signer_create() */
int stoa_token_source_signing_key(const struct stoa_token_key_source *source, struct stoa_token_key *key,
                                  struct stoa_token_key_error *error);

#endif
