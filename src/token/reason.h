/* token/reason.h: sets the reason why a token is refused. */
#ifndef STOA_TOKEN_REASON_H
#define STOA_TOKEN_REASON_H

#include <stoa/token.h>

/* Set the error; `text` NULL: the default text of the reason. Returns STOA_E_DENIED. */
int stoa_token_refuse(struct stoa_token_error *error, enum stoa_token_reason reason, const char *text);

#endif
