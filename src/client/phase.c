#include "client/client_private.h"

#include <assert.h>

/* The phases that may follow each phase, one bit for each. */
#define BIT(phase) (1u << (phase))
static const uint8_t follows[] = {
    [STOA_PHASE_IDLE] = BIT(STOA_PHASE_RESOLVING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_RESOLVING] = BIT(STOA_PHASE_DIALING) | BIT(STOA_PHASE_WAITING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_DIALING] = BIT(STOA_PHASE_UPGRADING) | BIT(STOA_PHASE_WAITING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_UPGRADING] = BIT(STOA_PHASE_OPEN) | BIT(STOA_PHASE_WAITING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_OPEN] = BIT(STOA_PHASE_CLOSING) | BIT(STOA_PHASE_WAITING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_CLOSING] = BIT(STOA_PHASE_WAITING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_WAITING] = BIT(STOA_PHASE_RESOLVING) | BIT(STOA_PHASE_ENDED),
    [STOA_PHASE_ENDED] = 0,
};

static const enum stoa_client_state states[] = {
    [STOA_PHASE_IDLE] = STOA_CLIENT_IDLE,          [STOA_PHASE_RESOLVING] = STOA_CLIENT_CONNECTING,
    [STOA_PHASE_DIALING] = STOA_CLIENT_CONNECTING, [STOA_PHASE_UPGRADING] = STOA_CLIENT_CONNECTING,
    [STOA_PHASE_OPEN] = STOA_CLIENT_OPEN,          [STOA_PHASE_CLOSING] = STOA_CLIENT_CLOSING,
    [STOA_PHASE_WAITING] = STOA_CLIENT_WAITING,    [STOA_PHASE_ENDED] = STOA_CLIENT_ENDED,
};

void stoa_client_enter(struct stoa_client *client, enum stoa_client_phase phase) {
  assert((follows[client->phase] & BIT(phase)) != 0);
  assert(phase != STOA_PHASE_OPEN || client->serial != 0);
  client->phase = phase;
  atomic_store_explicit(&client->state, states[phase], memory_order_release);
  atomic_store_explicit(&client->open_serial, phase == STOA_PHASE_OPEN ? client->serial : 0, memory_order_release);
}

void stoa_client_tell(struct stoa_client *client, const struct stoa_connection_end *end, uint32_t retry_ms) {
  const struct stoa_client_callbacks *callbacks = &client->callbacks;
  if (callbacks->on_state == NULL) {
    return;
  }
  const char *reason = end->reason != NULL ? end->reason : end->status != STOA_OK ? stoa_status_text(end->status) : "";
  const struct stoa_client_change change = {.state = states[client->phase],
                                            .status = end->status,
                                            .http_status = end->http_status,
                                            .close_code = end->close_code,
                                            .reason = reason,
                                            .retry_ms = retry_ms};
  callbacks->on_state(callbacks->user, client, &change);
}

bool stoa_client_has_connection(const struct stoa_client *client) {
  return client->phase >= STOA_PHASE_UPGRADING && client->phase <= STOA_PHASE_CLOSING;
}
