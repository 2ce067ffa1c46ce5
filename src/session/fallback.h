/* session/fallback.h: a session of a client that cannot open a WebSocket. Its output is Server-Sent Events in the
 * response to one request, on the session's own stream; its input are messages that the client posts with other
 * requests, on whatever connection and worker, and that are fed to it here.
 *
 * It is a session like every other: the same states, deadlines, pauses, shares and callbacks. What differs is its
 * protocol: that of a second host with `is_fallback`, which a worker has beside the one of WebSocket.
 *
 * Posts have numbers, so that one that was sent twice is applied once, and all are applied in order. One post is
 * handled at a time; the next one is sent when it was answered. That bounds what a session holds, and slows a client
 * whose session is paused.
 *
 * Does not know: HTTP, who posts, what a message means.
 * Thread: the session's worker's. Lifetime: the state is the stream's input, from begin until the session has ended.
 */
#ifndef STOA_SESSION_FALLBACK_H
#define STOA_SESSION_FALLBACK_H

#include "session/session.h"

#define STOA_FALLBACK_SECRET_LEN 24
/* A session that has not answered a ping is given so much more time, once: what it has posted may wait to be read on
 * another connection, of another worker. */
#define STOA_FALLBACK_LISTEN_MS 2000u

/* Why a post was not taken, or how it has ended. */
enum stoa_fallback_end {
  STOA_FALLBACK_TAKEN,        /* not ended: on_end follows */
  STOA_FALLBACK_DONE,         /* all of its messages were handled, now or when it was sent before */
  STOA_FALLBACK_GONE,         /* the session has ended; some may not have been handled */
  STOA_FALLBACK_SUPERSEDED,   /* the same post was sent again, and that one gets the answer */
  STOA_FALLBACK_OUT_OF_ORDER, /* its number is neither the next one nor the last one, or the last one's body differs */
  STOA_FALLBACK_BUSY,         /* the post before is being handled */
  STOA_FALLBACK_SYNTAX,       /* not packed messages: the session is closed with 1002 */
  STOA_FALLBACK_TOO_BIG,      /* one of its messages is too long: closed with 1009 */
  STOA_FALLBACK_NOT_UTF8      /* a text message is not UTF-8: closed with 1007 */
};

/* Messages that were posted. Owned by whoever made it, until on_end. */
struct stoa_fallback_post {
  uint64_t number;        /* 1 is the first */
  struct stoa_bytes body; /* packed messages (wire/packed.h); valid until on_end */
  /* The last call; the post may be freed. It must not end the session. */
  void (*on_end)(struct stoa_fallback_post *post, enum stoa_fallback_end end);
};

/* As stoa_session_host_init(), for sessions of this kind. */
void stoa_fallback_host_init(struct stoa_session_host *host);

/* Begin, after the head of the response was queued; the caller sends the first event. `session` is zeroed but for its
 * stream.
 *
 * secret  STOA_FALLBACK_SECRET_LEN random bytes, copied
 * Errors: STOA_E_SYSTEM  no random id; STOA_E_MEMORY; the stream's protocol is still HTTP */
int stoa_fallback_begin(struct stoa_session *session, struct stoa_session_host *host, const uint8_t *secret);

static inline bool stoa_session_is_fallback(const struct stoa_session *session) {
  return stoa_session_host_of(session)->is_fallback;
}

/* The secret that who posts must know. NULL when the session has ended. */
const uint8_t *stoa_fallback_secret(const struct stoa_session *session);
/* The client has shown that it is alive. */
void stoa_fallback_note_alive(struct stoa_session *session);
/* The number that the next post must have. */
uint64_t stoa_fallback_next_number(const struct stoa_session *session);

/* Give a post to an open session; the client is alive. Its messages are handled with the session's next shares, never
 * inside this call, unless memory is out. TAKEN: on_end is called later, or was called already, in this call; every
 * other result: on_end is not called, and the post is the caller's. */
enum stoa_fallback_end stoa_fallback_feed(struct stoa_session *session, struct stoa_fallback_post *post);

/* Private to this folder. */

/* Do messages of a post wait? */
bool stoa_fallback_has_unread(const struct stoa_session *session);
/* The session was silent for the time of a pong: give it STOA_FALLBACK_LISTEN_MS more. False when it had them. */
bool stoa_fallback_listen(struct stoa_session *session);
/* It is pinged: its silence is judged anew. */
void stoa_fallback_note_ping(struct stoa_session *session);
/* How long it may take to show life, after the session's since_ms. */
uint32_t stoa_fallback_answer_ms(const struct stoa_session *session, uint32_t pong_ms);

#endif
