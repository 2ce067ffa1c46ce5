#include "client/client_private.h"

#include "base/container.h"
#include "base/sys.h"
#include "codec/base64.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#define REQUEST_BYTES_MAX (32u * 1024)
#define KEY_BYTES 16

/* What may follow what, a bit for each phase. */
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

static void move(struct stoa_client *client, enum stoa_client_phase phase) {
  assert((follows[client->phase] & BIT(phase)) != 0);
  client->phase = phase;
  atomic_store_explicit(&client->state, states[phase], memory_order_release);
  atomic_store_explicit(&client->open_serial, phase == STOA_PHASE_OPEN ? client->serial : 0, memory_order_release);
}

static void tell(struct stoa_client *client, const struct stoa_connection_end *end, uint32_t retry_ms) {
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

static void close_dial(struct stoa_client *client) {
  int fd = client->dial.fd;
  if (fd >= 0) {
    stoa_loop_remove(client->loop, &client->dial);
    stoa_sys.close(fd);
  }
}

void stoa_client_release_connection(struct stoa_client *client) {
  stoa_loop_timer_stop(client->loop, &client->phase_timer);
  stoa_loop_timer_stop(client->loop, &client->address_timer);
  stoa_loop_timer_stop(client->loop, &client->silence_timer);
  close_dial(client);
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
  move(client, final ? STOA_PHASE_ENDED : STOA_PHASE_WAITING);
  if (final) {
    stoa_client_forget_lookup(client);
  } else {
    stoa_loop_timer_start(client->loop, &client->phase_timer, delay_ms);
  }
  stoa_client_calls_lose(client);
  tell(client, &why, delay_ms);
}

static void on_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_client *client = stoa_container_of(io, struct stoa_client, conn.io);
  /* With TLS a handshake's flight that did not fit is sent on by reading. Else what can be written is written at the
   * turn's end anyway. */
  if ((events & ~(uint32_t)EPOLLOUT) != 0 || client->conn.tls != NULL) {
    stoa_client_readable(client);
  }
}

static int write_request(struct stoa_client *client) {
  uint8_t key[KEY_BYTES];
  struct stoa_buffer request;
  int status = stoa_random_pooled(key, sizeof key);
  if (status != STOA_OK) {
    return status;
  }
  stoa_base64_write(stoa_bytes_make(key, sizeof key), (uint8_t *)client->offer.key);
  stoa_buffer_init(&request, REQUEST_BYTES_MAX);
  status = stoa_ws_offer_write(&client->offer, &request);
  if (status == STOA_OK) {
    status = stoa_client_queue(client, request.data, request.len);
  }
  stoa_buffer_fini(&request);
  return status;
}

/* The descriptor is the connection's from success on. */
static int take_over(struct stoa_client *client, int fd) {
  int status = stoa_conn_init(&client->conn, fd, client->tls, on_ready);
  if (status != STOA_OK) {
    client->conn.io.fd = -1;
    stoa_sys.close(fd);
    return status;
  }
  return stoa_loop_add(client->loop, &client->conn.io);
}

static void upgrade(struct stoa_client *client, int fd) {
  int status = take_over(client, fd);
  if (status == STOA_OK) {
    client->serial = client->serial == UINT32_MAX ? 1 : client->serial + 1;
    client->peer_closed = false;
    stoa_http_response_init(&client->response);
    move(client, STOA_PHASE_UPGRADING);
    status = write_request(client);
  }
  if (status != STOA_OK) {
    stoa_client_drop(client, &(struct stoa_connection_end){.status = status});
  }
}

static void next_address(struct stoa_client *client);

static void on_dial_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_client *client = stoa_container_of(io, struct stoa_client, dial);
  int fd = io->fd;
  (void)events;
  if (stoa_dial_result(fd) != STOA_OK) {
    client->dial_errno = errno;
    close_dial(client);
    next_address(client);
    return;
  }
  stoa_loop_remove(client->loop, io);
  stoa_loop_timer_stop(client->loop, &client->address_timer);
  upgrade(client, fd);
}

static int watch_dial(struct stoa_client *client, int fd) {
  client->dial = (struct stoa_io){.fd = fd, .events = EPOLLOUT, .on_ready = on_dial_ready};
  int status = stoa_loop_add(client->loop, &client->dial);
  if (status != STOA_OK) {
    client->dial.fd = -1;
    stoa_sys.close(fd);
  }
  return status;
}

/* An address that does not answer must not use up the time of those behind it, so each has its share. */
static void next_address(struct stoa_client *client) {
  stoa_loop_timer_stop(client->loop, &client->address_timer);
  while (client->address_next < client->address_count) {
    int fd;
    int status = stoa_dial_start(&client->addresses[client->address_next++], &fd);
    if (status == STOA_OK && watch_dial(client, fd) == STOA_OK) {
      if (client->address_next < client->address_count) {
        stoa_loop_timer_start(client->loop, &client->address_timer,
                              client->settings.handshake_ms / client->address_count);
      }
      return;
    }
    client->dial_errno = errno;
  }
  const char *reason = strerrordesc_np(client->dial_errno);
  stoa_client_drop(client, &(struct stoa_connection_end){.status = STOA_E_SYSTEM, .reason = reason});
}

/* Both halves of CONNECTING have the time of a handshake: the name, and all that follows. */
static void start_phase_timer(struct stoa_client *client) {
  stoa_loop_timer_start(client->loop, &client->phase_timer, client->settings.handshake_ms);
}

void stoa_client_resolved(struct stoa_client *client, int status) {
  assert(client->phase == STOA_PHASE_RESOLVING);
  if (status != STOA_OK) {
    const char *reason = status == STOA_E_NOT_FOUND ? "the name does not resolve"
                         : status == STOA_E_SYSTEM  ? strerrordesc_np(errno)
                                                    : NULL;
    stoa_client_drop(client, &(struct stoa_connection_end){.status = status, .reason = reason});
    return;
  }
  move(client, STOA_PHASE_DIALING);
  client->dial_errno = 0;
  start_phase_timer(client);
  next_address(client);
}

static void on_phase_due(struct stoa_timer *timer) {
  struct stoa_client *client = stoa_container_of(timer, struct stoa_client, phase_timer);
  if (client->phase == STOA_PHASE_WAITING) {
    stoa_client_dial(client);
  } else if (client->peer_closed) {
    /* The close handshake is complete; a server that leaves the connection open changes nothing about that. */
    stoa_client_drop(client, &(struct stoa_connection_end){.close_code = client->peer_close_code,
                                                           .reason = client->peer_close_reason});
  } else {
    const char *reason =
        client->phase == STOA_PHASE_RESOLVING ? "no name server answered in time" : "no answer in time";
    stoa_client_drop(client, &(struct stoa_connection_end){.status = STOA_E_TIMEOUT, .reason = reason});
  }
}

static void on_address_due(struct stoa_timer *timer) {
  struct stoa_client *client = stoa_container_of(timer, struct stoa_client, address_timer);
  client->dial_errno = ETIMEDOUT;
  close_dial(client);
  next_address(client);
}

void stoa_client_dial(struct stoa_client *client) {
  static const struct stoa_connection_end nothing;
  client->phase_timer.on_due = on_phase_due;
  client->address_timer.on_due = on_address_due;
  move(client, STOA_PHASE_RESOLVING);
  tell(client, &nothing, 0);
  start_phase_timer(client);
  int status = stoa_client_find_addresses(client);
  if (status != STOA_E_AGAIN) {
    stoa_client_resolved(client, status);
  }
}

void stoa_client_opened(struct stoa_client *client) {
  static const struct stoa_connection_end nothing;
  stoa_loop_timer_stop(client->loop, &client->phase_timer);
  client->opened_ms = stoa_loop_now_ms(client->loop);
  client->told_retry_ms = 0;
  stoa_ws_reader_init(&client->reader, false, client->deflate);
  move(client, STOA_PHASE_OPEN);
  stoa_client_watch_silence(client);
  tell(client, &nothing, 0);
}

void stoa_client_send_close(struct stoa_client *client, uint16_t code, const char *reason) {
  uint8_t frame[2 + STOA_WS_CONTROL_LEN_MAX];
  size_t len = stoa_ws_close_write(frame, code, reason);
  stoa_loop_timer_stop(client->loop, &client->silence_timer);
  client->probing = false;
  int status = stoa_client_queue_control(client, STOA_WS_CLOSE, stoa_bytes_make(frame + 2, len - 2));
  if (status != STOA_OK) {
    stoa_client_drop(client, &(struct stoa_connection_end){.status = status});
    return;
  }
  stoa_loop_timer_start(client->loop, &client->phase_timer, client->settings.close_ms);
  move(client, STOA_PHASE_CLOSING);
  tell(client, &(struct stoa_connection_end){.close_code = code, .reason = reason}, 0);
}
