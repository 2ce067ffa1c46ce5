#include "client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_MS 60000
#define FIRST_SIZE ((size_t)64 * 1024)

static int connect_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

/* Returns -1 when nobody listens. */
static int connect_inet(const char *text) {
  const char *colon = strrchr(text, ':');
  assert_non_null(colon);
  uint16_t port = (uint16_t)strtoul(colon + 1, NULL, 10);
  const int on = 1;
  int fd;
  int status;
  if (text[0] == '[') {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    status = connect(fd, (struct sockaddr *)&address, sizeof address);
  } else {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    status = connect(fd, (struct sockaddr *)&address, sizeof address);
  }
  if (status != 0) {
    assert_true(errno == ECONNREFUSED || errno == ECONNRESET);
    close(fd);
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool client_try_connect(struct client *client, const char *address) {
  memset(client, 0, sizeof *client);
  bool is_unix = strncmp(address, "unix:", 5) == 0;
  client->fd = is_unix ? connect_unix(address + 5) : connect_inet(address);
  if (client->fd < 0) {
    return false;
  }
  client->size = FIRST_SIZE;
  client->data = malloc(client->size);
  assert_non_null(client->data);
  return true;
}

void client_connect(struct client *client, const char *address) {
  assert_true(client_try_connect(client, address));
}

/* The context is made once and kept: what OpenSSL keeps for itself must not look like something lost. */
static SSL_CTX *tls_context(void) {
  static SSL_CTX *context;
  if (context == NULL) {
    context = SSL_CTX_new(TLS_client_method());
  }
  return context;
}

void client_connect_tls(struct client *client, const char *address) {
  client_connect(client, address);
  client->ssl = SSL_new(tls_context());
  if (client->ssl == NULL || SSL_set_fd(client->ssl, client->fd) != 1 || SSL_connect(client->ssl) != 1) {
    SSL_free(client->ssl);
    client->ssl = NULL;
    shutdown(client->fd, SHUT_RDWR); /* every read and write fails from here on */
  }
}

void client_close(struct client *client) {
  SSL_free(client->ssl);
  close(client->fd);
  free(client->data);
  client->data = NULL;
  client->ssl = NULL;
  client->fd = -1;
}

bool client_write(struct client *client, const void *data, size_t len) {
  const uint8_t *at = data;
  while (len > 0) {
    ssize_t written;
    if (client->ssl != NULL) {
      written = SSL_write(client->ssl, at, (int)len);
    } else {
      written = send(client->fd, at, len, MSG_NOSIGNAL);
    }
    if (written <= 0) {
      return false;
    }
    at += written;
    len -= (size_t)written;
  }
  return true;
}

static bool wait_readable(const struct client *client) {
  struct pollfd waiting = {client->fd, POLLIN, 0};
  int ready;
  do {
    ready = poll(&waiting, 1, DEADLINE_MS);
  } while (ready < 0 && errno == EINTR);
  assert_int_equal(ready, 1);
  return true;
}

static bool receive(struct client *client) {
  if (client->at > 0) {
    memmove(client->data, client->data + client->at, client->len - client->at);
    client->len -= client->at;
    client->at = 0;
  }
  if (client->len == client->size) {
    client->size *= 2;
    client->data = realloc(client->data, client->size);
    assert_non_null(client->data);
  }
  if (client->ssl == NULL || SSL_pending(client->ssl) == 0) {
    wait_readable(client);
  }
  ssize_t len = client->ssl != NULL
                    ? SSL_read(client->ssl, client->data + client->len, (int)(client->size - client->len))
                    : recv(client->fd, client->data + client->len, client->size - client->len, 0);
  if (len <= 0) {
    return false;
  }
  client->len += (size_t)len;
  return true;
}

static int read_status(struct client *client) {
  for (;;) {
    char *head = (char *)client->data + client->at;
    char *end = memmem(head, client->len - client->at, "\r\n\r\n", 4);
    if (end != NULL) {
      bool is_answer = strncmp(head, "HTTP/1.1 ", 9) == 0;
      int status = is_answer ? (int)strtol(head + 9, NULL, 10) : 0;
      client->at += (size_t)(end - head) + 4;
      return status;
    }
    if (!receive(client)) {
      return 0;
    }
  }
}

bool client_ask_upgrade(struct client *client, const char *target, const char *protocol, const char *extra) {
  char request[4096];
  int len = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s\r\n",
                     target, protocol == NULL ? "" : "Sec-WebSocket-Protocol: ", protocol == NULL ? "" : protocol,
                     protocol == NULL ? "" : "\r\n", extra == NULL ? "" : extra);
  return client_write(client, request, (size_t)len);
}

int client_read_status(struct client *client) {
  return read_status(client);
}

int client_upgrade(struct client *client, const char *target, const char *protocol, const char *extra) {
  return client_ask_upgrade(client, target, protocol, extra) ? read_status(client) : 0;
}

int client_get(struct client *client, const char *target) {
  char request[1024];
  int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
  return client_write(client, request, (size_t)len) ? read_status(client) : 0;
}

bool client_send(struct client *client, int first_byte, const void *data, size_t len) {
  uint8_t *frame = malloc(len + 14);
  assert_non_null(frame);
  size_t at = 2;
  frame[0] = (uint8_t)first_byte;
  if (len < 126) {
    frame[1] = (uint8_t)(0x80 | len);
  } else if (len <= 0xffff) {
    frame[1] = 0x80 | 126;
    frame[2] = (uint8_t)(len >> 8);
    frame[3] = (uint8_t)len;
    at = 4;
  } else {
    frame[1] = 0x80 | 127;
    for (int i = 0; i < 8; i++) {
      frame[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
    }
    at = 10;
  }
  static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
  memcpy(frame + at, mask, 4);
  at += 4;
  for (size_t i = 0; i < len; i++) {
    frame[at + i] = ((const uint8_t *)data)[i] ^ mask[i % 4];
  }
  bool sent = client_write(client, frame, at + len);
  free(frame);
  return sent;
}

static void put_u32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) {
    out[i] = (uint8_t)(value >> (24 - 8 * i));
  }
}

bool client_send_typed(struct client *client, uint32_t type, const char *payload) {
  uint8_t message[4096];
  size_t len = strlen(payload);
  assert_true(len + 4 <= sizeof message);
  put_u32(message, type);
  memcpy(message + 4, payload, len);
  return client_send(client, 0x82, message, len + 4);
}

bool client_send_call(struct client *client, uint32_t type, uint32_t id, const char *payload) {
  uint8_t message[4096];
  size_t len = strlen(payload);
  assert_true(len + 8 <= sizeof message);
  put_u32(message, 0x80000000u | type);
  put_u32(message + 4, id);
  memcpy(message + 8, payload, len);
  return client_send(client, 0x82, message, len + 8);
}

/* The frame at the front, when it is whole. */
static bool take_frame(struct client *client, struct client_frame *frame) {
  const uint8_t *data = client->data + client->at;
  size_t have = client->len - client->at;
  if (have < 2) {
    return false;
  }
  size_t len = data[1] & 0x7f;
  size_t head = len < 126 ? 2 : len == 126 ? 4 : 10;
  if (have < head) {
    return false;
  }
  if (head > 2) {
    len = 0;
    for (size_t i = 2; i < head; i++) {
      len = len << 8 | data[i];
    }
  }
  if (have - head < len) {
    return false;
  }
  assert_int_equal(data[0] & 0x80, 0x80);
  *frame = (struct client_frame){data[0] & 0x0f, (data[0] & 0x40) != 0, data + head, len, 1005};
  if (frame->opcode == 8 && len >= 2) {
    frame->code = (uint16_t)(frame->data[0] << 8 | frame->data[1]);
  }
  client->at += head + len;
  return true;
}

struct client_frame client_read(struct client *client) {
  struct client_frame frame = {.opcode = CLIENT_CLOSED};
  while (!take_frame(client, &frame)) {
    if (!receive(client)) {
      frame.opcode = CLIENT_CLOSED;
      break;
    }
  }
  if (frame.opcode == 8) {
    /* RFC 6455 5.5.1: answered, or the server would wait for it. It may have ended already. */
    bool ignored = client_send(client, 0x88, NULL, 0);
    (void)ignored;
  }
  return frame;
}

struct client_frame client_read_message(struct client *client) {
  struct client_frame frame;
  do {
    frame = client_read(client);
  } while (frame.opcode == 9 || frame.opcode == 10);
  if (frame.opcode != 1 && frame.opcode != 2) {
    fail_msg("no message, but opcode %d, code %d", (int)frame.opcode, frame.opcode == 8 ? (int)frame.code : 0);
  }
  return frame;
}

int client_read_close(struct client *client) {
  int code = 1006;
  for (;;) {
    struct client_frame frame = client_read(client);
    if (frame.opcode == CLIENT_CLOSED) {
      return code;
    }
    if (frame.opcode == 8) {
      code = frame.code;
    }
  }
}

bool client_drain(struct client *client) {
  uint8_t waste[16384];
  for (;;) {
    ssize_t len = recv(client->fd, waste, sizeof waste, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
      return true;
    }
    if (len <= 0) {
      return false;
    }
  }
}
