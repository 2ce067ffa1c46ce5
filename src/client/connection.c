#include "client/client_private.h"

#include "base/container.h"
#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>

static void on_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_client *client = stoa_container_of(io, struct stoa_client, conn.io);
  /* With TLS, reading also sends the rest of a handshake's flight. Without TLS, output is written at the end of the
   * turn anyway. */
  if ((events & ~(uint32_t)EPOLLOUT) != 0 || client->conn.tls != NULL) {
    stoa_client_readable(client);
  }
}

/* On success the connection owns the descriptor. */
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
    stoa_client_enter(client, STOA_PHASE_UPGRADING);
    status = stoa_client_write_request(client);
  }
  if (status != STOA_OK) {
    stoa_client_drop_for(client, status, NULL);
  }
}

static void next_address(struct stoa_client *client);

static void on_dial_ready(struct stoa_io *io, uint32_t events) {
  struct stoa_client *client = stoa_container_of(io, struct stoa_client, dial);
  int fd = io->fd;
  (void)events;
  if (stoa_dial_result(fd) != STOA_OK) {
    client->dial_errno = errno;
    stoa_client_close_dial(client);
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

/* An address that does not answer must not use up the time of those after it, so each has its share. */
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
  stoa_client_drop_for(client, STOA_E_SYSTEM, reason);
}

/* Each of the two parts of CONNECTING has the time of a handshake: the look-up, and all after it. */
static void start_phase_timer(struct stoa_client *client) {
  stoa_loop_timer_start(client->loop, &client->phase_timer, client->settings.handshake_ms);
}

static void resolved(struct stoa_client *client, int status) {
  assert(client->phase == STOA_PHASE_RESOLVING);
  if (status != STOA_OK) {
    const char *reason = status == STOA_E_NOT_FOUND ? "the name does not resolve"
                         : status == STOA_E_SYSTEM  ? strerrordesc_np(errno)
                                                    : NULL;
    stoa_client_drop_for(client, status, reason);
    return;
  }
  stoa_client_enter(client, STOA_PHASE_DIALING);
  client->dial_errno = 0;
  start_phase_timer(client);
  next_address(client);
}

static void on_phase_due(struct stoa_timer *timer) {
  struct stoa_client *client = stoa_container_of(timer, struct stoa_client, phase_timer);
  if (client->phase == STOA_PHASE_WAITING) {
    stoa_client_dial(client);
  } else if (client->peer_closed) {
    /* The close handshake is complete; even if the server leaves the connection open. */
    stoa_client_drop_closed(client);
  } else {
    const char *reason =
        client->phase == STOA_PHASE_RESOLVING ? "no name server answered in time" : "no answer in time";
    stoa_client_drop_for(client, STOA_E_TIMEOUT, reason);
  }
}

static void on_address_due(struct stoa_timer *timer) {
  struct stoa_client *client = stoa_container_of(timer, struct stoa_client, address_timer);
  client->dial_errno = ETIMEDOUT;
  stoa_client_close_dial(client);
  next_address(client);
}

void stoa_client_dial(struct stoa_client *client) {
  static const struct stoa_connection_end nothing;
  client->phase_timer.on_due = on_phase_due;
  client->address_timer.on_due = on_address_due;
  stoa_client_enter(client, STOA_PHASE_RESOLVING);
  stoa_client_tell(client, &nothing, 0);
  start_phase_timer(client);
  int status = stoa_client_find_addresses(client, resolved);
  if (status != STOA_E_AGAIN) {
    resolved(client, status);
  }
}
