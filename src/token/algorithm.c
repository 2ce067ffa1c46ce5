/* token/algorithm.c: the names of the algorithms (RFC 7518 3.1, RFC 8037 3.1). */
#include <stoa/token.h>

#include "base/array.h"

static const char *const names[] = {"none", "HS256", "RS256", "ES256", "EdDSA"};

const char *stoa_token_algorithm_name(enum stoa_token_algorithm algorithm) {
  return (size_t)algorithm < STOA_COUNT_OF(names) ? names[algorithm] : names[0];
}

/* Case matters (RFC 7515 4.1.1), and "none" is not an algorithm here. */
enum stoa_token_algorithm stoa_token_algorithm_of(struct stoa_string name) {
  for (size_t i = 1; i < STOA_COUNT_OF(names); i++) {
    if (stoa_string_equal(stoa_string_of(names[i]), name)) {
      return (enum stoa_token_algorithm)i;
    }
  }
  return STOA_TOKEN_NO_ALGORITHM;
}
