#include "client/client_private.h"

#include <assert.h>

#include "base/container.h"

/* How late a ping of the server may be. */
#define LATE_MS 10000
#define SILENCE_MS_DEFAULT (25000 + LATE_MS)

void stoa_client_learn_interval(struct stoa_client *client, const struct stoa_http_response *response,
                                const uint8_t *data) {
  client->silence_ms = client->settings.silence_ms;
  if (client->silence_ms != 0) {
    return; /* the program has chosen */
  }
  uint32_t told_ms = stoa_client_field_number(response, data, "Stoa-Ping-Interval");
  client->silence_ms = told_ms != 0 ? told_ms + LATE_MS : SILENCE_MS_DEFAULT;
}

/* The server may have nothing to send, and need not ping. But it must answer a ping of the client (RFC 6455 5.5.2), so
 * it is dead only if there is no answer to that. */
static void probe(struct stoa_client *client) {
  assert(!client->probing);
  int status = stoa_client_queue_control(client, STOA_WS_PING, stoa_bytes_make(NULL, 0));
  if (status != STOA_OK) {
    stoa_client_drop_for(client, status, NULL);
    return;
  }
  client->probing = true;
  stoa_loop_timer_start(client->loop, &client->silence_timer, client->settings.pong_ms);
}

static void on_silence_due(struct stoa_timer *timer) {
  struct stoa_client *client = stoa_container_of(timer, struct stoa_client, silence_timer);
  uint64_t quiet_ms = stoa_loop_now_ms(client->loop) - client->heard_ms;
  if (client->probing) {
    stoa_client_drop_for(client, STOA_E_TIMEOUT, "nothing was received, and a ping was not answered");
  } else if (quiet_ms < client->silence_ms) {
    stoa_loop_timer_start(client->loop, &client->silence_timer, client->silence_ms - quiet_ms);
  } else {
    probe(client);
  }
}

void stoa_client_watch_silence(struct stoa_client *client) {
  assert(client->silence_ms > 0);
  client->probing = false;
  client->heard_ms = stoa_loop_now_ms(client->loop);
  if (client->silence_ms != UINT32_MAX) {
    client->silence_timer.on_due = on_silence_due;
    stoa_loop_timer_start(client->loop, &client->silence_timer, client->silence_ms);
  }
}

void stoa_client_heard(struct stoa_client *client) {
  if (client->probing) {
    stoa_client_watch_silence(client);
  } else {
    /* The timer reads this when it is due: restarting the timer for every read would cost more. */
    client->heard_ms = stoa_loop_now_ms(client->loop);
  }
}
