/* stoa/auth.h: whose session it is, proven by a token (stoa/token.h). `server.auth` in the configuration turns it on.
 *
 *   upgrade with `Authorization: Bearer TOKEN` ─▶ verified before on_connect
 *   or a message with a token ─▶ its handler calls stoa_session_authenticate()
 *
 * A bad token in the upgrade closes the session with 4500, an expired one with 4005, both before on_connect. With
 * `server.auth.required` a session without a token is in no group, and only messages of the types given to
 * stoa_server_allow_anonymous() reach a handler, or every message the raw handler; others are answered with error 101.
 * It has `server.limits.handshake_timeout_ms` to authenticate, then it is closed with 4502. When no type was allowed,
 * the upgrade must have a token, else the session is closed with 4500.
 *
 * HTTP requests that call an rpc carry their token as `Authorization: Bearer TOKEN`, each its own. A bad or expired one
 * is answered with 401, and so is one that is missing when it is required and the rpc's type was not allowed.
 *
 * When the token expires, plus `server.auth.leeway_s`, the session is closed with 4005, unless
 * stoa_session_authenticate() got a newer token before. Expiry is judged by the wall clock, at least every 30 s.
 *
 * Does not know: what claims mean, beyond `sub` and `exp`; accounts; passwords.
 * Thread: the session's worker, in callbacks and handlers.
 * Secrets: tokens and keys are never logged, and the client learns only "bad token" or "the token has expired".
 */
#ifndef STOA_AUTH_H
#define STOA_AUTH_H

#include <stoa/server.h>
#include <stoa/token.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_ANONYMOUS_TYPES_MAX 16

/* Let sessions that have not authenticated send messages of this type, in spite of `server.auth.required`: for the
 * message that has the token. Before start (assert).
 * Errors: STOA_E_ARGUMENT  the type is above 0x3fffffff
 *         STOA_E_LIMIT     there are STOA_ANONYMOUS_TYPES_MAX. Allowing a type twice does nothing */
STOA_API int stoa_server_allow_anonymous(struct stoa_server *server, uint32_t type);

/* Verify a token that came in a message. On success it becomes the session's token, in place of an earlier one; a
 * session that waited for it joins the group of all.
 *
 * Returns NULL on success, else an error for the handler to return, in the worker's arena; the session and its earlier
 * token are unchanged then:
 *   101 UNAUTHORIZED   the token is refused, or belongs to another subject than the session's (the log has the reason);
 *                      or the configuration has no server.auth; or it is an HTTP request
 *   109 TOKEN_EXPIRED  it has expired
 *   100 INTERNAL       memory is out, or the session is closing
 * A refused token counts towards server.limits.session_errors_max. */
STOA_API const struct stoa_error *stoa_session_authenticate(struct stoa_session *session, struct stoa_string token);

/* The session's verified token; NULL when it has none. Valid until stoa_session_authenticate() or on_closed returns.
 * stoa_token_decode_claims() reads the program's own claims from it. */
STOA_API const struct stoa_token *stoa_session_token(const struct stoa_session *session);
/* The token's `sub`; data is NULL when there is no token, or it has none. */
STOA_API struct stoa_string stoa_session_subject(const struct stoa_session *session);

#ifdef __cplusplus
}
#endif

#endif
