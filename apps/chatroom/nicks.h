/* nicks.h: who uses which nick on this server.
 *
 * A user has one nick, and any number of sessions that share it. A nick is in use from its user's first session until
 * the hold time after the last one, so that a page that is loaded again finds its nick free. Nicks that a reader takes
 * for the same (nick.h) belong to one user.
 *
 * Does not know: tokens, time, what a session is beside its id; the caller says what time it is. A clock that is set
 * back releases held nicks early rather than late.
 * Thread: any, but for a seat, which belongs to one thread at a time.
 * Lifetime: every seat is left before the registry is destroyed.
 * Bounds: one user for each seat, and NICKS_HELD_MAX users without any; beyond that the oldest is forgotten early.
 */
#ifndef CHATROOM_NICKS_H
#define CHATROOM_NICKS_H

#include "nick.h"

#include <stoa/uuid.h>

#define NICKS_HOLD_MS_DEFAULT 5000u
#define NICKS_HELD_MAX 65536u
/* The subjects of tokens, and the ids of guests. */
#define NICKS_USER_ID_BYTES_MAX 128u

struct nicks;
/* One session's share in the nick of its user. */
struct nicks_seat;

/* rules    borrowed until destroy
 * hold_ms  how long a nick is kept after the last session
 * NULL: no memory. */
struct nicks *nicks_create(const struct nick_rules *rules, uint32_t hold_ms);
/* NULL is allowed. */
void nicks_destroy(struct nicks *nicks);

/* Begin a session of a user. The nick becomes that of all sessions of the user.
 *
 * user_id  1 to NICKS_USER_ID_BYTES_MAX bytes, copied
 * Errors: STOA_E_EXISTS  another user has this nick; STOA_E_MEMORY. Nothing has changed after both */
int nicks_enter(struct nicks *nicks, struct stoa_string user_id, const struct nick *nick, int64_t now_ms,
                struct nicks_seat **out_seat);
/* The same with a new name, "guest-xxxx", or with the nick that the user has.
 * Errors: STOA_E_MEMORY; STOA_E_SYSTEM  no random bytes; STOA_E_EXISTS  all names that were tried are in use */
int nicks_enter_guest(struct nicks *nicks, struct stoa_string user_id, int64_t now_ms, struct nicks_seat **out_seat);
/* Change the nick of the seat's user; the old one is free at once.
 * Errors: STOA_E_EXISTS  another user has it; STOA_E_MEMORY. Nothing has changed after both */
int nicks_change(struct nicks *nicks, struct nicks_seat *seat, const struct nick *nick, int64_t now_ms);
/* End a session. NULL is allowed. */
void nicks_leave(struct nicks *nicks, struct nicks_seat *seat, int64_t now_ms);

/* The user's nick now, also when another session has changed it. Valid until the next call with this seat. */
struct stoa_string nicks_text(struct nicks *nicks, struct nicks_seat *seat);

/* Say which session the seat is for; once, by the thread that it belongs to. */
void nicks_set_session(struct nicks *nicks, struct nicks_seat *seat, const struct stoa_uuid *session_id);
/* The sessions that a user has now, on all workers; those whose seat has no session yet are missing.
 *
 * out_ids  the caller frees it; NULL without any
 * Errors: STOA_E_MEMORY */
int nicks_sessions(struct nicks *nicks, struct stoa_string user_id, struct stoa_uuid **out_ids, size_t *out_count);

/* The number of users with a session, and of those whose nick is only held. */
size_t nicks_user_count(struct nicks *nicks);
size_t nicks_held_count(struct nicks *nicks);

#endif
