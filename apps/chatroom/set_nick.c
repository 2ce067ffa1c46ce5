#include "account.h"
#include "handlers.h"
#include "presence.h"

#include <stoa/auth.h>

/* The issuer of the token has decided on the name. */
static bool has_name_of_token(struct stoa_session *session, bool *out_has) {
  struct claims claims;
  const char *reason;
  const struct stoa_token *token = stoa_session_token(session);
  *out_has = false;
  if (token == NULL) {
    return true;
  }
  int status = claims_read(token, stoa_session_arena(session), &claims, &reason);
  *out_has = status == STOA_OK && claims.name.len > 0;
  return status != STOA_E_MEMORY;
}

const struct stoa_error *chatroom_change_nick(struct stoa_session *session, struct stoa_string nick) {
  struct person *person = stoa_session_user(session);
  bool has_name = false;
  enum nick_fault fault = NICK_FINE;
  if (!has_name_of_token(session, &has_name)) {
    return account_internal_error();
  }
  if (has_name) {
    return stoa_string_equal(nick, person_nick(person))
               ? NULL
               : stoa_session_error(session, CHATROOM_ERROR_DENIED, "PERMISSION_DENIED", "the token gives the name");
  }
  int status = person_rename(person, nick, &fault);
  return status == STOA_OK ? NULL : account_nick_error(session, status, fault);
}

const struct stoa_error *chatroom_on_set_nick(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_set_nick_request *request,
                                              struct chatroom_v1_set_nick_reply *reply) {
  const struct person *person = stoa_session_user(session);
  const struct stoa_error *error = chatroom_change_nick(session, request->nick);
  if (error != NULL) {
    return error;
  }
  presence_update_user(user, session);
  reply->nick = person_nick(person);
  return account_guest_token(session, &reply->guest_token);
}
