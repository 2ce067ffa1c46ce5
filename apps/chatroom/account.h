/* account.h: whose token it is: that of a user (server.auth), or that of a guest (guest.h). For the handlers of Hello,
 * Refresh and SetNick.
 *
 * Errors are for a handler to return; they are in the session's arena.
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_ACCOUNT_H
#define CHATROOM_ACCOUNT_H

#include "claims.h"
#include "person.h"

/* Views into the session's arena, or into the memory of its token. */
struct account {
  bool is_guest;
  struct stoa_string user_id;
  struct stoa_string nick; /* that of the token; empty: none */
  struct claims claims;    /* of a user */
};

/* Find out who it is, before the person is known. Without a token it is a new guest.
 * Errors: 101 UNAUTHORIZED, 109 TOKEN_EXPIRED  the token is refused, or missing where one is required
 *         100 INTERNAL */
const struct stoa_error *account_find(struct stoa_session *session, struct stoa_string token,
                                      struct account *out_account);
/* Take another token of the same user; role and rooms change with it. Errors: as account_find();
 *         107 BAD_REQUEST  it is that of another guest. Nothing has changed */
const struct stoa_error *account_renew(struct stoa_session *session, struct stoa_string token);

/* How long the session's token is good, in seconds, at least 1; 0: forever, as for a guest. */
uint32_t account_token_ttl_s(const struct stoa_session *session);
/* A new token for a guest, who keeps user id and nick with it; empty for a user. Errors: 100 INTERNAL */
const struct stoa_error *account_guest_token(struct stoa_session *session, struct stoa_string *out_token);

/* The error for a nick that was refused: 124 NICK_TAKEN for STOA_E_EXISTS, 125 NICK_INVALID for STOA_E_ARGUMENT, else
 * 100 INTERNAL. Never NULL. */
const struct stoa_error *account_nick_error(struct stoa_session *session, int status, enum nick_fault fault);
/* 100 INTERNAL, temporary: memory or random bytes are out. */
const struct stoa_error *account_internal_error(void);

#endif
