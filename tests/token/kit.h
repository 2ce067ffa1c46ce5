/* What the tests of tokens share: one key of each algorithm, tokens of any header and claims, and expectations. */
#ifndef STOA_TESTS_TOKEN_KIT_H
#define STOA_TESTS_TOKEN_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka's header wants the ones above before it. */
#include <cmocka.h>
#include <stoa/token.h>

#include "keys.h"

#define KIT_NOW_S INT64_C(1300000000)
#define KIT_NOW_US (KIT_NOW_S * 1000000)
#define KIT_CLAIMS "{\"sub\":\"ann\",\"exp\":1300000100}"

struct kit {
  struct stoa_arena *arena;
  struct stoa_token_verifier verifier; /* with all four keys, none with a kid */
  struct stoa_token_signer *signers[STOA_TOKEN_EDDSA + 1];
  struct stoa_token token;       /* of the last verification */
  struct stoa_token_error error; /* the same */
  struct stoa_buffer text;       /* the last token that was made, and a NUL */
};

void kit_open(struct kit *kit);
void kit_close(struct kit *kit);

struct stoa_bytes kit_secret(void);
struct stoa_bytes kit_bytes(const char *text);
/* The source of the public key, or of the secret; and of the private one. */
struct stoa_token_key_source kit_public(enum stoa_token_algorithm algorithm);
struct stoa_token_key_source kit_private(enum stoa_token_algorithm algorithm);

/* Make kit->text the token of exactly this header and these claims, signed by the algorithm's key. */
void kit_make(struct kit *kit, enum stoa_token_algorithm algorithm, const char *header, const char *claims);
/* The same with the claims alone, by stoa_token_sign(). */
void kit_sign(struct kit *kit, enum stoa_token_algorithm algorithm, const char *claims);

/* Verify kit->text at KIT_NOW_US, and the same with another text. */
int kit_verify(struct kit *kit);
int kit_verify_text(struct kit *kit, const char *text);
void kit_accept(struct kit *kit);
void kit_refuse(struct kit *kit, enum stoa_token_reason reason);
/* kit_make() with HS256 and `{"alg":"HS256"}`, then kit_accept() or kit_refuse(). */
void kit_accept_claims(struct kit *kit, const char *claims);
void kit_refuse_claims(struct kit *kit, const char *claims, enum stoa_token_reason reason);

void kit_expect_string(struct stoa_string actual, const char *expected);

/* A file with this content and mode in the tests' own folder; the path is valid until the next call. */
const char *kit_file(const char *name, struct stoa_bytes content, unsigned mode);

#endif
