/* person.h: the user of a session: id, nick, role, and the rooms that a token allows.
 *
 * A session without a subprotocol is a guest with a given name at once. Any other one has no user before its Hello, and
 * is closed with 4502 when Hello does not come in time. The address of the client is stoa_session_address().
 *
 * Thread: the session's worker's. Lifetime: from on_connect to on_closed; stoa_session_user() of every session.
 */
#ifndef CHATROOM_PERSON_H
#define CHATROOM_PERSON_H

#include "people.h"

#include <chatroom/v1/chatroom.stoa.h>

struct away;
struct change;
struct claims;
struct joining;
struct member;
struct reader;
struct person;

/* NULL: no memory, or no random bytes. */
struct person *person_create(struct people *people, struct stoa_session *session);
/* The nick stays in use for a while. NULL is allowed. */
void person_destroy(struct person *person);

struct people *person_people(const struct person *person);

/* Has the session said who it is? Before that there is no id and no nick, and no handler but that of Hello runs. False
 * for NULL. */
bool person_is_known(const struct person *person);
/* Was it a guest, not a user with a token of server.auth? */
bool person_is_guest(const struct person *person);
/* The id of the user, which all sessions of the user share; valid as long as the person. */
struct stoa_string person_user_id(const struct person *person);
/* The nick now; another session of the user may change it. Valid until the callback returns. */
struct stoa_string person_nick(const struct person *person);
enum chatroom_v1_role person_role(const struct person *person);
/* Does the token allow this room? True for guests, and for tokens without the claim `rooms`. */
bool person_may_enter(const struct person *person, struct stoa_string room);

/* The address of a guest; empty for users with a token, and for one that tells nobody apart. Valid as long as the
 * person. */
struct stoa_string person_guest_address(const struct person *person);

/* What is in progress, and where it is a member: for join.c, change.c and member.c. */
struct joining **person_joinings(struct person *person);
struct change **person_changes(struct person *person);
/* When it was told last that the user types; 0: not since its last message. For typing.c and chat.c. */
int64_t *person_typed_ms(struct person *person);
struct member **person_members(struct person *person);
/* For away.c. */
struct away *person_away(struct person *person);
bool person_is_away(const struct person *person);
/* Up to where the user has read, for read.c; NULL at first. */
struct reader **person_reader(struct person *person);

/* For the handlers of Hello, Refresh and SetNick. */

/* Say who it is; once. The nick becomes that of all sessions of the user.
 *
 * user_id   1 to NICKS_USER_ID_BYTES_MAX bytes, copied
 * nick      empty: the nick that the user has, or a new guest name
 * Errors: STOA_E_ARGUMENT  not a nick, for the reason in out_fault; STOA_E_EXISTS  another user has it; STOA_E_MEMORY;
 *         STOA_E_SYSTEM  no random bytes. The person is unknown still after all of them */
int person_introduce(struct person *person, struct stoa_string user_id, struct stoa_string nick, bool is_guest,
                     enum nick_fault *out_fault);
/* Change the nick of a known person. Errors: STOA_E_ARGUMENT, STOA_E_EXISTS and STOA_E_MEMORY as above; nothing has
 * changed after them */
int person_rename(struct person *person, struct stoa_string nick, enum nick_fault *out_fault);
/* Take role and rooms from a token. Errors: STOA_E_MEMORY; nothing has changed */
int person_set_claims(struct person *person, const struct claims *claims);

#endif
