#include "client/client_private.h"

#include <assert.h>
#include <sys/epoll.h>

/* A server that pings without reading gets its pong when it has read: pongs do not pile up. */
static int answer_ping(struct stoa_client *client) {
  if (!client->pong_owed || client->phase != STOA_PHASE_OPEN ||
      stoa_client_queued(client) >= client->settings.outgoing_bytes_max) {
    return STOA_OK;
  }
  client->pong_owed = false;
  return stoa_client_queue_control(client, STOA_WS_PONG, stoa_bytes_make(client->pong, client->pong_len));
}

/* Errors: only those that end the connection. */
static int write_queue(struct stoa_client *client) {
  assert(client->queue != NULL);
  size_t before = stoa_client_queued(client);
  int status = stoa_queue_flush(client->queue, &client->conn);
  assert(stoa_client_queued(client) <= before);
  atomic_fetch_sub_explicit(&client->outgoing, before - stoa_client_queued(client), memory_order_relaxed);
  if (client->blocked && stoa_client_queued(client) < before) {
    /* When a full connection takes bytes, the server has read some. A slow server, which sees a ping only after much
     * other data, is not dead. */
    stoa_client_heard(client);
  }
  client->blocked = status == STOA_E_AGAIN;
  if (status == STOA_E_AGAIN) {
    return STOA_OK;
  }
  stoa_client_queue_release(client);
  if (status == STOA_E_SYSTEM && client->conn.tls == NULL) {
    /* A close frame with the reason may have arrived before that, and is not read yet. */
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
  if (status == STOA_OK && stoa_client_queued(client) > 0) {
    status = write_queue(client);
  }
  if (status == STOA_OK) {
    status = watch(client);
  }
  if (status != STOA_OK) {
    stoa_client_drop_for(client, status, NULL);
  }
}
