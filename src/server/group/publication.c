#include "server/group/publication.h"

#include "base/container.h"
#include "server/group/fanout.h"
#include "server/group/longest.h"
#include "server/group/member.h"
#include "server/send.h"
#include "server/server_private.h"
#include "server/worker/post.h"
#include "server/worker/table.h"

#include <assert.h>
#include <stoa/log.h>

/* A message to a group's owner, or to one session of another worker. One block of memory: the payloads follow. */
struct publication {
  struct stoa_worker_post post;
  const struct stoa_message_type *message_type;
  uint32_t type;
  bool to_session;
  bool has_exception;
  bool leaves_out_plain;
  uint8_t name_len;
  struct stoa_uuid session_id; /* the receiver, or the session that does not get it */
  char name[STOA_GROUP_NAME_LEN_MAX];
  struct stoa_bytes payloads[STOA_CODECS_MAX];
};

/* The sender got STOA_OK, so a session that cannot get the message must not stay open. One that is too slow is being
 * closed already. */
static int deliver_to_session(struct stoa_worker *worker, const struct stoa_uuid *id, struct stoa_outgoing *outgoing) {
  struct stoa_session *session = stoa_worker_find(worker, id);
  int status = session == NULL ? STOA_OK : stoa_worker_send(session, outgoing);
  if (status != STOA_OK && status != STOA_E_CLOSED && !stoa_member_is_slow(session)) {
    stoa_member_close_lost(session);
  }
  return status;
}

static void deliver(struct stoa_worker *worker, struct stoa_worker_post *post) {
  struct publication *self = stoa_container_of(post, struct publication, post);
  struct stoa_outgoing outgoing = {
      .type = self->type, .message_type = self->message_type, .leaves_out_plain = self->leaves_out_plain};
  memcpy(outgoing.payloads, self->payloads, sizeof outgoing.payloads);
  stoa_worker_outgoing(worker, &outgoing);
  int status = self->to_session ? deliver_to_session(worker, &self->session_id, &outgoing)
                                : stoa_fanout_deliver(&worker->groups, stoa_string_make(self->name, self->name_len),
                                                      &outgoing, self->has_exception ? &self->session_id : NULL);
  if (status != STOA_OK && status != STOA_E_CLOSED) {
    stoa_log(STOA_LOG_ERROR, "a message could not be delivered; sessions that missed it are closed with 4010 or 4008",
             STOA_F_STR("reason", stoa_status_text(status)), STOA_F_INT("type", self->type));
  }
  stoa_arena_reset(worker->arena);
}

/* Encode in every codec that has sessions now. For a session that comes with another codec meanwhile, one of these is
 * decoded. *out_is_needed false: there are no sessions at all. */
static int encode_used(struct stoa_server *server, struct stoa_outgoing *outgoing, size_t *out_len,
                       bool *out_is_needed) {
  size_t len = 0;
  bool is_needed = false;
  for (size_t i = 0; i < server->codecs.count; i++) {
    if (atomic_load_explicit(&server->codec_sessions[i], memory_order_relaxed) == 0) {
      outgoing->payloads[i] = (struct stoa_bytes){0}; /* encoded only to measure it */
      continue;
    }
    int status = stoa_outgoing_encode(outgoing, i);
    if (status != STOA_OK) {
      return status;
    }
    len += outgoing->payloads[i].len;
    is_needed = true;
  }
  *out_len = len;
  *out_is_needed = is_needed;
  return STOA_OK;
}

static void copy_payloads(struct publication *publication, const struct stoa_outgoing *outgoing) {
  uint8_t *at = (uint8_t *)(publication + 1);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    struct stoa_bytes payload = outgoing->payloads[i];
    if (payload.data != NULL) {
      assert(payload.len <= publication->post.bytes);
      memcpy(at, payload.data, payload.len);
      publication->payloads[i] = stoa_bytes_make(at, payload.len);
      at += payload.len;
    }
  }
}

/* *out_publication is NULL when there are no sessions at all. */
static int wrap(struct stoa_worker *to, struct stoa_outgoing *outgoing, struct publication **out_publication) {
  size_t len;
  bool is_needed;
  struct stoa_worker_post *post;
  *out_publication = NULL;
  int status = stoa_longest_check(&to->server->formats, outgoing);
  if (status == STOA_OK) {
    status = encode_used(to->server, outgoing, &len, &is_needed);
  }
  if (status != STOA_OK || !is_needed) {
    return status;
  }
  /* One byte more, so that a last, empty payload does not point past the block. */
  status = stoa_worker_post_create(to, &to->mailbox, sizeof **out_publication + len + 1, 0, deliver, &post);
  if (status != STOA_OK) {
    return status;
  }
  *out_publication = stoa_container_of(post, struct publication, post);
  (*out_publication)->type = outgoing->type;
  (*out_publication)->message_type = outgoing->message_type;
  copy_payloads(*out_publication, outgoing);
  return STOA_OK;
}

/* A thread that is not a worker of this server has no scratch memory. */
static int wrap_elsewhere(struct stoa_worker *to, struct stoa_outgoing *outgoing,
                          struct publication **out_publication) {
  struct stoa_buffer scratch[STOA_CODECS_MAX];
  const struct stoa_server *server = to->server;
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_init(&scratch[i], STOA_ENCODING_BYTES_MAX);
  }
  outgoing->registry = &server->codecs;
  outgoing->body_bytes_max = stoa_server_message_bytes_max(server);
  outgoing->scratch = scratch;
  int status = wrap(to, outgoing, out_publication);
  for (size_t i = 0; i < STOA_CODECS_MAX; i++) {
    stoa_buffer_fini(&scratch[i]);
  }
  return status;
}

static int make(struct stoa_worker *to, const struct stoa_sending *sending, struct publication **out_publication) {
  struct stoa_outgoing outgoing = {
      .type = sending->type, .message_type = sending->message_type, .message = sending->message};
  if (stoa_budget_is_full(&to->mailbox)) {
    return STOA_E_LIMIT; /* refused before the cost of encoding */
  }
  struct stoa_worker *here = stoa_worker_here(to->server);
  if (here == NULL) {
    return wrap_elsewhere(to, &outgoing, out_publication);
  }
  stoa_worker_outgoing(here, &outgoing);
  return wrap(to, &outgoing, out_publication);
}

static int publish_here(struct stoa_worker *worker, struct stoa_string group, const struct stoa_sending *sending) {
  struct stoa_outgoing outgoing = {.type = sending->type,
                                   .message_type = sending->message_type,
                                   .message = sending->message,
                                   .leaves_out_plain = sending->leaves_out_plain};
  stoa_worker_outgoing(worker, &outgoing);
  int status = stoa_longest_check(&worker->server->formats, &outgoing);
  return status == STOA_OK ? stoa_fanout_append(&worker->groups, group, &outgoing, sending->except) : status;
}

int stoa_publish(struct stoa_server *server, struct stoa_string group, const struct stoa_sending *sending) {
  struct stoa_worker *owner = &server->workers[stoa_group_owner(group, server->worker_count)];
  if (owner == stoa_worker_here(server)) {
    return publish_here(owner, group, sending);
  }
  struct publication *publication = NULL;
  int status = make(owner, sending, &publication);
  if (status != STOA_OK || publication == NULL) {
    return status;
  }
  assert(group.len <= sizeof publication->name);
  publication->name_len = (uint8_t)group.len;
  publication->leaves_out_plain = sending->leaves_out_plain;
  if (group.len > 0) {
    memcpy(publication->name, group.data, group.len);
  }
  if (sending->except != NULL) {
    publication->has_exception = true;
    publication->session_id = *sending->except;
  }
  stoa_worker_post_send(&publication->post);
  return STOA_OK;
}

int stoa_publish_to_session(struct stoa_worker *to, const struct stoa_uuid *session_id,
                            const struct stoa_sending *sending) {
  struct publication *publication = NULL;
  int status = make(to, sending, &publication);
  if (status != STOA_OK || publication == NULL) {
    return status == STOA_OK ? STOA_E_NOT_FOUND : status;
  }
  publication->to_session = true;
  publication->session_id = *session_id;
  stoa_worker_post_send(&publication->post);
  return STOA_OK;
}

int stoa_server_publish_except(struct stoa_server *server, struct stoa_string group, const struct stoa_uuid *except,
                               uint32_t type, const struct stoa_message_type *message_type, const void *message) {
  const struct stoa_sending sending = {
      .type = type, .message_type = message_type, .message = message, .except = except};
  if (group.len == 0 || group.len > STOA_GROUP_NAME_LEN_MAX || type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  return server->started ? stoa_publish(server, group, &sending) : STOA_E_CLOSED;
}

int stoa_server_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                        const struct stoa_message_type *message_type, const void *message) {
  return stoa_server_publish_except(server, group, NULL, type, message_type, message);
}

int stoa_server_broadcast_except(struct stoa_server *server, const struct stoa_uuid *except, uint32_t type,
                                 const struct stoa_message_type *message_type, const void *message) {
  const struct stoa_sending sending = {
      .type = type, .message_type = message_type, .message = message, .except = except};
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  return server->started ? stoa_publish(server, stoa_string_make(NULL, 0), &sending) : STOA_E_CLOSED;
}

int stoa_server_broadcast(struct stoa_server *server, uint32_t type, const struct stoa_message_type *message_type,
                          const void *message) {
  return stoa_server_broadcast_except(server, NULL, type, message_type, message);
}
