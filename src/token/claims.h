/* token/claims.h: reads the registered claims from JSON (RFC 7519 4.1). */
#ifndef STOA_TOKEN_CLAIMS_H
#define STOA_TOKEN_CLAIMS_H

#include <stoa/token.h>

/* The end of the year 9999. A higher number is most likely a date in milliseconds. */
#define STOA_TOKEN_DATE_S_MAX INT64_C(253402300799)

/* json      out_claims points into it, or into the arena
 * out_text  static: describes the error; set on STOA_E_TYPE only
 * Errors: those of stoa_token_members_read(); STOA_E_TYPE  a claim of another type, or a date out of range
 */
int stoa_token_claims_read(struct stoa_string json, struct stoa_arena *arena, struct stoa_token_claims *out_claims,
                           const char **out_text);

#endif
