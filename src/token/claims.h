/* token/claims.h: the registered claims out of their JSON (RFC 7519 4.1). */
#ifndef STOA_TOKEN_CLAIMS_H
#define STOA_TOKEN_CLAIMS_H

#include <stoa/token.h>

/* The end of the year 9999. What is above is mostly a date in milliseconds. */
#define STOA_TOKEN_DATE_S_MAX INT64_C(253402300799)

/* json      what out_claims points to lies in it, or in the arena
 * out_text  static: what is wrong, set on STOA_E_TYPE only
 * Errors: those of stoa_token_members_read(); STOA_E_TYPE  a claim of another type, or a date out of range
 */
int stoa_token_claims_read(struct stoa_string json, struct stoa_arena *arena, struct stoa_token_claims *out_claims,
                           const char **out_text);

#endif
