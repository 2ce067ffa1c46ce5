/* sanctions.h: who is banned from a room or muted in it, until when.
 *
 * Each is a value of the room's state, with its kind and subject as the key, so that a list of the state is what this
 * is made of: "ban:USER", "ban_address:ADDRESS", "mute:USER".
 *
 * Does not know: rooms, storage, what time it is.
 * Thread: one at a time.
 */
#ifndef CHATROOM_SANCTIONS_H
#define CHATROOM_SANCTIONS_H

#include <chatroom/v1/chatroom.stoa.h>
#include <stoa/status.h>

/* Of one room. */
#define SANCTIONS_MAX 10000u
#define SANCTION_REASON_BYTES_MAX 256u
#define SANCTION_KEY_BYTES_MAX 160u
#define SANCTION_VALUE_BYTES_MAX 512u
/* Without an end: the last second of the year 9999, which every client can show as a date. */
#define SANCTION_FOREVER_MS INT64_C(253402300799000)

enum sanction_kind { SANCTION_BAN, SANCTION_BAN_ADDRESS, SANCTION_MUTE };

/* Views. */
struct sanction {
  int64_t until_ms;
  enum chatroom_v1_role by_role;
  struct stoa_string user_id; /* of whom it is; empty: only the address is banned */
  struct stoa_string address; /* of a ban of a guest: what is banned with it; empty: nothing */
  struct stoa_string reason;
};

struct sanctions;

/* NULL: no memory. */
struct sanctions *sanctions_create(void);
/* NULL is allowed. */
void sanctions_destroy(struct sanctions *sanctions);
size_t sanctions_count(const struct sanctions *sanctions);

/* The key in the state; the string is in `out`. subject: at most 128 bytes */
struct stoa_string sanction_key(enum sanction_kind kind, struct stoa_string subject, char out[SANCTION_KEY_BYTES_MAX]);
/* Is it the key of one? */
bool sanction_is_key(struct stoa_string key);
/* The value in the state. None of the strings has a line feed; the reason has at most SANCTION_REASON_BYTES_MAX bytes.
 */
struct stoa_string sanction_write(const struct sanction *sanction, char out[SANCTION_VALUE_BYTES_MAX]);

/* What a value of the state is, as views into it; of another key, or of a value that is none, false. */
bool sanction_read(struct stoa_string key, struct stoa_string value, enum sanction_kind *out_kind,
                   struct sanction *out_sanction);

/* Set one, from its key and value; an empty value removes it.
 * Errors: STOA_E_SYNTAX  the value is none; STOA_E_LIMIT  SANCTIONS_MAX; STOA_E_MEMORY. Nothing has changed then */
int sanctions_set(struct sanctions *sanctions, struct stoa_string key, struct stoa_string value);
bool sanctions_have(const struct sanctions *sanctions, struct stoa_string key);
/* Valid until the next change. False: there is none, or it has expired. */
bool sanctions_find(const struct sanctions *sanctions, enum sanction_kind kind, struct stoa_string subject,
                    int64_t now_ms, struct sanction *out_sanction);
/* The next ban of an address that was made with a ban of this user; *at is 0 at first, and only for this function.
 * Valid until the next change. False: there is none left. */
bool sanctions_next_address(const struct sanctions *sanctions, struct stoa_string user_id, int64_t now_ms, size_t *at,
                            struct stoa_string *out_address);
/* Remove one that has expired. False: there is none. */
bool sanctions_take_expired(struct sanctions *sanctions, int64_t now_ms, char out_key[SANCTION_KEY_BYTES_MAX],
                            size_t *out_len);

/* Does it count for someone of this role? Nobody is bound by those below, nor by equals; all by administrators. */
static inline bool sanction_binds(const struct sanction *sanction, enum chatroom_v1_role role) {
  return sanction->by_role == CHATROOM_V1_ROLE_ADMIN || sanction->by_role > role;
}

#endif
