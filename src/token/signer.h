/* token/signer.h: the content of a signer. */
#ifndef STOA_TOKEN_SIGNER_H
#define STOA_TOKEN_SIGNER_H

#include "token/key.h"

struct stoa_token_signer {
  struct stoa_token_key key; /* private, or a secret */
};

#endif
