#include "account.h"
#include "handlers.h"
#include "presence.h"

const struct stoa_error *chatroom_on_refresh(void *user, struct stoa_session *session,
                                             const struct chatroom_v1_refresh_request *request,
                                             struct chatroom_v1_refresh_reply *reply) {
  const struct stoa_error *error = account_renew(session, request->token);
  if (error == NULL) {
    presence_update(user, session);
    reply->token_ttl_s = account_token_ttl_s(session);
  }
  return error;
}
