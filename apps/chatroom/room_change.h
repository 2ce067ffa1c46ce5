/* room_change.h: a change of the rules of a room, or of the whole server, on its way: to the worker of the room's
 * changes, where its rules are read if nobody uses them, through the storage, and back as the answer to the call.
 *
 *   session's worker   start ─▶ room's worker   load rules ─▶ does the room exist? ─▶ begin ─▶ write ─▶ ... ─▶ end
 *
 * Thread: start and check on the session's worker; all else on the room's.
 * Lifetime: from calloc(3) by the caller to end or fail, which free it. An object begins with it.
 */
#ifndef CHATROOM_ROOM_CHANGE_H
#define CHATROOM_ROOM_CHANGE_H

#include "chatroom.h"
#include "rules.h"

#include <stoa/call.h>

struct room_change {
  /* Set by the caller before start. */
  struct chatroom *chatroom;
  void (*begin)(struct room_change *change);
  bool may_make_room; /* a room that does not exist is no error */
  bool is_http;       /* errors have a status of HTTP */

  struct stoa_server *server;
  struct stoa_call *call;
  struct room_rules *rules; /* counted */
  void (*then)(struct room_change *change);
  size_t room_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
};

/* May this user change rooms, and this one? NULL: yes. Errors: 103 PERMISSION_DENIED, NOT_ALLOWED; 107 INVALID */
const struct stoa_error *room_change_check(struct stoa_session *session, struct stoa_string room);
/* Take the call and go. The change is freed also when it is not started.
 *
 * room  empty: what is set for the whole server
 * Returns what the handler is to return. */
const struct stoa_error *room_change_start(struct room_change *change, struct stoa_session *session,
                                           struct stoa_string room);

static inline struct stoa_string room_change_room(const struct room_change *change) {
  return stoa_string_make(change->room, change->room_len);
}
int64_t room_change_now_ms(const struct room_change *change);

/* Store values, then go on; when that fails, the call is answered with the error. */
void room_change_write(struct room_change *change, const struct rules_value *values, size_t count,
                       void (*then)(struct room_change *change));
void room_change_fail(struct room_change *change, enum stoa_room_status status, uint32_t retry_ms);
void room_change_fail_with(struct room_change *change, uint32_t code, const char *reason, const char *message);
/* After the call was answered. */
void room_change_end(struct room_change *change);

#endif
