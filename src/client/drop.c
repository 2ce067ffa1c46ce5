#include "client/client_private.h"

#include <assert.h>

#include "base/sys.h"

void stoa_client_close_dial(struct stoa_client *client) {
  int fd = client->dial.fd;
  if (fd >= 0) {
    stoa_loop_remove(client->loop, &client->dial);
    stoa_sys.close(fd);
    assert(client->dial.fd < 0);
  }
}

void stoa_client_release_connection(struct stoa_client *client) {
  stoa_loop_timer_stop(client->loop, &client->phase_timer);
  stoa_loop_timer_stop(client->loop, &client->address_timer);
  stoa_loop_timer_stop(client->loop, &client->silence_timer);
  stoa_client_close_dial(client);
  stoa_conn_close(&client->conn, client->loop);
  stoa_client_queue_release(client);
  stoa_buffer_fini(&client->message);
  stoa_inflater_destroy(client->inflater);
  client->inflater = NULL;
  client->input_len = 0;
  client->deaf = false;
  client->pong_owed = false;
  client->probing = false;
}

void stoa_client_drop(struct stoa_client *client, const struct stoa_connection_end *end) {
  assert(client->phase != STOA_PHASE_ENDED);
  struct stoa_connection_end why = *end;
  if (client->phase == STOA_PHASE_OPEN || client->phase == STOA_PHASE_CLOSING) {
    why.close_code = why.close_code != 0 ? why.close_code : STOA_WS_CLOSE_ABNORMAL;
    if (stoa_loop_now_ms(client->loop) - client->opened_ms >= client->settings.retry_max_ms) {
      client->tries = 0;
    }
  }
  stoa_client_release_connection(client);
  bool final = stoa_client_is_final(client, &why);
  uint32_t delay_ms = final ? 0 : stoa_client_next_delay_ms(client, &why);
  stoa_client_enter(client, final ? STOA_PHASE_ENDED : STOA_PHASE_WAITING);
  if (final) {
    stoa_client_forget_lookup(client);
  } else {
    stoa_loop_timer_start(client->loop, &client->phase_timer, delay_ms);
  }
  assert(client->queue == NULL);
  assert(!stoa_client_has_connection(client));
  stoa_client_calls_lose(client);
  stoa_client_tell(client, &why, delay_ms);
}

void stoa_client_drop_for(struct stoa_client *client, int status, const char *reason) {
  stoa_client_drop(client, &(struct stoa_connection_end){.status = status, .reason = reason});
}

void stoa_client_drop_closed(struct stoa_client *client) {
  assert(client->peer_closed);
  stoa_client_drop(client, &(struct stoa_connection_end){.close_code = client->peer_close_code,
                                                         .reason = client->peer_close_reason});
}
