#include "asking.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define DEADLINE_MS 60000
#define BODY_BYTES_MAX ((size_t)16 * 1024 * 1024)

static struct http_answer answer;
static char content[BODY_BYTES_MAX + 1];
static char value[1024];

void http_send(struct client *client, const char *text) {
  assert_true(client_write(client, text, strlen(text)));
}

/* One more byte; false at the end of the connection. */
static bool take(struct client *client, char *out) {
  if (client->at == client->len) {
    struct pollfd waiting = {client->fd, POLLIN, 0};
    assert_int_equal(poll(&waiting, 1, DEADLINE_MS), 1);
    ssize_t len = recv(client->fd, client->data, client->size, 0);
    client->at = 0;
    client->len = len > 0 ? (size_t)len : 0;
    if (len <= 0) {
      return false;
    }
  }
  *out = (char)client->data[client->at++];
  return true;
}

bool http_read_line(struct client *client, char *out, size_t size) {
  size_t len = 0;
  char byte;
  while (take(client, &byte)) {
    assert_true(len < size - 1);
    out[len++] = byte;
    if (byte == '\n') {
      out[len] = '\0';
      return true;
    }
  }
  return false;
}

static bool read_head(struct client *client) {
  size_t len = 0;
  memset(&answer, 0, sizeof answer);
  answer.body = content;
  content[0] = '\0';
  do {
    if (!http_read_line(client, answer.head + len, sizeof answer.head - len)) {
      return false;
    }
    len += strlen(answer.head + len);
  } while (len < 4 || strcmp(answer.head + len - 4, "\r\n\r\n") != 0);
  assert_int_equal(strncmp(answer.head, "HTTP/1.1 ", 9), 0);
  answer.status = (int)strtol(answer.head + 9, NULL, 10);
  const char *connection = http_field("Connection");
  answer.is_closed = connection != NULL && strcmp(connection, "close") == 0;
  return true;
}

static void take_bytes(struct client *client, size_t len) {
  assert_true(answer.len + len <= BODY_BYTES_MAX);
  for (size_t i = 0; i < len; i++) {
    assert_true(take(client, &content[answer.len]));
    answer.len++;
  }
}

static void read_chunks(struct client *client) {
  char line[64];
  size_t len;
  do {
    assert_true(http_read_line(client, line, sizeof line));
    len = strtoul(line, NULL, 16);
    take_bytes(client, len);
    assert_true(http_read_line(client, line, sizeof line));
    assert_string_equal(line, "\r\n");
  } while (len > 0);
}

const struct http_answer *http_read_head(struct client *client) {
  bool ignored = read_head(client);
  (void)ignored;
  return &answer;
}

const struct http_answer *http_read(struct client *client) {
  if (!read_head(client) || answer.status < 200 || answer.status == 204 || answer.status == 304) {
    return &answer;
  }
  if (http_field("Transfer-Encoding") != NULL) {
    read_chunks(client);
  } else if (http_field("Content-Length") != NULL) {
    take_bytes(client, strtoul(http_field("Content-Length"), NULL, 10));
  } else {
    while (answer.len < BODY_BYTES_MAX && take(client, &content[answer.len])) {
      answer.len++;
    }
  }
  content[answer.len] = '\0';
  return &answer;
}

const char *http_field(const char *name) {
  size_t name_len = strlen(name);
  for (const char *line = strstr(answer.head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
    line += 2;
    if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
      const char *from = line + name_len + 2;
      const char *end = strstr(from, "\r\n");
      assert_true((size_t)(end - from) < sizeof value);
      memcpy(value, from, (size_t)(end - from));
      value[end - from] = '\0';
      return value;
    }
  }
  return NULL;
}

const struct http_answer *http_ask(const char *address, const char *request) {
  struct client client;
  client_connect(&client, address);
  http_send(&client, request);
  bool is_head = strncmp(request, "HEAD ", 5) == 0;
  const struct http_answer *got = is_head ? http_read_head(&client) : http_read(&client);
  client_close(&client);
  return got;
}

const struct http_answer *http_request(const char *address, const char *method, const char *target, const char *fields,
                                       const char *body) {
  char length[64] = "";
  if (body != NULL) {
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
  }
  size_t size = 4096 + strlen(target) + (fields == NULL ? 0 : strlen(fields)) + (body == NULL ? 0 : strlen(body));
  char *request = malloc(size);
  assert_non_null(request);
  snprintf(request, size, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n%s", method, target, length,
           fields == NULL ? "" : fields, body == NULL ? "" : body);
  const struct http_answer *got = http_ask(address, request);
  free(request);
  return got;
}

bool http_is_ended(struct client *client) {
  char byte;
  return !take(client, &byte);
}
