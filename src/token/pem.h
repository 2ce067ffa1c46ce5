/* token/pem.h: reads and writes keys in PEM (RFC 7468), with OpenSSL. */
#ifndef STOA_TOKEN_PEM_H
#define STOA_TOKEN_PEM_H

#include "token/key.h"

/* Fill a zeroed key from the text, public or private according to is_private, and check it.
 * Errors: STOA_E_SYNTAX  no key in PEM, more than one, or one with a password; STOA_E_TYPE  a private key instead of a
 * public one or the reverse, and as stoa_token_key_set_pkey(); STOA_E_LIMIT; STOA_E_MEMORY. *out_why is set, static,
 * unless memory is out. */
int stoa_token_pem_read(struct stoa_bytes text, bool is_private, struct stoa_token_key *key, const char **out_why);

/* Append. Errors: those of stoa_buffer_append() */
int stoa_token_pem_write(EVP_PKEY *pkey, bool is_private, struct stoa_buffer *out_text);

#endif
