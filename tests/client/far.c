#include "far.h"

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

#include "client/client_private.h"
#include "wire/ws_handshake.h"

#define DEADLINE_S 30

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct far *far = user;
  (void)client;
  assert_true(far->change_count < sizeof far->changes / sizeof far->changes[0]);
  struct far_change *seen = &far->changes[far->change_count++];
  *seen = (struct far_change){.state = change->state,
                              .status = change->status,
                              .http_status = change->http_status,
                              .close_code = change->close_code,
                              .retry_ms = change->retry_ms};
  snprintf(seen->reason, sizeof seen->reason, "%s", change->reason);
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct far *far = user;
  (void)client;
  far->error = (struct far_error){.type = type, .code = error->code};
  snprintf(far->error.reason, sizeof far->error.reason, "%.*s", (int)error->reason.len, error->reason.data);
}

static void on_other(void *user, struct stoa_client *client, uint32_t type, struct stoa_bytes payload) {
  struct far *far = user;
  (void)client;
  far->others++;
  far->other = (struct far_other){.type = type, .len = payload.len};
  if (payload.len <= sizeof far->other.payload && payload.len > 0) {
    memcpy(far->other.payload, payload.data, payload.len);
  }
}

void far_init(struct far *far) {
  memset(far, 0, sizeof *far);
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t len = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  far->fd = -1;
  far->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(far->listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(far->listener, 8), 0);
  assert_int_equal(getsockname(far->listener, (struct sockaddr *)&address, &len), 0);
  far->port = ntohs(address.sin_port);
  snprintf(far->url, sizeof far->url, "ws://127.0.0.1:%u/chat?room=1", far->port);
  far->time.monotonic_ns = 1000000000;
  far->clock = stoa_clock_fake_init(&far->time);
}

void far_hang_up(struct far *far) {
  if (far->fd >= 0) {
    close(far->fd);
    far->fd = -1;
  }
  far->len = far->used = 0;
}

void far_fini(struct far *far) {
  stoa_client_destroy(far->client);
  far->client = NULL;
  far_hang_up(far);
  close(far->listener);
}

struct stoa_client_options far_options(const struct far *far) {
  return (struct stoa_client_options){.url = far->url};
}

static int try_create(struct far *far, const struct stoa_client_options *options) {
  const struct stoa_client_callbacks callbacks = {on_state, on_error, on_other, far};
  return stoa_client_create_with(options, &callbacks, &far->clock, &far->client);
}

void far_create(struct far *far, const struct stoa_client_options *options) {
  assert_int_equal(try_create(far, options), STOA_OK);
}

int far_try_client(struct far *far, const struct stoa_client_options *options) {
  const struct stoa_client_options plain = far_options(far);
  int status = try_create(far, options != NULL ? options : &plain);
  return status == STOA_OK ? stoa_client_open(far->client) : status;
}

void far_client(struct far *far, const struct stoa_client_options *options) {
  assert_int_equal(far_try_client(far, options), STOA_OK);
}

time_t far_deadline(void) {
  return time(NULL) + DEADLINE_S;
}

void far_turn(struct far *far, time_t until) {
  struct pollfd fds[3] = {{far->listener, POLLIN, 0}, {far->fd, POLLIN, 0}, {-1, POLLIN, 0}};
  if (far->client != NULL) {
    fds[2].fd = stoa_client_fd(far->client);
  }
  assert_true(time(NULL) <= until);
  poll(fds, 3, 10);
  far_step(far);
}

void far_step(struct far *far) {
  if (far->client != NULL) {
    stoa_client_step(far->client, 0);
  }
}

void far_await(struct far *far, enum stoa_client_state state) {
  time_t until = far_deadline();
  while (stoa_client_state(far->client) != state) {
    far_turn(far, until);
  }
}

void far_pass(struct far *far, uint64_t ms) {
  far->time.monotonic_ns += ms * 1000000;
  far_step(far);
}

const struct far_change *far_change(const struct far *far) {
  assert_true(far->change_count > 0);
  return &far->changes[far->change_count - 1];
}

/* Bytes of the client behind those that are there; false at its end. */
static bool receive(struct far *far, time_t until) {
  for (;;) {
    assert_true(far->len < sizeof far->data);
    ssize_t len = recv(far->fd, far->data + far->len, sizeof far->data - far->len, MSG_DONTWAIT);
    if (len > 0) {
      far->len += (size_t)len;
      return true;
    }
    if (len == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      return false;
    }
    far_turn(far, until);
  }
}

static bool read_request(struct far *far, time_t until) {
  char *end = NULL;
  while (end == NULL) {
    if (!receive(far, until)) {
      return false;
    }
    end = memmem(far->data, far->len, "\r\n\r\n", 4);
  }
  size_t head_len = (size_t)(end - (char *)far->data) + 4;
  assert_true(head_len < sizeof far->head);
  memcpy(far->head, far->data, head_len);
  far->head[head_len] = '\0';
  assert_int_equal(head_len, far->len);
  far->len = far->used = 0;
  return true;
}

bool far_try_accept(struct far *far) {
  time_t until = far_deadline();
  far_hang_up(far);
  while ((far->fd = accept4(far->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
    enum stoa_client_state state = stoa_client_state(far->client);
    if (state == STOA_CLIENT_WAITING || state == STOA_CLIENT_ENDED) {
      return false;
    }
    far_turn(far, until);
  }
  return read_request(far, until);
}

void far_accept(struct far *far) {
  assert_true(far_try_accept(far));
}

void far_write(struct far *far, const void *data, size_t len) {
  const uint8_t *at = data;
  time_t until = far_deadline();
  while (len > 0) {
    ssize_t written = send(far->fd, at, far->in_bytes ? 1 : len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written > 0) {
      at += written;
      len -= (size_t)written;
      if (far->in_bytes) {
        far_step(far);
      }
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      return; /* the client has gone; the test sees that elsewhere */
    } else {
      far_turn(far, until);
    }
  }
}

void far_write_text(struct far *far, const char *text) {
  far_write(far, text, strlen(text));
}

void far_answer(struct far *far, const char *more) {
  char accept[STOA_WS_ACCEPT_LEN];
  char answer[1024];
  const char *key = strstr(far->head, "Sec-WebSocket-Key: ");
  assert_non_null(key);
  stoa_ws_accept(stoa_string_make(key + strlen("Sec-WebSocket-Key: "), 24), accept);
  int len = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %.28s\r\n%s\r\n",
                     accept, more);
  far_write(far, answer, (size_t)len);
}

void far_open(struct far *far) {
  far_accept(far);
  far_answer(far, "Sec-WebSocket-Protocol: stoa.json\r\n");
  far_await(far, STOA_CLIENT_OPEN);
}

void far_send(struct far *far, enum stoa_ws_opcode opcode, const void *data, size_t len) {
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, opcode, false, len);
  far_write(far, header, header_len);
  far_write(far, data, len);
}

void far_send_typed(struct far *far, uint32_t type, uint32_t id, const char *payload) {
  uint8_t message[512];
  size_t len = strlen(payload);
  size_t header_len = (type & STOA_TYPE_CALL) != 0 ? 8 : 4;
  uint32_t words[2] = {htonl(type), htonl(id)};
  assert_true(header_len + len <= sizeof message);
  memcpy(message, words, header_len);
  memcpy(message + header_len, payload, len);
  far_send(far, STOA_WS_BINARY, message, header_len + len);
}

void far_send_close(struct far *far, uint16_t code, const char *reason) {
  uint8_t frame[127];
  far_write(far, frame, stoa_ws_close_write(frame, code, reason));
}

/* A whole frame at data[used], or false. The header is read by hand: the reader under test is not its own judge. */
static bool take_frame(struct far *far, struct far_frame *frame) {
  uint8_t *at = far->data + far->used;
  size_t len = far->len - far->used;
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
  far->used += header_len + 4 + payload_len;
  return true;
}

struct far_frame far_read(struct far *far) {
  struct far_frame frame = {.opcode = FAR_CLOSED};
  time_t until = far_deadline();
  while (!take_frame(far, &frame)) {
    memmove(far->data, far->data + far->used, far->len - far->used);
    far->len -= far->used;
    far->used = 0;
    if (!receive(far, until)) {
      return (struct far_frame){.opcode = FAR_CLOSED};
    }
  }
  return frame;
}
