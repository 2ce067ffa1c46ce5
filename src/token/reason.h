/* token/reason.h: saying why a token is refused. */
#ifndef STOA_TOKEN_REASON_H
#define STOA_TOKEN_REASON_H

#include <stoa/token.h>

/* Set the error, with the reason's own text when `text` is NULL. Returns STOA_E_DENIED. */
int stoa_token_refuse(struct stoa_token_error *error, enum stoa_token_reason reason, const char *text);

#endif
