#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "client/client_private.h"
#include "wire/ws_handshake.h"

#define DEADLINE_S 30

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct peer *peer = user;
  (void)client;
  assert_true(peer->change_count < sizeof peer->changes / sizeof peer->changes[0]);
  struct peer_change *seen = &peer->changes[peer->change_count++];
  *seen = (struct peer_change){.state = change->state,
                               .status = change->status,
                               .http_status = change->http_status,
                               .close_code = change->close_code,
                               .retry_ms = change->retry_ms};
  snprintf(seen->reason, sizeof seen->reason, "%s", change->reason);
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct peer *peer = user;
  (void)client;
  peer->error = (struct peer_error){.type = type, .code = error->code};
  snprintf(peer->error.reason, sizeof peer->error.reason, "%.*s", (int)error->reason.len, error->reason.data);
}

static void on_other(void *user, struct stoa_client *client, uint32_t type, struct stoa_bytes payload) {
  struct peer *peer = user;
  (void)client;
  peer->others++;
  peer->other = (struct peer_other){.type = type, .len = payload.len};
  if (payload.len <= sizeof peer->other.payload && payload.len > 0) {
    memcpy(peer->other.payload, payload.data, payload.len);
  }
}

void peer_init(struct peer *peer) {
  memset(peer, 0, sizeof *peer);
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t len = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer->fd = -1;
  peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(peer->listener, 8), 0);
  assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &len), 0);
  peer->port = ntohs(address.sin_port);
  snprintf(peer->url, sizeof peer->url, "ws://127.0.0.1:%u/chat?room=1", peer->port);
  peer->time.monotonic_ns = 1000000000;
  peer->clock = stoa_clock_fake_init(&peer->time);
}

void peer_disconnect(struct peer *peer) {
  if (peer->fd >= 0) {
    close(peer->fd);
    peer->fd = -1;
  }
  peer->len = peer->used = 0;
}

void peer_fini(struct peer *peer) {
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  peer_disconnect(peer);
  close(peer->listener);
}

static int64_t blocks_before;

int peer_set_up(void **state) {
  static struct peer peer;
  blocks_before = stoa_memory_live_blocks();
  peer_init(&peer);
  *state = &peer;
  return 0;
}

int peer_tear_down(void **state) {
  stoa_sys = stoa_sys_real;
  peer_fini(*state);
  return stoa_memory_live_blocks() == blocks_before ? 0 : -1;
}

struct stoa_client_options peer_options(const struct peer *peer) {
  return (struct stoa_client_options){.url = peer->url};
}

static int try_create(struct peer *peer, const struct stoa_client_options *options) {
  const struct stoa_client_callbacks callbacks = {on_state, on_error, on_other, peer};
  return stoa_client_create_with(options, &callbacks, &peer->clock, &peer->client);
}

void peer_create_client(struct peer *peer, const struct stoa_client_options *options) {
  assert_int_equal(try_create(peer, options), STOA_OK);
}

int peer_try_open_client(struct peer *peer, const struct stoa_client_options *options) {
  const struct stoa_client_options plain = peer_options(peer);
  int status = try_create(peer, options != NULL ? options : &plain);
  return status == STOA_OK ? stoa_client_open(peer->client) : status;
}

void peer_open_client(struct peer *peer, const struct stoa_client_options *options) {
  assert_int_equal(peer_try_open_client(peer, options), STOA_OK);
}

time_t peer_deadline(void) {
  return time(NULL) + DEADLINE_S;
}

void peer_turn(struct peer *peer, time_t until) {
  struct pollfd fds[3] = {{peer->listener, POLLIN, 0}, {peer->fd, POLLIN, 0}, {-1, POLLIN, 0}};
  if (peer->client != NULL) {
    fds[2].fd = stoa_client_fd(peer->client);
  }
  assert_true(time(NULL) <= until);
  poll(fds, 3, 10);
  peer_step(peer);
}

void peer_step(struct peer *peer) {
  if (peer->client != NULL) {
    stoa_client_step(peer->client, 0);
  }
}

void peer_await(struct peer *peer, enum stoa_client_state state) {
  time_t until = peer_deadline();
  while (stoa_client_state(peer->client) != state) {
    peer_turn(peer, until);
  }
}

void peer_advance_ms(struct peer *peer, uint64_t ms) {
  peer->time.monotonic_ns += ms * 1000000;
  peer_step(peer);
}

const struct peer_change *peer_change(const struct peer *peer) {
  assert_true(peer->change_count > 0);
  return &peer->changes[peer->change_count - 1];
}

/* Bytes of the client after those that are there; false at its end. */
static bool receive(struct peer *peer, time_t until) {
  for (;;) {
    assert_true(peer->len < sizeof peer->data);
    ssize_t len = recv(peer->fd, peer->data + peer->len, sizeof peer->data - peer->len, MSG_DONTWAIT);
    if (len > 0) {
      peer->len += (size_t)len;
      return true;
    }
    if (len == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      return false;
    }
    peer_turn(peer, until);
  }
}

static bool read_request(struct peer *peer, time_t until) {
  char *end = NULL;
  while (end == NULL) {
    if (!receive(peer, until)) {
      return false;
    }
    end = memmem(peer->data, peer->len, "\r\n\r\n", 4);
  }
  size_t head_len = (size_t)(end - (char *)peer->data) + 4;
  assert_true(head_len < sizeof peer->head);
  memcpy(peer->head, peer->data, head_len);
  peer->head[head_len] = '\0';
  assert_int_equal(head_len, peer->len);
  peer->len = peer->used = 0;
  return true;
}

bool peer_try_accept(struct peer *peer) {
  time_t until = peer_deadline();
  peer_disconnect(peer);
  while ((peer->fd = accept4(peer->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
    enum stoa_client_state state = stoa_client_state(peer->client);
    if (state == STOA_CLIENT_WAITING || state == STOA_CLIENT_ENDED) {
      return false;
    }
    peer_turn(peer, until);
  }
  return read_request(peer, until);
}

void peer_accept(struct peer *peer) {
  assert_true(peer_try_accept(peer));
}

void peer_write(struct peer *peer, const void *data, size_t len) {
  const uint8_t *at = data;
  time_t until = peer_deadline();
  while (len > 0) {
    ssize_t written = send(peer->fd, at, peer->in_bytes ? 1 : len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written > 0) {
      at += written;
      len -= (size_t)written;
      if (peer->in_bytes) {
        peer_step(peer);
      }
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      return; /* the client has gone; the test sees that elsewhere */
    } else {
      peer_turn(peer, until);
    }
  }
}

void peer_write_text(struct peer *peer, const char *text) {
  peer_write(peer, text, strlen(text));
}

void peer_answer(struct peer *peer, const char *more) {
  char accept[STOA_WS_ACCEPT_LEN];
  char answer[1024];
  const char *key = strstr(peer->head, "Sec-WebSocket-Key: ");
  assert_non_null(key);
  stoa_ws_accept(stoa_string_make(key + strlen("Sec-WebSocket-Key: "), 24), accept);
  int len = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %.28s\r\n%s\r\n",
                     accept, more);
  peer_write(peer, answer, (size_t)len);
}

void peer_open(struct peer *peer) {
  peer_accept(peer);
  peer_answer(peer, "Sec-WebSocket-Protocol: stoa.json\r\n");
  peer_await(peer, STOA_CLIENT_OPEN);
}

void peer_send(struct peer *peer, enum stoa_ws_opcode opcode, const void *data, size_t len) {
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, opcode, false, len);
  peer_write(peer, header, header_len);
  peer_write(peer, data, len);
}

void peer_send_typed(struct peer *peer, uint32_t type, uint32_t id, const char *payload) {
  uint8_t message[512];
  size_t len = strlen(payload);
  size_t header_len = (type & STOA_TYPE_CALL) != 0 ? 8 : 4;
  uint32_t words[2] = {htonl(type), htonl(id)};
  assert_true(header_len + len <= sizeof message);
  memcpy(message, words, header_len);
  memcpy(message + header_len, payload, len);
  peer_send(peer, STOA_WS_BINARY, message, header_len + len);
}

void peer_send_close(struct peer *peer, uint16_t code, const char *reason) {
  uint8_t frame[127];
  peer_write(peer, frame, stoa_ws_close_write(frame, code, reason));
}

/* A whole frame at data[used], or false. The header is read by hand: the reader under test is not its own judge. */
static bool take_frame(struct peer *peer, struct peer_frame *frame) {
  uint8_t *at = peer->data + peer->used;
  size_t len = peer->len - peer->used;
  if (len < 6) {
    return false;
  }
  assert_true((at[1] & 0x80) != 0);
  size_t payload_len = at[1] & 0x7f;
  size_t header_len = 2;
  if (payload_len == 126) {
    payload_len = (size_t)at[2] << 8 | at[3];
    header_len = 4;
  } else if (payload_len == 127) {
    payload_len = (size_t)at[6] << 24 | (size_t)at[7] << 16 | (size_t)at[8] << 8 | at[9];
    header_len = 10;
  }
  if (len < header_len + 4 + payload_len) {
    return false;
  }
  assert_int_equal(at[0] & 0xf0, 0x80);
  frame->opcode = at[0] & 0x0f;
  memcpy(frame->mask, at + header_len, 4);
  frame->data = at + header_len + 4;
  frame->len = payload_len;
  for (size_t i = 0; i < payload_len; i++) {
    frame->data[i] ^= frame->mask[i % 4];
  }
  peer->used += header_len + 4 + payload_len;
  return true;
}

struct peer_frame peer_read(struct peer *peer) {
  struct peer_frame frame = {.opcode = PEER_CLOSED};
  time_t until = peer_deadline();
  while (!take_frame(peer, &frame)) {
    memmove(peer->data, peer->data + peer->used, peer->len - peer->used);
    peer->len -= peer->used;
    peer->used = 0;
    if (!receive(peer, until)) {
      return (struct peer_frame){.opcode = PEER_CLOSED};
    }
  }
  return frame;
}
