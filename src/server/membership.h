/* server/membership.h: the groups of one session. Thread: its worker's. */
#ifndef STOA_SERVER_MEMBERSHIP_H
#define STOA_SERVER_MEMBERSHIP_H

#include <stdbool.h>
#include <stoa/bytes.h>

struct stoa_session;

/* Become a member of the group of all. Errors: STOA_E_MEMORY */
int stoa_group_join_all(struct stoa_session *session);
/* Is it a member of the group of that name? */
bool stoa_group_has(const struct stoa_session *session, struct stoa_string name);
/* Leave every group; for a session that closes. */
void stoa_group_leave_all(struct stoa_session *session);
/* Call before bytes for this session alone are appended: queue what its groups have gathered for it in this turn. */
void stoa_groups_flush_before(struct stoa_session *session);

#endif
