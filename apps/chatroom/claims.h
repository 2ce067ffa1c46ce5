/* claims.h: what the chat reads from the token of a user: id, name, role, rooms.
 *
 * Does not know: keys and signatures; the library has verified the token (stoa/auth.h).
 * Thread: any.
 */
#ifndef CHATROOM_CLAIMS_H
#define CHATROOM_CLAIMS_H

#include <chatroom/v1/chatroom.stoa.h>
#include <stoa/token.h>

struct claims {
  struct stoa_string user_id; /* `sub`: 1 to NICKS_USER_ID_BYTES_MAX bytes, without control characters */
  struct stoa_string name;    /* empty: none */
  enum chatroom_v1_role role;
  bool has_rooms;
  const struct stoa_string *rooms; /* NULL without any */
  size_t room_count;
};

/* arena       out_claims points into it, and into the memory of the token's views
 * out_reason  what is wrong, for the log; static
 * Errors: STOA_E_DENIED  `sub` is missing or cannot be a user id, a claim has another type, or the role is unknown;
 *         STOA_E_MEMORY */
int claims_read(const struct stoa_token *token, struct stoa_arena *arena, struct claims *out_claims,
                const char **out_reason);

/* Names of rooms, copied. */
struct room_list;

/* NULL: no memory. An empty list has no room. */
struct room_list *room_list_create(const struct stoa_string *rooms, size_t count);
/* NULL is allowed. */
void room_list_destroy(struct room_list *list);
bool room_list_has(const struct room_list *list, struct stoa_string room);

#endif
