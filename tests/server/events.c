#include "events.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "codec/base64.h"
#include "fixture.h"

#define DEADLINE_MS 60000
#define EVENT_BYTES_MAX ((size_t)32 * 1024 * 1024)

static char chunk[EVENT_BYTES_MAX];
static uint8_t message[EVENT_BYTES_MAX];

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

static bool take_bytes(struct client *client, char *out, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (!take(client, out + i)) {
      return false;
    }
  }
  return true;
}

/* A line without its CRLF. */
static bool take_line(struct client *client, char *out, size_t size) {
  size_t len = 0;
  char byte;
  while (take(client, &byte)) {
    assert_true(len < size - 1);
    out[len++] = byte;
    if (byte == '\n') {
      assert_true(len >= 2);
      assert_int_equal(out[len - 2], '\r');
      out[len - 2] = '\0';
      return true;
    }
  }
  return false;
}

/* Returns the length of the next chunk, 0 for the last one, -1 at the end of the connection. */
static long take_chunk(struct client *client) {
  char line[64];
  if (!take_line(client, line, sizeof line)) {
    return -1;
  }
  char *end;
  size_t len = strtoul(line, &end, 16);
  assert_true(end > line && *end == '\0');
  assert_true(len < sizeof chunk);
  if (!take_bytes(client, chunk, len) || !take_line(client, line, sizeof line)) {
    return -1;
  }
  assert_string_equal(line, "");
  chunk[len] = '\0';
  return (long)len;
}

static int hex(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

static struct event decode_frame(const char *text, size_t len, size_t digits) {
  assert_true(len >= digits);
  for (size_t i = 0; i < digits / 2; i++) {
    message[i] = (uint8_t)(hex(text[2 * i]) << 4 | hex(text[2 * i + 1]));
  }
  memcpy(message + digits / 2, text + digits, len - digits);
  return (struct event){.kind = EVENT_MESSAGE, .data = message, .len = digits / 2 + len - digits};
}

static struct event decode_base64(enum event_kind kind, const char *text, size_t len) {
  struct event event = {.kind = kind, .data = message};
  assert_true(stoa_base64_read(stoa_string_make(text, len), message, &event.len));
  return event;
}

static struct event decode_message(const char *text, size_t len) {
  switch (text[0]) {
    case 'f':
      return decode_frame(text + 1, len - 1, 8);
    case 'c':
      return decode_frame(text + 1, len - 1, 16);
    case 'b':
      return decode_base64(EVENT_MESSAGE, text + 1, len - 1);
    case 'u':
      return decode_base64(EVENT_TEXT, text + 1, len - 1);
    default:
      assert_int_equal(text[0], 't');
      memcpy(message, text + 1, len - 1);
      return (struct event){.kind = EVENT_TEXT, .data = message, .len = len - 1};
  }
}

struct event events_read(struct events *events) {
  static const char close[] = "event:close\ndata:";
  long len = take_chunk(&events->down);
  if (len <= 0) {
    return (struct event){.kind = len == 0 ? EVENT_END : EVENT_BROKEN};
  }
  assert_true(len > 2);
  assert_string_equal(chunk + len - 2, "\n\n");
  size_t rest = (size_t)len - 2;
  if (strncmp(chunk, "data:", 5) == 0) {
    assert_null(memchr(chunk, '\n', rest));
    return decode_message(chunk + 5, rest - 5);
  }
  if (strncmp(chunk, close, sizeof close - 1) == 0) {
    char *reason;
    int code = (int)strtol(chunk + sizeof close - 1, &reason, 10);
    return (struct event){
        .kind = EVENT_CLOSE, .code = code, .data = (uint8_t *)reason + 1, .len = rest - (size_t)(reason + 1 - chunk)};
  }
  assert_int_equal(chunk[0], ':');
  return (struct event){.kind = EVENT_PING};
}

struct event events_read_message(struct events *events) {
  struct event event = events_read(events);
  while (event.kind == EVENT_PING) {
    event = events_read(events);
  }
  assert_true(event.kind == EVENT_MESSAGE || event.kind == EVENT_TEXT);
  return event;
}

int events_read_close(struct events *events) {
  int code = 1006;
  for (;;) {
    struct event event = events_read(events);
    if (event.kind == EVENT_END || event.kind == EVENT_BROKEN) {
      return event.kind == EVENT_END ? code : 1006;
    }
    code = event.kind == EVENT_CLOSE ? event.code : code;
  }
}

/* Opening. */

static void read_open(struct events *events) {
  static const char begin[] = "event:open\ndata:{\"key\":\"";
  assert_true(take_chunk(&events->down) > 0);
  assert_int_equal(strncmp(chunk, begin, sizeof begin - 1), 0);
  const char *key = chunk + sizeof begin - 1;
  size_t len = strcspn(key, "\"");
  assert_true(len < sizeof events->key);
  memcpy(events->key, key, len);
  events->key[len] = '\0';
}

static int read_status(struct events *events) {
  char line[8192];
  int status = 0;
  while (take_line(&events->down, line, sizeof line) && line[0] != '\0') {
    status = status == 0 ? (int)strtol(line + strlen("HTTP/1.1 "), NULL, 10) : status;
  }
  return status;
}

int events_open_on(struct events *events, const char *protocol, const char *extra) {
  char request[4096];
  snprintf(request, sizeof request,
           "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Length: 0\r\n"
           "Stoa-Protocol: %s\r\n%s\r\n",
           protocol, extra == NULL ? "" : extra);
  http_send(&events->down, request);
  int status = read_status(events);
  if (status == 200) {
    read_open(events);
  }
  return status;
}

int events_open(struct events *events, const char *address, const char *protocol, const char *extra) {
  memset(events, 0, sizeof *events);
  events->address = address;
  client_connect(&events->down, address);
  return events_open_on(events, protocol, extra);
}

void events_close(struct events *events) {
  client_close(&events->down);
  if (events->has_up) {
    client_close(&events->up);
  }
}

/* Posts. */

static size_t put_u32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) {
    out[i] = (uint8_t)(value >> (24 - 8 * i));
  }
  return 4;
}

size_t events_pack(uint8_t *body, size_t at, const void *data, size_t len) {
  at += put_u32(body + at, (uint32_t)len);
  memcpy(body + at, data, len);
  return at + len;
}

size_t events_pack_typed(uint8_t *body, size_t at, uint32_t type, const char *payload) {
  uint8_t frame[4096];
  size_t len = put_u32(frame, type);
  assert_true(strlen(payload) < sizeof frame - len);
  memcpy(frame + len, payload, strlen(payload));
  return events_pack(body, at, frame, len + strlen(payload));
}

size_t events_pack_call(uint8_t *body, size_t at, uint32_t type, uint32_t id, const char *payload) {
  uint8_t frame[4096];
  size_t len = put_u32(frame, type | 0x80000000u);
  len += put_u32(frame + len, id);
  assert_true(strlen(payload) < sizeof frame - len);
  memcpy(frame + len, payload, strlen(payload));
  return events_pack(body, at, frame, len + strlen(payload));
}

void events_send_post(struct events *events, unsigned long number, const void *body, size_t len) {
  char head[1024];
  char sequence[64] = "";
  if (!events->has_up) {
    client_connect(&events->up, events->address);
    events->has_up = true;
  }
  if (number > 0) {
    snprintf(sequence, sizeof sequence, "Stoa-Sequence: %lu\r\n", number);
  }
  snprintf(head, sizeof head,
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n"
           "Stoa-Session: %s\r\n%s\r\n",
           len, events->key, sequence);
  http_send(&events->up, head);
  assert_true(client_write(&events->up, body, len));
}

const struct http_answer *events_read_answer(struct events *events) {
  const struct http_answer *answer = http_read(&events->up);
  if (answer->is_closed || answer->status == 0) {
    client_close(&events->up);
    events->has_up = false;
  }
  return answer;
}

const struct http_answer *events_post(struct events *events, unsigned long number, const void *body, size_t len) {
  events_send_post(events, number, body, len);
  return events_read_answer(events);
}

void events_say(struct events *events, uint32_t type, const char *payload) {
  uint8_t body[4200];
  size_t len = events_pack_typed(body, 0, type, payload);
  assert_int_equal(events_post(events, ++events->number, body, len)->status, 204);
}

void events_sync(struct events *events) {
  uint8_t body[256];
  size_t len = events_pack_call(body, 0, FIXTURE_ASK, 77, "{\"question\":\"sync\"}");
  assert_int_equal(events_post(events, ++events->number, body, len)->status, 204);
  struct event event = events_read_message(events);
  assert_int_equal(event.data[0], 0x80);
  assert_non_null(memmem(event.data, event.len, "sync", 4));
}
