/* server/group/publication.h: a message from one thread to another: immutable, encoded on the sending thread, once for
 * each codec in use, and counted against the receiving worker's mailbox.
 *
 * Thread: any.
 */
#ifndef STOA_SERVER_GROUP_PUBLICATION_H
#define STOA_SERVER_GROUP_PUBLICATION_H

#include <stoa/descriptor.h>
#include <stoa/uuid.h>

struct stoa_server;
struct stoa_worker;

/* A message for many or for one. */
struct stoa_sending {
  uint32_t type;
  const struct stoa_message_type *message_type;
  const void *message;            /* borrowed until the call returns */
  const struct stoa_uuid *except; /* to a group: the member that does not get it; NULL: all get it */
  bool leaves_out_plain;          /* to a group that keeps plain sessions apart: they do not get it */
};

/* Send to the members of a group, or to all but one, in the order of its owner. Errors: as stoa_server_publish() */
int stoa_publish(struct stoa_server *server, struct stoa_string group, const struct stoa_sending *sending);
/* Send to a session of another worker than this thread's. Errors: as stoa_server_send() */
int stoa_publish_to_session(struct stoa_worker *to, const struct stoa_uuid *session_id,
                            const struct stoa_sending *sending);

#endif
