#include "client/client_private.h"

#include <assert.h>

#include "base/sys.h"

size_t stoa_client_queued(const struct stoa_client *client) {
  return client->queue == NULL ? 0 : client->queue->bytes;
}

int stoa_client_queue(struct stoa_client *client, const void *data, size_t len) {
  if (client->deaf) {
    return STOA_OK;
  }
  if (client->queue == NULL) {
    client->queue = stoa_queue_create(NULL);
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
  assert(payload.len <= STOA_WS_CONTROL_LEN_MAX);
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
  size_t queued = stoa_client_queued(client);
  size_t before = atomic_fetch_sub_explicit(&client->outgoing, queued, memory_order_relaxed);
  assert(before >= queued);
  stoa_queue_destroy(client->queue);
  client->queue = NULL;
  client->blocked = false;
}
