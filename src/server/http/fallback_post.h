/* server/http/fallback_post.h: what a client of the HTTP fallback posts: from the worker that reads the request to the
 * worker of the session, and the answer back.
 *
 * The request is an exchange (exchange.h), which may be answered by any thread. Its body travels as a post, counted
 * against the mailbox of the session's worker, and is handled there as messages of the session.
 *
 * Does not know: origins, who may post: the key decides.
 * Thread: as each function says.
 */
#ifndef STOA_SERVER_HTTP_FALLBACK_POST_H
#define STOA_SERVER_HTTP_FALLBACK_POST_H

#include "session/fallback.h"

#include <stoa/http.h>
#include <stoa/uuid.h>

/* The session's id, a dot, and its secret in hexadecimal digits. */
#define STOA_FALLBACK_KEY_LEN (STOA_UUID_TEXT_LEN + 1 + 2 * STOA_FALLBACK_SECRET_LEN)

/* The session's worker: write its key, and a NUL. */
void stoa_fallback_key_write(const struct stoa_session *session, char out_key[STOA_FALLBACK_KEY_LEN + 1]);

/* The handler of its route. The request's worker. */
void stoa_fallback_on_post(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request);

#endif
