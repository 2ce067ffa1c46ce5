/* Erase a user. */
#include "api.h"
#include "erase.h"
#include "failure.h"

static void on_erased(void *call, const struct erase_result *result) {
  if (result->status != STOA_ROOM_OK) {
    chatroom_fail_over_http(call, result->status, result->retry_ms);
    return;
  }
  const struct chatroom_v1_erase_user_reply reply = {
      .messages = result->messages, .sessions = result->sessions, .told = result->told};
  int ignored = chatroom_v1_admin_service_erase_user_reply(call, &reply);
  (void)ignored; /* the client may have gone */
}

const struct stoa_error *api_on_erase_user(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_erase_user_request *request,
                                           struct chatroom_v1_erase_user_reply *reply) {
  const char *fault = api_user_fault(request->user_id);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = erase_user(user, stoa_session_server(session), request->user_id, on_erased, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}
