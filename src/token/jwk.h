/* token/jwk.h: JSON Web Keys and sets of them (RFC 7517, RFC 7518 6, RFC 8037 2): their JSON, and the keys for our
 * algorithms.
 */
#ifndef STOA_TOKEN_JWK_H
#define STOA_TOKEN_JWK_H

#include "token/key.h"

/* One entry as written. Missing members are empty. */
struct stoa_jwk {
  struct stoa_string kty, use, alg, kid;
  struct {
    const struct stoa_string *items;
    size_t count;
  } key_ops;
  struct stoa_string n, e;      /* RSA */
  struct stoa_string crv, x, y; /* EC, OKP */
  struct stoa_string k;         /* oct */
  struct stoa_string d;         /* private, for all types but oct */
};

struct stoa_jwk_set {
  struct {
    const struct stoa_jwk *items;
    size_t count;
  } keys;
};

/* Errors: those of stoa_codec.decode. The text names the position, but does not show the value. */
int stoa_jwk_set_read(struct stoa_bytes json, struct stoa_arena *arena, struct stoa_jwk_set *out_set,
                      struct stoa_codec_error *out_error);

/* The algorithm of an entry, or STOA_TOKEN_NO_ALGORITHM when the entry is not for us: another kty, crv or alg, or not
 * for verifying signatures. When its alg contradicts its type, the result is by type, and stoa_jwk_key() refuses the
 * entry. */
enum stoa_token_algorithm stoa_jwk_algorithm(const struct stoa_jwk *jwk);

/* Fill a zeroed key from an entry for us.
 * Errors: STOA_E_SYNTAX  no base64url; STOA_E_TYPE  a member is missing or of the wrong length, a private key, an alg
 * of another type, and as stoa_token_key_set_pkey(); STOA_E_LIMIT; STOA_E_UTF8; STOA_E_MEMORY. *out_why is set, static,
 * unless memory is out. */
int stoa_jwk_key(const struct stoa_jwk *jwk, struct stoa_token_key *key, const char **out_why);

#endif
