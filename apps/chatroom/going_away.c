#include "going_away.h"

#include <chatroom/v1/chatroom.stoa.h>

void chatroom_on_draining(void *user, struct stoa_session *session, uint32_t delay_ms) {
  const struct chatroom_v1_going_away_message message = {
      .code = STOA_CLOSE_DRAINING, .reason = STOA_STR("server is going away"), .delay_ms = delay_ms};
  (void)user;
  if (stoa_session_negotiated(session)) {
    int ignored = chatroom_v1_going_away_push(session, &message);
    (void)ignored; /* the close frame says it too */
  }
}
