/* server/group/member.h: all access of groups to the fields of a session.
 *
 * Thread: the session's worker's.
 */
#ifndef STOA_SERVER_GROUP_MEMBER_H
#define STOA_SERVER_GROUP_MEMBER_H

#include "server/format.h"
#include "server/group/group.h"
#include "server/server_session.h"

#include <assert.h>

/* Its variant in a group. Fixed from the upgrade on. */
static inline size_t stoa_member_variant(const struct stoa_session *session, const struct stoa_group *group,
                                         const struct stoa_formats *formats) {
  uint8_t format = stoa_server_session_of(session)->format;
  return group->keeps_plain_apart ? stoa_formats_variant_apart(formats, format, session->deflate_bits)
                                  : stoa_format_variant(&formats->items[format], session->deflate_bits);
}

static inline bool stoa_member_is_open(const struct stoa_session *session) {
  return session->state == STOA_SESSION_OPEN;
}

/* A refused session is in no group. */
static inline bool stoa_member_is_accepted(const struct stoa_session *session) {
  return stoa_server_session_of(session)->accepted;
}

/* It reads too slowly and is closed with 4008 at the end of the turn. */
static inline bool stoa_member_is_slow(const struct stoa_session *session) {
  return session->stream.fate == STOA_FATE_SLOW;
}

/* The status of sending to it, when it takes no more. */
static inline int stoa_member_refusal(const struct stoa_session *session) {
  int status = stoa_member_is_open(session) ? stoa_stream_output_status(&session->stream) : STOA_E_CLOSED;
  return status == STOA_OK ? STOA_E_CLOSED : status;
}

/* Close it because it would miss messages of a group, so that it reconnects and asks for them. */
static inline void stoa_member_close_lost(struct stoa_session *session) {
  stoa_session_close(session, STOA_CLOSE_POSITION_LOST, "messages were lost");
}

/* Did its stream take what it was just given? One that did not has a fate now, or is not open. */
static inline bool stoa_member_has_taken(const struct stoa_session *session) {
  return session->stream.fate == STOA_FATE_ALIVE && session->stream.state == STOA_STREAM_OPEN;
}

/* Its index in the group of all. */
static inline uint32_t *stoa_member_all_index(struct stoa_session *session) {
  return &stoa_server_session_of(session)->all_index;
}

static inline uint32_t stoa_member_group_count(const struct stoa_session *session) {
  return stoa_server_session_of(session)->group_count;
}

/* One of the groups that it joined by name; `place` is less than their count. */
static inline struct stoa_membership *stoa_member_membership(const struct stoa_session *session, uint32_t place) {
  assert(place < stoa_server_session_of(session)->group_count);
  return &stoa_server_session_of(session)->memberships[place];
}

/* The place was reserved, see membership.c. */
static inline void stoa_member_add_membership(struct stoa_session *session, struct stoa_group *group, uint32_t index) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(own->group_count < own->group_capacity);
  own->memberships[own->group_count++] = (struct stoa_membership){.group = group, .index = index};
}
static inline void stoa_member_remove_membership(struct stoa_session *session, struct stoa_membership *membership) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(membership >= own->memberships && membership < own->memberships + own->group_count);
  own->group_count--;
  *membership = own->memberships[own->group_count];
}

/* Its index among the members of its variant in a group. False when it is no member. */
static inline bool stoa_member_index(const struct stoa_session *session, const struct stoa_group *group,
                                     uint32_t *out_index) {
  const struct stoa_server_session *own = stoa_server_session_of(session);
  if (group->name_len == 0) {
    *out_index = own->all_index;
    return own->accepted;
  }
  for (uint32_t i = 0; i < own->group_count; i++) {
    if (own->memberships[i].group == group) {
      *out_index = own->memberships[i].index;
      return true;
    }
  }
  return false;
}

/* Its index in a group has changed. */
static inline void stoa_member_moved(struct stoa_session *session, const struct stoa_group *group, uint32_t index) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  if (group->name_len == 0) {
    own->all_index = index;
    return;
  }
  for (uint32_t i = 0; i < own->group_count; i++) {
    if (own->memberships[i].group == group) {
      own->memberships[i].index = index;
      return;
    }
  }
}

#endif
