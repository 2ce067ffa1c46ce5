/* admin_client.h: calls of the server API of a running chat, for commands: plain HTTP/1.1, one request a connection.
 *
 * Does not know: TLS. Thread: the main thread; it blocks, for ten minutes at most.
 */
#ifndef CHATROOM_ADMIN_CLIENT_H
#define CHATROOM_ADMIN_CLIENT_H

#include <chatroom/v1/conf.stoa.h>
#include <stoa/buffer.h>
#include <stoa/codec.h>

#define ADMIN_ANSWER_BYTES_MAX ((size_t)1024 * 1024)

struct admin_answer {
  int http_status;          /* 0: there is no answer; `fault` says why */
  struct stoa_arena *arena; /* owned by the caller; the message is in it */
  char fault[512];          /* for people; empty with 200 */
};

struct admin_request {
  const char *method, *path;
  const char *body; /* JSON; NULL: none */
  const struct stoa_message_type *reply_type;
};

/* Call a route of server.admin.address with its key.
 *
 * out_reply   of the request's type; written when the status is 200
 * Returns false when nobody listens there, or the listener is off: no server runs. */
bool admin_call(const struct chatroom_v1_config *config, const struct admin_request *request, void *out_reply,
                struct admin_answer *out_answer);

/* Does a server run on this configuration's data? True also when that cannot be found out; `fault` says why then. */
bool admin_runs(const struct chatroom_v1_config *config, struct admin_answer *out_answer);

#endif
