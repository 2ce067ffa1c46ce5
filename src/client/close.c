#include "client/client_private.h"

#include <assert.h>

void stoa_client_send_close(struct stoa_client *client, uint16_t code, const char *reason) {
  assert(client->phase == STOA_PHASE_OPEN);
  uint8_t frame[2 + STOA_WS_CONTROL_LEN_MAX];
  size_t len = stoa_ws_close_write(frame, code, reason);
  stoa_loop_timer_stop(client->loop, &client->silence_timer);
  client->probing = false;
  int status = stoa_client_queue_control(client, STOA_WS_CLOSE, stoa_bytes_make(frame + 2, len - 2));
  if (status != STOA_OK) {
    stoa_client_drop_for(client, status, NULL);
    return;
  }
  stoa_loop_timer_start(client->loop, &client->phase_timer, client->settings.close_ms);
  stoa_client_enter(client, STOA_PHASE_CLOSING);
  stoa_client_tell(client, &(struct stoa_connection_end){.close_code = code, .reason = reason}, 0);
}
