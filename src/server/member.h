/* server/member.h: what groups read and write of a session, all in one place.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_MEMBER_H
#define STOA_SERVER_MEMBER_H

#include "server/format.h"
#include "server/group.h"
#include "session/session.h"

/* Which side of its groups it is on. Fixed from the upgrade on. */
static inline size_t stoa_member_variant(const struct stoa_session *session, const struct stoa_formats *formats) {
  return stoa_format_variant(&formats->items[session->format], session->deflate_bits);
}

static inline bool stoa_member_is_open(const struct stoa_session *session) {
  return session->state == STOA_SESSION_OPEN;
}

/* One that is refused is a member of nothing. */
static inline bool stoa_member_is_accepted(const struct stoa_session *session) {
  return session->accepted;
}

/* It reads too slowly and is closed with 4008 at the end of the turn. */
static inline bool stoa_member_is_slow(const struct stoa_session *session) {
  return session->slow;
}

/* Why nothing more can be sent to it. */
static inline int stoa_member_refusal(const struct stoa_session *session) {
  return session->slow ? STOA_E_LIMIT : session->broken ? STOA_E_MEMORY : STOA_E_CLOSED;
}

/* It would miss messages of a group: closed, so that it comes back and asks for them. */
static inline void stoa_member_close_lost(struct stoa_session *session) {
  stoa_session_close(session, STOA_CLOSE_POSITION_LOST, "messages were lost");
}

/* Its place in the group of all. */
static inline uint32_t *stoa_member_all_index(struct stoa_session *session) {
  return &session->all_index;
}

static inline uint32_t stoa_member_group_count(const struct stoa_session *session) {
  return session->group_count;
}

/* The groups that it joined by name: `place` is below their count. */
static inline struct stoa_membership *stoa_member_membership(const struct stoa_session *session, uint32_t place) {
  return &session->memberships[place];
}

/* Room for one more membership, which is added by stoa_member_add_membership(). Errors: STOA_E_MEMORY */
int stoa_member_reserve_membership(struct stoa_session *session);
static inline void stoa_member_add_membership(struct stoa_session *session, struct stoa_group *group, uint32_t index) {
  session->memberships[session->group_count++] = (struct stoa_membership){group, index};
}
static inline void stoa_member_remove_membership(struct stoa_session *session, uint32_t place) {
  session->group_count--;
  session->memberships[place] = session->memberships[session->group_count];
}
/* When it is in no group any more. */
void stoa_member_free_memberships(struct stoa_session *session);

/* It was moved within the array of a group's side. */
static inline void stoa_member_moved(struct stoa_session *session, const struct stoa_group *group, uint32_t index) {
  if (group->name_len == 0) {
    session->all_index = index;
    return;
  }
  for (uint32_t i = 0; i < session->group_count; i++) {
    if (session->memberships[i].group == group) {
      session->memberships[i].index = index;
      return;
    }
  }
}

#endif
