/* away.h: a session that has sent nothing for a while is away. Its user is shown so in rooms when all of the user's
 * sessions are (stoa/room.h).
 *
 * Every message counts but Ping and Refresh, which clients send by themselves. So a reader counts by Read.
 *
 * Does not know: rooms. Thread: the session's worker's.
 * Lifetime: struct away is in the session's person.
 */
#ifndef CHATROOM_AWAY_H
#define CHATROOM_AWAY_H

#include "chatroom.h"

#include <stoa/worker.h>

#define AWAY_MS_DEFAULT (5u * 60 * 1000)

/* Zeroed at first. */
struct away {
  struct stoa_worker_timer timer; /* while it is not away */
  const struct chatroom *chatroom;
  struct stoa_session *session;
  int64_t active_ms;
  bool is_away;
};

/* Have every message of a client noticed. Before the server starts. Errors: those of stoa_server_use() */
int away_setup(struct stoa_server *server, struct chatroom *chatroom);
/* The session, whose user is known, has done something. Without memory it is never away. */
void away_touch(const struct chatroom *chatroom, struct stoa_session *session);
/* The session is no longer open. */
void away_forget(struct stoa_session *session);

#endif
