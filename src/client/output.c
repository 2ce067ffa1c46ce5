#include "client/client_private.h"

#include "base/sys.h"

#include <sys/epoll.h>

static size_t queued(const struct stoa_client *client) {
  return client->queue == NULL ? 0 : client->queue->bytes;
}

int stoa_client_queue(struct stoa_client *client, const void *data, size_t len) {
  if (client->deaf) {
    return STOA_OK;
  }
  if (client->queue == NULL) {
    client->queue = stoa_queue_create();
  }
  struct stoa_batch *batch = client->queue == NULL ? NULL : stoa_queue_own_begin(client->queue);
  if (batch == NULL) {
    return STOA_E_MEMORY;
  }
  int status = stoa_buffer_append(&batch->bytes, data, len);
  stoa_queue_own_end(client->queue);
  if (status == STOA_OK) {
    atomic_fetch_add_explicit(&client->outgoing, len, memory_order_relaxed);
  }
  return status == STOA_OK ? STOA_OK : STOA_E_MEMORY;
}

int stoa_client_queue_control(struct stoa_client *client, enum stoa_ws_opcode opcode, struct stoa_bytes payload) {
  uint8_t frame[2 + 4 + STOA_WS_CONTROL_LEN_MAX];
  uint32_t mask;
  int status = stoa_random_pooled(&mask, sizeof mask);
  if (status != STOA_OK) {
    return status;
  }
  frame[0] = (uint8_t)(0x80 | (int)opcode);
  frame[1] = (uint8_t)(0x80 | payload.len);
  memcpy(frame + 2, &mask, sizeof mask);
  if (payload.len > 0) {
    memcpy(frame + 6, payload.data, payload.len);
  }
  stoa_ws_mask(mask, frame + 6, payload.len);
  return stoa_client_queue(client, frame, 6 + payload.len);
}

void stoa_client_queue_release(struct stoa_client *client) {
  atomic_fetch_sub_explicit(&client->outgoing, queued(client), memory_order_relaxed);
  stoa_queue_destroy(client->queue);
  client->queue = NULL;
  client->blocked = false;
}

/* A server that pings and does not read gets its pong when it has read: nothing piles up. */
static int answer_ping(struct stoa_client *client) {
  if (!client->pong_owed || client->phase != STOA_PHASE_OPEN || queued(client) >= client->settings.outgoing_bytes_max) {
    return STOA_OK;
  }
  client->pong_owed = false;
  return stoa_client_queue_control(client, STOA_WS_PONG, stoa_bytes_make(client->pong, client->pong_len));
}

/* Errors: those that end the connection. */
static int write_queue(struct stoa_client *client) {
  size_t before = queued(client);
  int status = stoa_queue_flush(client->queue, &client->conn);
  atomic_fetch_sub_explicit(&client->outgoing, before - queued(client), memory_order_relaxed);
  if (client->blocked && queued(client) < before) {
    /* What is taken of a full connection makes room at the other end. A slow server, to which a ping is behind much
     * else, is no dead one. */
    stoa_client_heard(client);
  }
  client->blocked = status == STOA_E_AGAIN;
  if (status == STOA_E_AGAIN) {
    return STOA_OK;
  }
  stoa_client_queue_release(client);
  if (status == STOA_E_SYSTEM && client->conn.tls == NULL) {
    /* A close frame with the reason may have come before, and is still to be read. */
    client->deaf = true;
    return STOA_OK;
  }
  return status;
}

/* TLS may have to read before it can write, and the reverse; stoa_conn_events() knows. */
static int watch(struct stoa_client *client) {
  bool wants_write = client->blocked && client->conn.tls == NULL;
  uint32_t events = stoa_conn_events(&client->conn, true, wants_write);
  return stoa_loop_modify(client->loop, &client->conn.io, events);
}

void stoa_client_flush(struct stoa_client *client) {
  if (!stoa_client_has_connection(client)) {
    return;
  }
  int status = answer_ping(client);
  if (status == STOA_OK && queued(client) > 0) {
    status = write_queue(client);
  }
  if (status == STOA_OK) {
    status = watch(client);
  }
  if (status != STOA_OK) {
    stoa_client_drop(client, &(struct stoa_connection_end){.status = status});
  }
}
