/* server/http/fallback.h: the HTTP fallback: a session for clients that cannot open a WebSocket, because a proxy does
 * not let it through. docs/fallback.md has the protocol for people.
 *
 * All requests go to the path of the endpoint, and show by a field of their own what they are: no form and no link of a
 * page can send it, and a script of another origin can only after a preflight.
 *
 *   open  POST with Stoa-Protocol: SUBPROTOCOL, without a body. The response is Server-Sent Events in chunks, and the
 *         stream becomes the session's. The first event has the key for posts.
 *   post  POST with Stoa-Session: KEY. The body has messages (wire/packed.h), and Stoa-Sequence: N is their number; or
 *         it has no body and no number, which only shows that the client is alive. It may come on any connection, to
 *         any worker.
 *
 * It is POST and not GET that opens, because a browser sends no Origin with a GET to the page's own host, so a page
 * whose host was rebound (origin.h) could not be told from a program.
 *
 * Does not know: the rules of origins and admission, which request.c asks for.
 * Thread: the stream's worker.
 */
#ifndef STOA_SERVER_HTTP_FALLBACK_H
#define STOA_SERVER_HTTP_FALLBACK_H

#include "server/listener/peer.h"
#include "session/session.h"
#include "wire/http.h"

/* Messages of a post besides the longest one that is allowed. */
#define STOA_FALLBACK_BODY_BYTES (64u * 1024)
/* Of a refusal with 503. */
#define STOA_FALLBACK_RETRY_FIELD "Retry-After: 1\r\n"

enum stoa_fallback_request {
  STOA_FALLBACK_NONE, /* it is no request of the fallback */
  STOA_FALLBACK_OPEN,
  STOA_FALLBACK_POST,
  STOA_FALLBACK_PREFLIGHT /* a browser asks for one of them (Fetch standard, 3.2.2) */
};

/* What does a request to the endpoint's path ask for? */
enum stoa_fallback_request stoa_fallback_request_of(const struct stoa_http_head *head, const uint8_t *data);

/* Refuse it with an error as JSON, which any page may read, and end the connection. `message` may be NULL. */
void stoa_fallback_refuse(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                          int status, const char *message);

/* Answer a preflight of an allowed page. */
void stoa_fallback_answer_preflight(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data);

/* May this request be opened? False when it was refused. out_format  of its subprotocol */
bool stoa_fallback_check_open(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                              size_t *out_format);
/* Queue the head of the response to an open, and make the stream's session one of the fallback. The caller gives it
 * its place in the worker, then calls stoa_fallback_tell_open(). False: nothing was begun, or the stream has a fate. */
bool stoa_fallback_begin_session(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data);
/* Queue the first event. Failures are in the stream. */
void stoa_fallback_tell_open(struct stoa_session *session);

/* Read a post of an allowed page, and answer it when its messages were handled. client  whose request it is */
void stoa_fallback_serve_post(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                              const struct stoa_peer *client);

#endif
