#include "away.h"

#include "person.h"
#include "presence.h"

#include <assert.h>
#include <chatroom/v1/chatroom.stoa.h>
#include <stoa/middleware.h>

static int64_t now_ms(const struct away *away) {
  return stoa_server_wall_ms(stoa_session_server(away->session));
}

static void change(struct away *away, bool is_away) {
  away->is_away = is_away;
  presence_update(away->chatroom, away->session);
}

static void start(struct away *away, int64_t delay_ms) {
  int ignored = stoa_worker_timer_start(stoa_session_server(away->session), &away->timer, (uint64_t)delay_ms);
  (void)ignored;
}

/* A message only notes the time; so a busy session costs one timer in chatroom->away_ms. A clock that was set back is
 * one that has gone on. */
static void on_due(struct stoa_worker_timer *timer, int status) {
  struct away *away = timer->context;
  if (status != STOA_OK) {
    return;
  }
  int64_t idle_ms = now_ms(away) - away->active_ms;
  if (idle_ms < 0 || idle_ms >= away->chatroom->away_ms) {
    change(away, true);
  } else {
    start(away, away->chatroom->away_ms - idle_ms);
  }
}

void away_touch(const struct chatroom *chatroom, struct stoa_session *session) {
  struct away *away = person_away(stoa_session_user(session));
  assert(person_is_known(stoa_session_user(session)));
  if (away->chatroom == NULL) {
    *away = (struct away){
        .timer = {.on_due = on_due, .context = away}, .chatroom = chatroom, .session = session, .active_ms = 0};
  }
  away->active_ms = now_ms(away);
  if (away->is_away) {
    change(away, false);
  }
  if (!stoa_worker_timer_runs(&away->timer)) {
    start(away, chatroom->away_ms);
  }
}

void away_forget(struct stoa_session *session) {
  struct person *person = stoa_session_user(session);
  if (person != NULL) {
    stoa_worker_timer_stop(&person_away(person)->timer);
  }
}

static const struct stoa_error *before(void *chatroom, struct stoa_invocation *invocation) {
  struct stoa_session *session = stoa_invocation_session(invocation);
  if (person_is_known(stoa_session_user(session))) {
    away_touch(chatroom, session);
  }
  return NULL;
}

static bool is_of_people(void *context, uint32_t type, const char *operation) {
  (void)context, (void)operation;
  return type != CHATROOM_V1_MESSAGE_TYPE_PING && type != CHATROOM_V1_MESSAGE_TYPE_REFRESH;
}

int away_setup(struct stoa_server *server, struct chatroom *chatroom) {
  static const struct stoa_selector selector = {.match = is_of_people};
  const struct stoa_middleware middleware = {.name = "away", .before = before, .user = chatroom};
  return stoa_server_use(server, &selector, &middleware);
}
