#include "room/join.h"
#include "room/rooms.h"

#include "server/member.h"
#include "server/membership.h"

#include <stoa/log.h>

/* A message that was stored under other limits, or that this codec cannot express, is left out, as it would be for
 * every client like this one: to close the session would only bring it back to the same message. */
static bool is_left_out(struct stoa_session *session, int status) {
  bool is_unfit = status == STOA_E_LIMIT || status == STOA_E_TYPE || status == STOA_E_UTF8;
  return is_unfit && stoa_member_is_open(session) && session->stream.fate == STOA_FATE_ALIVE;
}

/* The first client, without a subprotocol, gets no events. */
static bool is_for(const struct stoa_rooms *rooms, const struct stoa_session *session,
                   const struct stoa_room_message *message) {
  const struct stoa_room_kind *kind = stoa_room_types_find(&rooms->types, message->type);
  bool is_event = kind != NULL && kind->type.is_event;
  return !is_event || !stoa_variant_is_plain(stoa_member_variant(session, &rooms->server->formats));
}

void stoa_room_recover(struct stoa_rooms *rooms, struct stoa_session *session, const struct stoa_room_name *name,
                       const struct stoa_room_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    const struct stoa_room_message *message = &page->messages[i];
    if (!stoa_member_is_open(session) || !stoa_group_has(session, stoa_room_name_group(name))) {
      return;
    }
    if (!is_for(rooms, session, message)) {
      continue;
    }
    int status = stoa_session_send(session, message->type, message->message_type, message->message);
    if (status == STOA_OK) {
      continue;
    }
    if (!is_left_out(session, status)) {
      if (!stoa_member_is_slow(session)) {
        stoa_member_close_lost(session);
      }
      return;
    }
    stoa_log(STOA_LOG_WARN, "a stored message cannot be sent to a session and is left out",
             STOA_F_TEXT("room", stoa_room_name_text(name)), STOA_F_INT("offset", message->stamp.position.offset),
             STOA_F_STR("reason", stoa_status_text(status)));
  }
}
