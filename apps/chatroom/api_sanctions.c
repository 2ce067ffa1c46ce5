/* Bans and mutes: set them, take them back, list them; in rooms, and in the whole server. */
#include "api.h"
#include "failure.h"
#include "moderation.h"
#include "rules.h"

#include <stdlib.h>
#include <stoa/room_admin.h>

#define LIMIT_MAX 100u
/* In the log. */
#define BY STOA_STR("server API")

/* In a room. */

static int reply_moderated(struct stoa_call *call, uint32_t sessions) {
  const struct chatroom_v1_moderate_reply reply = {0};
  (void)sessions;
  return chatroom_v1_admin_service_moderate_reply(call, &reply);
}

const struct stoa_error *api_on_moderate(void *user, struct stoa_session *session,
                                         const struct chatroom_v1_moderate_request *request,
                                         struct chatroom_v1_moderate_reply *reply) {
  const struct moderation_request moderation = {.room = request->room,
                                                .user_id = request->user_id,
                                                .action = request->action,
                                                .seconds = request->seconds,
                                                .reason = request->reason,
                                                .by_role = CHATROOM_V1_ROLE_ADMIN,
                                                .by_id = BY,
                                                .is_http = true,
                                                .reply = reply_moderated};
  const char *fault = api_room_fault(request->room);
  fault = fault == NULL ? moderation_fault(&moderation) : fault;
  (void)reply;
  return fault == NULL ? moderation_start(user, session, &moderation) : api_refuse(session, fault);
}

/* In the whole server. */

/* Whom a request is about: one of the two. Else what is wrong. */
static const char *find_subject(struct stoa_string user_id, struct stoa_string address,
                                char out_address[USER_ADDRESS_LEN_MAX + 1]) {
  out_address[0] = '\0';
  if ((user_id.len == 0) == (address.len == 0)) {
    return "either user_id or address is given";
  }
  if (user_id.len > 0) {
    return api_user_fault(user_id);
  }
  return user_address_parse(address, out_address) ? NULL : "address is one of IPv4 or IPv6, and not a loopback address";
}

static const struct stoa_error *start(struct chatroom *chatroom, struct stoa_session *session,
                                      const struct moderation_request *moderation) {
  const char *fault = moderation_fault(moderation);
  return fault == NULL ? moderation_start(chatroom, session, moderation) : api_refuse(session, fault);
}

static int reply_banned(struct stoa_call *call, uint32_t sessions) {
  const struct chatroom_v1_ban_reply reply = {.sessions = sessions};
  return chatroom_v1_admin_service_ban_reply(call, &reply);
}

const struct stoa_error *api_on_ban(void *user, struct stoa_session *session,
                                    const struct chatroom_v1_ban_request *request,
                                    struct chatroom_v1_ban_reply *reply) {
  char address[USER_ADDRESS_LEN_MAX + 1];
  const char *fault = find_subject(request->user_id, request->address, address);
  const struct moderation_request moderation = {.user_id = request->user_id,
                                                .address = stoa_string_of(address),
                                                .action = CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN,
                                                .seconds = request->seconds,
                                                .reason = request->reason,
                                                .by_role = CHATROOM_V1_ROLE_ADMIN,
                                                .by_id = BY,
                                                .is_http = true,
                                                .reply = reply_banned};
  (void)reply;
  return fault == NULL ? start(user, session, &moderation) : api_refuse(session, fault);
}

static int reply_unbanned(struct stoa_call *call, uint32_t sessions) {
  const struct chatroom_v1_unban_reply reply = {0};
  (void)sessions;
  return chatroom_v1_admin_service_unban_reply(call, &reply);
}

const struct stoa_error *api_on_unban(void *user, struct stoa_session *session,
                                      const struct chatroom_v1_unban_request *request,
                                      struct chatroom_v1_unban_reply *reply) {
  char address[USER_ADDRESS_LEN_MAX + 1];
  const char *fault = find_subject(request->user_id, request->address, address);
  const struct moderation_request moderation = {.user_id = request->user_id,
                                                .address = stoa_string_of(address),
                                                .action = CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN,
                                                .by_role = CHATROOM_V1_ROLE_ADMIN,
                                                .by_id = BY,
                                                .is_http = true,
                                                .reply = reply_unbanned};
  (void)reply;
  return fault == NULL ? start(user, session, &moderation) : api_refuse(session, fault);
}

/* Lists. */

struct listing {
  struct stoa_call *call;
  int64_t now_ms;
  int (*reply)(struct stoa_call *call, const struct chatroom_v1_sanctions_reply *reply);
};

/* False: it is none, or over. */
static bool take_item(const struct stoa_room_value *value, int64_t now_ms, struct chatroom_v1_sanction *out_item) {
  enum sanction_kind kind;
  struct sanction sanction;
  struct stoa_string text = stoa_string_make((const char *)value->value.data, value->value.len);
  static const enum chatroom_v1_sanction_kind kinds[] = {
      [SANCTION_BAN] = CHATROOM_V1_SANCTION_KIND_SANCTION_BAN,
      [SANCTION_BAN_ADDRESS] = CHATROOM_V1_SANCTION_KIND_SANCTION_BAN_ADDRESS,
      [SANCTION_MUTE] = CHATROOM_V1_SANCTION_KIND_SANCTION_MUTE};
  if (!sanction_read(value->key, text, &kind, &sanction) || sanction.until_ms <= now_ms) {
    return false;
  }
  *out_item = (struct chatroom_v1_sanction){.kind = (int32_t)kinds[kind],
                                            .user_id = sanction.user_id,
                                            .address = sanction.address,
                                            .until_ms = sanction.until_ms,
                                            .reason = sanction.reason,
                                            .by_role = (int32_t)sanction.by_role};
  return true;
}

static void on_values(void *context, const struct stoa_room_values *values) {
  struct listing *listing = context;
  struct chatroom_v1_sanction items[LIMIT_MAX];
  size_t count = 0;
  if (values->status != STOA_ROOM_OK && values->status != STOA_ROOM_NOT_FOUND) {
    chatroom_fail_over_http(listing->call, values->status, values->retry_ms);
    free(listing);
    return;
  }
  for (size_t i = 0; i < values->count && count < LIMIT_MAX; i++) {
    count += take_item(&values->values[i], listing->now_ms, &items[count]);
  }
  bool goes_on = values->has_more && values->count > 0;
  const struct chatroom_v1_sanctions_reply reply = {
      .sanctions = {items, count},
      .continue_after = goes_on ? values->values[values->count - 1].key : stoa_string_of("")};
  int ignored = listing->reply(listing->call, &reply);
  (void)ignored; /* the client may have gone */
  free(listing);
}

static const struct stoa_error *list(const struct chatroom *chatroom, struct stoa_session *session,
                                     struct stoa_string scope, struct stoa_string after, uint32_t limit,
                                     int (*reply)(struct stoa_call *, const struct chatroom_v1_sanctions_reply *)) {
  const struct stoa_error *error = NULL;
  struct listing *listing = calloc(1, sizeof *listing);
  if (listing == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  *listing = (struct listing){.call = chatroom_take(session, &error),
                              .now_ms = stoa_server_wall_ms(stoa_session_server(session)),
                              .reply = reply};
  if (listing->call == NULL) {
    free(listing);
    return error;
  }
  int status = stoa_room_state_list(chatroom->rooms, scope, after, limit == 0 ? LIMIT_MAX : limit, on_values, listing);
  if (status != STOA_OK) {
    chatroom_fail_over_http(listing->call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
    free(listing);
  }
  return STOA_LATER;
}

static const char *page_fault(struct stoa_string after, uint32_t limit) {
  bool has_nul = after.len > 0 && memchr(after.data, '\0', after.len) != NULL;
  if (after.len > SANCTION_KEY_BYTES_MAX || has_nul) {
    return "after is the continue_after of a page";
  }
  return limit > LIMIT_MAX ? "limit is at most 100" : NULL;
}

const struct stoa_error *api_on_list_sanctions(void *user, struct stoa_session *session,
                                               const struct chatroom_v1_sanctions_request *request,
                                               struct chatroom_v1_sanctions_reply *reply) {
  char scope[RULES_SCOPE_BYTES_MAX];
  const char *fault = api_room_fault(request->room);
  fault = fault == NULL ? page_fault(request->after, request->limit) : fault;
  (void)reply;
  return fault == NULL ? list(user, session, rules_scope(request->room, scope), request->after, request->limit,
                              chatroom_v1_admin_service_list_sanctions_reply)
                       : api_refuse(session, fault);
}

const struct stoa_error *api_on_list_bans(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_bans_request *request,
                                          struct chatroom_v1_sanctions_reply *reply) {
  const char *fault = page_fault(request->after, request->limit);
  (void)reply;
  return fault == NULL ? list(user, session, stoa_string_of(RULES_SERVER_SCOPE), request->after, request->limit,
                              chatroom_v1_admin_service_list_bans_reply)
                       : api_refuse(session, fault);
}
