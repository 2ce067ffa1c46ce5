/* server/auth.h: the server's keys for tokens, what is asked of a token, and which session has which.
 *
 * Does not know: admission, groups, messages.
 * Thread: struct stoa_auth is a part of the settings, and immutable as they are; struct stoa_anonymous is immutable
 * after the start; all else on the session's worker. Lifetime: the settings own the keys; a session owns its identity,
 * which ends with it.
 */
#ifndef STOA_SERVER_AUTH_H
#define STOA_SERVER_AUTH_H

#include <stoa/auth.h>

struct stoa_server_session;

/* What tokens are verified with. */
struct stoa_auth {
  struct stoa_token_verifier verifier;
  struct stoa_token_keys *keys; /* owned; NULL: the configuration has no server.auth */
  bool is_required;
  bool takes_query;
};

/* The types that a session without a token may send. */
struct stoa_anonymous {
  uint32_t types[STOA_ANONYMOUS_TYPES_MAX];
  uint32_t count;
};

/* Load the keys. Mistakes are logged with the option.
 *
 * auth    zeroed
 * config  NULL, or with nothing set: off; borrowed until fini
 * Errors: STOA_E_ARGUMENT  something is set, but no key; or leeway_s above an hour; any status of
 * stoa_token_keys_create() */
int stoa_auth_init(struct stoa_auth *auth, const struct stoa_auth_config *config);
/* A zeroed struct is allowed. */
void stoa_auth_fini(struct stoa_auth *auth);
/* As stoa_server_allow_anonymous(). */
int stoa_auth_allow_anonymous(struct stoa_anonymous *anonymous, uint32_t type);

static inline bool stoa_auth_is_on(const struct stoa_auth *auth) {
  return auth->keys != NULL;
}

/* May a session without a token send messages of this type? */
bool stoa_auth_allows(const struct stoa_anonymous *anonymous, uint32_t type);

/* Verify a token and make it the session's own. A refusal is logged, with the client's address.
 *
 * out_is_expired  written with STOA_E_DENIED: the token would have been good, but is too old
 * Errors: STOA_E_DENIED  refused, or for another subject than the session's; STOA_E_MEMORY. The session's identity is
 *         unchanged after an error */
int stoa_auth_identify(struct stoa_session *session, struct stoa_string text, bool *out_is_expired);
/* When the session's token is too old, by the loop's clock; UINT64_MAX when it has none. Not later than in 30 s,
 * because the wall clock may be set. 0: it is too old now. */
uint64_t stoa_auth_expiry_ms(const struct stoa_session *session);
/* Free the session's identity. */
void stoa_auth_forget(struct stoa_server_session *own);

#endif
