#include "token/reason.h"

#include "base/array.h"

static const char *const texts[] = {
    [STOA_TOKEN_FINE] = "nothing is wrong",
    [STOA_TOKEN_TOO_LONG] = "the token is too long",
    [STOA_TOKEN_MALFORMED] = "the token is not well-formed",
    [STOA_TOKEN_CRITICAL] = "the token wants an extension that is not known",
    [STOA_TOKEN_ALGORITHM] = "the algorithm is not allowed",
    [STOA_TOKEN_UNKNOWN_KEY] = "no key is known for the token",
    [STOA_TOKEN_BAD_SIGNATURE] = "the signature is wrong",
    [STOA_TOKEN_BAD_CLAIM] = "a claim has the wrong type",
    [STOA_TOKEN_NO_EXPIRY] = "the token has no expiry",
    [STOA_TOKEN_EXPIRED] = "the token has expired",
    [STOA_TOKEN_NOT_YET_VALID] = "the token is not valid yet",
    [STOA_TOKEN_WRONG_ISSUER] = "the token is of another issuer",
    [STOA_TOKEN_WRONG_AUDIENCE] = "the token is for another audience",
};

_Static_assert(STOA_COUNT_OF(texts) == STOA_TOKEN_REASON_COUNT, "each reason has its text");

const char *stoa_token_reason_text(enum stoa_token_reason reason) {
  return (size_t)reason < STOA_TOKEN_REASON_COUNT ? texts[reason] : "unknown reason";
}

int stoa_token_refuse(struct stoa_token_error *error, enum stoa_token_reason reason, const char *text) {
  error->reason = reason;
  error->text = text == NULL ? stoa_token_reason_text(reason) : text;
  return STOA_E_DENIED;
}
