/* token/parts.h: a token in its compact form (RFC 7515 7.1), taken apart: BASE64URL(header).BASE64URL(claims).
 * BASE64URL(signature). Pure. */
#ifndef STOA_TOKEN_PARTS_H
#define STOA_TOKEN_PARTS_H

#include <stoa/token.h>

struct stoa_token_parts {
  struct stoa_string header; /* in base64url, like the next two; borrowed from the text */
  struct stoa_string claims;
  struct stoa_string signature;
  struct stoa_bytes signed_bytes; /* header and claims, with the dot between them */
};

/* Errors: STOA_E_DENIED  too long, or not three parts */
int stoa_token_parts_split(struct stoa_string text, struct stoa_token_parts *out_parts, struct stoa_token_error *error);

/* Decode a part into the arena.
 *
 * what    static, the error text when it is not base64url
 * Errors: STOA_E_DENIED; STOA_E_LIMIT  the arena's cap; STOA_E_MEMORY */
int stoa_token_part_decode(struct stoa_string part, const char *what, struct stoa_arena *arena,
                           struct stoa_bytes *out_bytes, struct stoa_token_error *error);

/* Decode and read the header: token->header_json, algorithm and kid. Errors: as stoa_token_part_decode() */
int stoa_token_header_read(const struct stoa_token_parts *parts, struct stoa_arena *arena, struct stoa_token *token,
                           struct stoa_token_error *error);
/* Decode and read the claims: token->claims_json and claims. Errors: as stoa_token_part_decode() */
int stoa_token_payload_read(const struct stoa_token_parts *parts, struct stoa_arena *arena, struct stoa_token *token,
                            struct stoa_token_error *error);

#endif
