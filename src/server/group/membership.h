/* server/group/membership.h: the groups of one session. Thread: its worker's. */
#ifndef STOA_SERVER_GROUP_MEMBERSHIP_H
#define STOA_SERVER_GROUP_MEMBERSHIP_H

#include <stdbool.h>
#include <stoa/bytes.h>

struct stoa_group;
struct stoa_membership;
struct stoa_session;

/* Become a member of the group of all. Errors: STOA_E_MEMORY */
int stoa_group_join_all(struct stoa_session *session);
/* Become a member of a group of its worker; for a session that is open and accepted.
 * Errors: STOA_E_EXISTS, STOA_E_LIMIT, STOA_E_MEMORY; the group may be unused then */
int stoa_group_join(struct stoa_session *session, struct stoa_group *group);
/* Is it a member of the group of that name? */
bool stoa_group_has(const struct stoa_session *session, struct stoa_string name);
/* The same, with what is kept of it: borrowed until the session joins or leaves a group. NULL: it is none. */
struct stoa_membership *stoa_group_membership(const struct stoa_session *session, struct stoa_string name);
struct stoa_membership *stoa_group_membership_of(const struct stoa_session *session, const struct stoa_group *group);
/* Leave the group of all, and every other one but those with a mark, which its extension leaves; for a session that
 * closes. */
void stoa_group_leave_all(struct stoa_session *session);
/* Call before bytes for this session alone are appended: queue what its groups have gathered for it in this turn. */
void stoa_groups_flush_before(struct stoa_session *session);

#endif
