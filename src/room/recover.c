#include "room/join.h"

#include "server/group/member.h"
#include "server/group/membership.h"
#include "server/send.h"

#include <stoa/log.h>

/* A message that was stored under other limits, or that this codec cannot express, is left out, as it would be for
 * every client like this one: to close the session would only bring it back to the same message. */
static bool is_left_out(struct stoa_session *session, int status) {
  bool is_unfit = status == STOA_E_LIMIT || status == STOA_E_TYPE || status == STOA_E_UTF8;
  return is_unfit && stoa_member_is_open(session) && session->stream.fate == STOA_FATE_ALIVE;
}

/* A plain session gets no events, see room.h. */
static bool receives(const struct stoa_rooms *rooms, const struct stoa_session *session,
                     const struct stoa_room_message *message) {
  return stoa_session_negotiated(session) || !stoa_room_types_find(&rooms->types, message->type)->type.is_event;
}

/* No message of this project's codecs becomes so much longer than it is stored; another one is left out. */
#define GROWTH_MAX 8u

bool stoa_room_recovery_fits(const struct stoa_session *session, const struct stoa_room_page *page, size_t stored) {
  struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_format *format = &worker->server->formats.items[stoa_server_session_of(session)->format];
  size_t max = worker->streams.queue_bytes_max;
  size_t queued = stoa_session_queued_bytes(session);
  size_t left = queued < max ? max - queued : 0;
  left -= left / 8; /* for the reply */
  if (stored <= left / GROWTH_MAX) {
    return true;
  }
  size_t bytes = 0;
  for (size_t i = 0; i < page->count && bytes <= left; i++) {
    const struct stoa_room_message *message = &page->messages[i];
    struct stoa_outgoing outgoing = {
        .type = message->type, .message_type = message->message_type, .message = message->message};
    size_t len;
    stoa_worker_outgoing(worker, &outgoing);
    if (stoa_format_measure(format, &outgoing, &len) == STOA_OK) {
      bytes += stoa_format_sent_max(format, len);
    }
  }
  return bytes <= left;
}

void stoa_room_recover(struct stoa_rooms *rooms, struct stoa_session *session, const struct stoa_room_name *name,
                       const struct stoa_room_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    const struct stoa_room_message *message = &page->messages[i];
    if (!stoa_member_is_open(session) || !stoa_group_has(session, stoa_room_name_group(name))) {
      return;
    }
    if (!receives(rooms, session, message)) {
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
