#include "server/publication.h"

#include "base/memory.h"
#include "server/server_private.h"

#include <stoa/log.h>

/* A message for a group's owner, or for one session of another worker. One block: the payloads follow. */
struct publication {
  struct stoa_post post;
  struct stoa_worker *worker; /* where it goes */
  const struct stoa_message_type *message_type;
  uint32_t type;
  bool to_session;
  uint8_t name_len;
  struct stoa_uuid session_id;
  char name[STOA_GROUP_NAME_LEN_MAX];
  struct stoa_bytes payloads[STOA_CODECS_MAX];
};

static void deliver(struct stoa_post *post) {
  struct publication *publication = (struct publication *)(void *)post;
  struct stoa_worker *worker = publication->worker;
  struct stoa_outgoing outgoing = {.type = publication->type, .message_type = publication->message_type};
  memcpy(outgoing.payloads, publication->payloads, sizeof outgoing.payloads);
  stoa_worker_outgoing(worker, &outgoing);
  int status = STOA_OK;
  if (publication->to_session) {
    struct stoa_session *session = stoa_worker_find(worker, &publication->session_id);
    if (session != NULL) {
      status = stoa_worker_send(session, &outgoing);
    }
  } else {
    status = stoa_group_append(worker, stoa_string_make(publication->name, publication->name_len), &outgoing);
  }
  if (status != STOA_OK && status != STOA_E_CLOSED) {
    stoa_log(STOA_LOG_ERROR, "a message could not be delivered", STOA_F_STR("reason", stoa_status_name(status)),
             STOA_F_INT("type", publication->type));
  }
  stoa_arena_reset(worker->arena);
  stoa_free(publication);
}

/* Encode for every codec that has sessions now. A session that comes with another one meanwhile is served from one of
 * these. */
static int encode_all(struct stoa_server *server, const struct stoa_message_type *message_type, const void *message,
                      struct stoa_buffer *out, size_t ends[STOA_CODECS_MAX], uint32_t *out_mask) {
  uint32_t mask = 0;
  for (size_t i = 0; i < server->codecs.count; i++) {
    if (atomic_load_explicit(&server->codec_sessions[i], memory_order_relaxed) > 0) {
      int status = server->codecs.codecs[i]->encode(message_type, message, out);
      if (status != STOA_OK) {
        return status;
      }
      mask |= 1u << i;
    }
    ends[i] = out->len;
  }
  *out_mask = mask;
  return STOA_OK;
}

static struct publication *wrap(const struct stoa_buffer *encoded, const size_t ends[STOA_CODECS_MAX], uint32_t mask,
                                size_t codec_count) {
  struct publication *publication = stoa_calloc(1, sizeof *publication + encoded->len + 1);
  if (publication == NULL) {
    return NULL;
  }
  uint8_t *bytes = (uint8_t *)(publication + 1);
  if (encoded->len > 0) {
    memcpy(bytes, encoded->data, encoded->len);
  }
  for (size_t i = 0, start = 0; i < codec_count; start = ends[i], i++) {
    if ((mask >> i & 1) != 0) {
      publication->payloads[i] = stoa_bytes_make(bytes + start, ends[i] - start);
    }
  }
  return publication;
}

/* Errors: as stoa_server_publish(). *out_publication is NULL when no session is there at all. */
static int make(struct stoa_server *server, uint32_t type, const struct stoa_message_type *message_type,
                const void *message, struct publication **out_publication) {
  struct stoa_buffer encoded;
  size_t ends[STOA_CODECS_MAX];
  uint32_t mask;
  stoa_buffer_init(&encoded, STOA_CODECS_MAX * (size_t)32 * 1024 * 1024);
  int status = encode_all(server, message_type, message, &encoded, ends, &mask);
  *out_publication = NULL;
  if (status == STOA_OK && mask != 0) {
    *out_publication = wrap(&encoded, ends, mask, server->codecs.count);
    status = *out_publication == NULL ? STOA_E_MEMORY : STOA_OK;
  }
  stoa_buffer_fini(&encoded);
  if (*out_publication != NULL) {
    (*out_publication)->post.run = deliver;
    (*out_publication)->type = type;
    (*out_publication)->message_type = message_type;
  }
  return status;
}

static void post_to(struct stoa_server *server, uint32_t worker_index, struct publication *publication) {
  publication->worker = &server->workers[worker_index];
  stoa_loop_post(publication->worker->loop, &publication->post);
}

int stoa_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                 const struct stoa_message_type *message_type, const void *message) {
  struct stoa_worker *worker = stoa_worker_current_of(server);
  uint32_t owner = stoa_group_owner(&server->workers[0], group);
  if (worker != NULL && worker->index == owner) {
    struct stoa_outgoing outgoing = {.type = type, .message_type = message_type, .message = message};
    stoa_worker_outgoing(worker, &outgoing);
    return stoa_group_append(worker, group, &outgoing);
  }
  struct publication *publication;
  int status = make(server, type, message_type, message, &publication);
  if (publication != NULL) {
    publication->name_len = (uint8_t)group.len;
    if (group.len > 0) {
      memcpy(publication->name, group.data, group.len);
    }
    post_to(server, owner, publication);
  }
  return status;
}

int stoa_server_publish(struct stoa_server *server, struct stoa_string group, uint32_t type,
                        const struct stoa_message_type *message_type, const void *message) {
  if (group.len == 0 || group.len > STOA_GROUP_NAME_LEN_MAX || type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  return server->started ? stoa_publish(server, group, type, message_type, message) : STOA_E_CLOSED;
}

int stoa_server_broadcast(struct stoa_server *server, uint32_t type, const struct stoa_message_type *message_type,
                          const void *message) {
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  return server->started ? stoa_publish(server, stoa_string_make(NULL, 0), type, message_type, message) : STOA_E_CLOSED;
}

/* The last byte of a session's id tells its worker, see worker.c. */
uint32_t stoa_worker_index_of(const struct stoa_server *server, const struct stoa_uuid *session_id) {
  return session_id->bytes[15] % server->worker_count;
}

int stoa_server_send(struct stoa_server *server, const struct stoa_uuid *session_id, uint32_t type,
                     const struct stoa_message_type *message_type, const void *message) {
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (!server->started) {
    return STOA_E_CLOSED;
  }
  struct stoa_worker *worker = stoa_worker_current_of(server);
  uint32_t to = stoa_worker_index_of(server, session_id);
  if (worker != NULL && worker->index == to) {
    struct stoa_session *session = stoa_worker_find(worker, session_id);
    return session == NULL ? STOA_E_NOT_FOUND : stoa_session_send(session, type, message_type, message);
  }
  struct publication *publication;
  int status = make(server, type, message_type, message, &publication);
  if (status == STOA_OK && publication == NULL) {
    return STOA_E_NOT_FOUND; /* nobody is there */
  }
  if (publication != NULL) {
    publication->to_session = true;
    publication->session_id = *session_id;
    post_to(server, to, publication);
  }
  return status;
}

struct goodbye {
  struct stoa_post post;
  struct stoa_worker *worker;
  struct stoa_uuid session_id;
  uint16_t code;
  char reason[STOA_WS_CONTROL_LEN_MAX];
};

static void say_goodbye(struct stoa_post *post) {
  struct goodbye *goodbye = (struct goodbye *)(void *)post;
  struct stoa_session *session = stoa_worker_find(goodbye->worker, &goodbye->session_id);
  if (session != NULL) {
    stoa_session_close(session, goodbye->code, goodbye->reason);
  }
  stoa_free(goodbye);
}

int stoa_server_disconnect(struct stoa_server *server, const struct stoa_uuid *session_id, uint16_t code,
                           const char *reason) {
  if (!server->started) {
    return STOA_E_CLOSED;
  }
  struct stoa_worker *worker = stoa_worker_current_of(server);
  uint32_t to = stoa_worker_index_of(server, session_id);
  if (worker != NULL && worker->index == to) {
    struct stoa_session *session = stoa_worker_find(worker, session_id);
    if (session == NULL) {
      return STOA_E_NOT_FOUND;
    }
    stoa_session_close(session, code, reason);
    return STOA_OK;
  }
  struct goodbye *goodbye = stoa_calloc(1, sizeof *goodbye);
  if (goodbye == NULL) {
    return STOA_E_MEMORY;
  }
  goodbye->post.run = say_goodbye;
  goodbye->worker = &server->workers[to];
  goodbye->session_id = *session_id;
  goodbye->code = code;
  if (reason != NULL) {
    memcpy(goodbye->reason, reason, strnlen(reason, sizeof goodbye->reason - 1));
  }
  stoa_loop_post(goodbye->worker->loop, &goodbye->post);
  return STOA_OK;
}

struct review {
  struct stoa_post post;
  struct stoa_worker *worker;
  uint8_t name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
};

static void review(struct stoa_post *post) {
  struct review *review = (struct review *)(void *)post;
  stoa_group_review(review->worker, stoa_string_make(review->name, review->name_len));
  stoa_free(review);
}

int stoa_post_review(struct stoa_worker *worker, uint32_t owner, struct stoa_string group) {
  struct review *order = stoa_calloc(1, sizeof *order);
  if (order == NULL) {
    return STOA_E_MEMORY;
  }
  order->post.run = review;
  order->worker = &worker->server->workers[owner];
  order->name_len = (uint8_t)group.len;
  if (group.len > 0) {
    memcpy(order->name, group.data, group.len);
  }
  stoa_loop_post(order->worker->loop, &order->post);
  return STOA_OK;
}

struct parcel {
  struct stoa_post post;
  struct stoa_worker *worker;
  struct stoa_batch *batch; /* one reference */
  uint8_t variant, name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
};

static void unpack(struct stoa_post *post) {
  struct parcel *parcel = (struct parcel *)(void *)post;
  stoa_group_adopt(parcel->worker, stoa_string_make(parcel->name, parcel->name_len), parcel->variant, parcel->batch);
  stoa_batch_unref(parcel->batch);
  stoa_free(parcel);
}

int stoa_post_batch(struct stoa_worker *worker, uint32_t to, struct stoa_string group, size_t variant,
                    struct stoa_batch *batch) {
  struct parcel *parcel = stoa_calloc(1, sizeof *parcel);
  if (parcel == NULL) {
    return STOA_E_MEMORY;
  }
  parcel->post.run = unpack;
  parcel->worker = &worker->server->workers[to];
  parcel->batch = stoa_batch_ref(batch);
  parcel->variant = (uint8_t)variant;
  parcel->name_len = (uint8_t)group.len;
  if (group.len > 0) {
    memcpy(parcel->name, group.data, group.len);
  }
  stoa_loop_post(parcel->worker->loop, &parcel->post);
  return STOA_OK;
}
