/* Sends to one session, by its id, from any thread. */
#include "base/container.h"
#include "server/group/publication.h"
#include "server/server_private.h"
#include "server/session_id.h"
#include "server/worker/post.h"
#include "server/worker/table.h"

static struct stoa_worker *worker_of_id(struct stoa_server *server, const struct stoa_uuid *session_id) {
  return &server->workers[stoa_session_id_worker(session_id, server->worker_count)];
}

int stoa_server_send(struct stoa_server *server, const struct stoa_uuid *session_id, uint32_t type,
                     const struct stoa_message_type *message_type, const void *message) {
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (!server->started) {
    return STOA_E_CLOSED;
  }
  struct stoa_worker *to = worker_of_id(server, session_id);
  if (to == stoa_worker_here(server)) {
    struct stoa_session *session = stoa_worker_find(to, session_id);
    return session == NULL ? STOA_E_NOT_FOUND : stoa_session_send(session, type, message_type, message);
  }
  const struct stoa_sending sending = {.type = type, .message_type = message_type, .message = message};
  return stoa_publish_to_session(to, session_id, &sending);
}

struct close_request {
  struct stoa_worker_post post;
  struct stoa_uuid session_id;
  uint16_t code;
  char reason[STOA_WS_CONTROL_LEN_MAX];
};

static void close_session(struct stoa_worker *worker, struct stoa_worker_post *post) {
  const struct close_request *self = stoa_container_of(post, const struct close_request, post);
  struct stoa_session *session = stoa_worker_find(worker, &self->session_id);
  if (session != NULL) {
    stoa_session_close(session, self->code, self->reason);
  }
}

static int post_close(struct stoa_worker *to, const struct stoa_uuid *session_id, uint16_t code, const char *reason) {
  struct stoa_worker_post *post;
  int status = stoa_worker_post_create(to, &to->mailbox, sizeof(struct close_request), 0, close_session, &post);
  if (status != STOA_OK) {
    return status;
  }
  struct close_request *self = stoa_container_of(post, struct close_request, post);
  self->session_id = *session_id;
  self->code = code;
  if (reason != NULL) {
    memcpy(self->reason, reason, strnlen(reason, sizeof self->reason - 1));
  }
  stoa_worker_post_send(post);
  return STOA_OK;
}

int stoa_server_close_session(struct stoa_server *server, const struct stoa_uuid *session_id, uint16_t code,
                              const char *reason) {
  if (!server->started) {
    return STOA_E_CLOSED;
  }
  struct stoa_worker *to = worker_of_id(server, session_id);
  if (to != stoa_worker_here(server)) {
    return post_close(to, session_id, code, reason);
  }
  struct stoa_session *session = stoa_worker_find(to, session_id);
  if (session == NULL) {
    return STOA_E_NOT_FOUND;
  }
  stoa_session_close(session, code, reason);
  return STOA_OK;
}
