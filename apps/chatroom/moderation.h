/* moderation.h: what a moderation does: store who is banned or muted, and end the sessions that it concerns. In a room,
 * or in the whole server.
 *
 *   start ─▶ store (room_change.h) ─▶ a room: each session of the user is told, and is no member any more
 *                                  └▶ the server: sessions of who is banned now are closed with 4503 ─▶ reply
 *
 * Does not know: who may moderate whom. The callers, for users moderate.c and for operators api_sanctions.c, have
 * checked that.
 * Thread: start on the worker of the call's session; all else on any worker.
 */
#ifndef CHATROOM_MODERATION_H
#define CHATROOM_MODERATION_H

#include "chatroom.h"
#include "sanctions.h"

#include <stoa/call.h>

struct moderation_request {
  struct stoa_string room;    /* empty: the whole server, for BAN and UNBAN */
  struct stoa_string user_id; /* of whom */
  struct stoa_string address; /* of whom, without a user id; as user_address_parse() writes it; for the whole server */
  int32_t action;             /* enum chatroom_v1_moderate_action */
  uint32_t seconds;
  struct stoa_string reason;
  enum chatroom_v1_role by_role;
  struct stoa_string by_id, by_nick; /* for the log */
  bool is_http;
  /* Answer the call; sessions: how many were closed with a ban from the server. Errors: of the call's reply, ignored */
  int (*reply)(struct stoa_call *call, uint32_t sessions);
};

/* What is wrong with action, user id or reason; NULL: nothing. Static. */
const char *moderation_fault(const struct moderation_request *request);
/* Take the call and go. `request` is copied. Returns what the handler is to return. */
const struct stoa_error *moderation_start(struct chatroom *chatroom, struct stoa_session *session,
                                          const struct moderation_request *request);

#endif
