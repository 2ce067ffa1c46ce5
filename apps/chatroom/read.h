/* read.h: up to where a session's user has read: the message Read, and what follows from sending.
 *
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_READ_H
#define CHATROOM_READ_H

#include "chatroom.h"
#include "readers.h"

/* The reader of the session's user, which the session keeps until it is forgotten. NULL: no memory. */
struct reader *chatroom_reader(const struct chatroom *chatroom, struct stoa_session *session);
/* Read it from the storage, so that its user is told of rooms. When that fails, Join does it. */
void chatroom_load_reader(const struct chatroom *chatroom, struct stoa_session *session);
/* The session is no longer open. */
void chatroom_forget_reader(struct stoa_session *session);

/* Who has sent a message has read up to it. Tells the user's other sessions.
 *
 * reader  moved to the mark of the room
 * except  the session that has sent it */
struct read_own {
  struct reader *reader;
  struct stoa_string user_id;
  const struct stoa_uuid *except;
  struct stoa_string room;
  struct read_mark mark;
};
void chatroom_read_own(const struct chatroom *chatroom, struct stoa_server *server, const struct read_own *own);

#endif
