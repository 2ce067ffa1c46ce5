/* guest.h: tokens of guests, by which a guest keeps user id and nick over a reload and a restart.
 *
 * A JWT with HS256: `sub` is the user id, and `nick` the nick. It is good for 90 days; every Hello renews it. The key
 * is in the file guest.key of the data folder; who reads it can be any guest. Without a folder the key is in memory
 * only, and tokens are good until the program ends.
 *
 * Does not know: sessions, who uses a nick, what time it is.
 * Thread: create on one, the rest on any; the keys are immutable.
 * Secrets: neither key nor token is in a log line.
 */
#ifndef CHATROOM_GUEST_H
#define CHATROOM_GUEST_H

#include <stoa/token.h>

#define GUEST_KEY_FILE "guest.key"
#define GUEST_TOKEN_DAYS 90
#define GUEST_USER_ID_BYTES_MAX 128u
/* A token with the longest user id and nick, in JSON all escaped, is shorter. */
#define GUEST_TOKEN_LEN_MAX ((size_t)4096)

struct guest_keys;

/* Read the key, or make one: a file with mode 0600, which appears complete or not at all.
 *
 * folder  exists; NULL: the key is in memory only
 * Errors, each logged with the file and the reason:
 *         STOA_E_NOT_FOUND  the folder does not exist
 *         STOA_E_DENIED     other users may read or write the file
 *         STOA_E_TYPE       its content is too short
 *         STOA_E_LIMIT      its content or its path is too long
 *         STOA_E_SYSTEM     it cannot be read or written, or there are no random bytes
 *         STOA_E_MEMORY */
int guest_keys_create(const char *folder, struct guest_keys **out_keys);
/* NULL is allowed. */
void guest_keys_destroy(struct guest_keys *keys);

/* Append a new token.
 *
 * user_id  1 to GUEST_USER_ID_BYTES_MAX bytes
 * Errors: STOA_E_MEMORY; STOA_E_LIMIT  out's cap; STOA_E_SYSTEM. `out_token` is unchanged after all of them */
int guest_token_write(const struct guest_keys *keys, struct stoa_string user_id, struct stoa_string nick,
                      int64_t now_ms, struct stoa_buffer *out_token);

struct guest {
  struct stoa_string user_id; /* 1 to GUEST_USER_ID_BYTES_MAX bytes */
  struct stoa_string nick;    /* not checked; may be empty */
};

/* arena       out_guest points into it
 * out_reason  why it is refused, STOA_TOKEN_FINE otherwise
 * Errors: STOA_E_DENIED  the token was not made by guest_token_write() with this key, or has expired
 *         STOA_E_MEMORY */
int guest_token_read(const struct guest_keys *keys, struct stoa_string token, int64_t now_ms, struct stoa_arena *arena,
                     struct guest *out_guest, enum stoa_token_reason *out_reason);

#endif
