/* person.h: the user of a session.
 *
 * Thread: the session's worker's. Lifetime: from on_connect to on_closed; stoa_session_user() of every session.
 */
#ifndef CHATROOM_PERSON_H
#define CHATROOM_PERSON_H

#include "chatroom.h"

/* In bytes: at most four for each character in UTF-8. */
#define CHATROOM_NICK_BYTES_MAX (CHATROOM_NICK_CHARS_MAX * 4)

struct change;
struct joining;

struct person {
  char user_id[STOA_UUID_TEXT_LEN + 1]; /* a guest has the session's id */
  size_t nick_len;
  char nick[CHATROOM_NICK_BYTES_MAX];
  int32_t role;             /* enum chatroom_v1_role */
  struct change *changes;   /* for change.c */
  struct joining *joinings; /* for join.c */
};

/* With a guest name. NULL: no memory. */
struct person *person_create(struct chatroom *room, const struct stoa_session *session);
void person_destroy(struct person *person);

static inline struct stoa_string person_nick(const struct person *person) {
  return stoa_string_make(person->nick, person->nick_len);
}
/* nick: at most CHATROOM_NICK_BYTES_MAX bytes */
void person_set_nick(struct person *person, struct stoa_string nick);

#endif
