/* user_sessions.h: which sessions a user has on this server, on whatever worker.
 *
 * Does not know: rooms, and what a session is but its id.
 * Thread: any; it has its own locks, which are held for one operation. A session may have ended by the time that its id
 * is used.
 * Bounds: one entry for each session; the server bounds those.
 */
#ifndef CHATROOM_USER_SESSIONS_H
#define CHATROOM_USER_SESSIONS_H

#include <chatroom/v1/chatroom.stoa.h>
#include <stoa/session.h>

/* "192.0.2.1", or the network of an IPv6 address, "2001:db8::", of which one person has many addresses. */
#define USER_ADDRESS_LEN_MAX STOA_ADDRESS_TEXT_LEN

struct user_sessions;

struct user_session {
  struct stoa_uuid id;
  enum chatroom_v1_role role;
  bool is_guest;
  char address[USER_ADDRESS_LEN_MAX + 1]; /* empty: it tells nobody apart (loopback, a unix socket) */
};

/* NULL: no memory. */
struct user_sessions *user_sessions_create(void);
/* NULL is allowed. All sessions must have been removed. */
void user_sessions_destroy(struct user_sessions *all);

/* user_id  1 to NICKS_USER_ID_BYTES_MAX bytes, copied
 * Errors: STOA_E_MEMORY */
int user_sessions_add(struct user_sessions *all, struct stoa_string user_id, const struct user_session *session);
/* One that is not there is allowed. */
void user_sessions_remove(struct user_sessions *all, struct stoa_string user_id, const struct stoa_uuid *session_id);
/* The session has another role from now on. */
void user_sessions_set_role(struct user_sessions *all, struct stoa_string user_id, const struct stoa_uuid *session_id,
                            enum chatroom_v1_role role);

/* A copy of the user's sessions. out_sessions: the caller frees it with free(3); NULL when there are none.
 * Errors: STOA_E_MEMORY */
int user_sessions_list(struct user_sessions *all, struct stoa_string user_id, struct user_session **out_sessions,
                       size_t *out_count);

/* An address in the form above, from "192.0.2.1" or "2001:db8::1". False: it is none, or it tells nobody apart. */
bool user_address_parse(struct stoa_string text, char out_address[USER_ADDRESS_LEN_MAX + 1]);
/* The address by which a guest is told from others. */
void user_address_of(const struct stoa_session *session, char out_address[USER_ADDRESS_LEN_MAX + 1]);

#endif
