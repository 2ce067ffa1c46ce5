/* bench/durable/contestants.c: examples/feed in JSON, NATS, nchan, Socket.IO 4, and a small WebSocket server. */
#include "senders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL 0x80000000u
#define ERROR 0x40000000u
#define FOLLOW 1u
#define SEND 2u
#define TELL 3u
#define ECHO 4u

/* WebSocket. */

static void upgrade(struct sender *sender, const char *target, const char *subprotocol) {
  char request[512];
  int len = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                     target, subprotocol != NULL ? "Sec-WebSocket-Protocol: " : "",
                     subprotocol != NULL ? subprotocol : "", subprotocol != NULL ? "\r\n" : "");
  senders_write(sender, request, (size_t)len);
}

/* At most 16 bits of length; the mask is 0. */
static void send_frame(struct sender *sender, uint8_t opcode, const void *data, size_t len) {
  uint8_t frame[600];
  size_t at = len < 126 ? 2 : 4;
  if (len > sizeof frame - 8) {
    senders_fail("a frame is too long", data, len);
  }
  frame[0] = (uint8_t)(0x80 | opcode);
  frame[1] = (uint8_t)(0x80 | (len < 126 ? len : 126));
  frame[2] = (uint8_t)(len >> 8);
  frame[3] = (uint8_t)len;
  if (len < 126) {
    at = 2;
  }
  memset(frame + at, 0, 4);
  memcpy(frame + at + 4, data, len);
  senders_write(sender, frame, at + 4 + len);
}

/* The answer to the upgrade, then frames. */
static size_t take_frame(struct sender *sender, uint8_t *data, size_t len, void (*shaken)(struct sender *sender),
                         void (*take)(struct sender *sender, const uint8_t *data, size_t len)) {
  if (!sender->is_shaken) {
    const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL) {
      return 0;
    }
    if (len < 12 || memcmp(data + 9, "101", 3) != 0) {
      senders_fail("the upgrade is refused", data, len);
    }
    sender->is_shaken = true;
    shaken(sender);
    return (size_t)(end + 4 - data);
  }
  size_t at = 2;
  size_t payload = len < 2 ? 0 : data[1] & 0x7f;
  if (payload == 126) {
    at = 4;
    payload = len < 4 ? 0 : (size_t)data[2] << 8 | data[3];
  }
  if (len < at || len < at + payload) {
    return 0;
  }
  uint8_t opcode = data[0] & 0x0f;
  if (opcode == 8) {
    senders_fail("the server closes a connection", data + at + 2, payload < 2 ? 0 : payload - 2);
  } else if (opcode == 9) {
    send_frame(sender, 10, data + at, payload);
  } else {
    take(sender, data + at, payload);
  }
  return at + payload;
}

/* Stoa: examples/feed. */

static uint32_t read_word(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void call(struct sender *sender, uint32_t type, uint32_t id, const char *json, size_t len) {
  uint8_t frame[400];
  for (int i = 0; i < 4; i++) {
    frame[i] = (uint8_t)((CALL | type) >> (24 - 8 * i));
    frame[4 + i] = (uint8_t)(id >> (24 - 8 * i));
  }
  memcpy(frame + 8, json, len);
  send_frame(sender, 2, frame, 8 + len);
}

static void stoa_open(struct sender *sender) {
  upgrade(sender, "/", "stoa.json");
}

static void stoa_shaken(struct sender *sender) {
  static const char follow[] = "{\"feed\":\"bench\"}";
  if (sender->is_subscriber) {
    call(sender, FOLLOW, 0, follow, sizeof follow - 1);
  } else {
    senders_ready(sender);
  }
}

static void stoa_on_frame(struct sender *sender, const uint8_t *data, size_t len) {
  uint32_t word = len < 4 ? ERROR : read_word(data);
  if (word == 0) {
    senders_delivered(sender);
  } else if (word == (CALL | SEND)) {
    senders_acknowledged(sender);
  } else if (word == (CALL | FOLLOW)) {
    senders_ready(sender);
  } else {
    senders_fail("an error", data + 4, len - 4);
  }
}

static size_t stoa_take(struct sender *sender, uint8_t *data, size_t len) {
  return take_frame(sender, data, len, stoa_shaken, stoa_on_frame);
}

static void call_with_text(struct sender *sender, uint32_t type, uint32_t number, const char *room, const char *body) {
  char json[300];
  int len = snprintf(json, sizeof json, "{\"feed\":\"%s\",\"text\":\"%s\",\"author\":\"ann\",\"id\":\"%s-%u\"}", room,
                     body, senders_run(), number);
  call(sender, type, number, json, (size_t)len);
}

static void stoa_send(struct sender *sender, uint32_t number, const char *body) {
  call_with_text(sender, SEND, number, "bench", body);
}

/* Of bench/rooms/server.c: the same without storing, echoes, and rooms of several kinds. */

static void tell_send(struct sender *sender, uint32_t number, const char *body) {
  call_with_text(sender, TELL, number, "bench", body);
}

static void echo_send(struct sender *sender, uint32_t number, const char *body) {
  call_with_text(sender, ECHO, number, "bench", body);
}

/* Every sender makes rooms of its own, with one message. */
static void make_send(struct sender *sender, uint32_t number, const char *body) {
  char room[48];
  snprintf(room, sizeof room, "idle-%u-%u", sender->index, sender->calls);
  call_with_text(sender, SEND, number, room, body);
}

static void follow_room(struct sender *sender, uint32_t number, uint32_t room) {
  char json[80];
  int len = snprintf(json, sizeof json, "{\"feed\":\"room-%u\"}", room);
  call(sender, FOLLOW, number, json, (size_t)len);
}

/* All follow the same rooms. */
static void follow_send(struct sender *sender, uint32_t number, const char *body) {
  (void)body;
  follow_room(sender, number, sender->calls);
}

/* Ten follow the same rooms. */
static void follow_tens_send(struct sender *sender, uint32_t number, const char *body) {
  (void)body;
  follow_room(sender, number, sender->index / 10 * 100 + sender->calls);
}

/* Follow a room, then fill it with 20 messages; then the next one. */
static void fill_send(struct sender *sender, uint32_t number, const char *body) {
  char room[32];
  if (sender->calls % 21 == 1) {
    follow_room(sender, number, sender->calls / 21 + 1);
    return;
  }
  snprintf(room, sizeof room, "room-%u", (sender->calls - 1) / 21 + 1);
  call_with_text(sender, SEND, number, room, body);
}

static void rooms_on_frame(struct sender *sender, const uint8_t *data, size_t len) {
  uint32_t word = len < 4 ? ERROR : read_word(data);
  if (sender->is_subscriber) {
    stoa_on_frame(sender, data, len);
  } else if ((word & (CALL | ERROR)) == CALL) {
    senders_acknowledged(sender);
  } else if (word != 0) { /* messages of the rooms are not counted */
    senders_fail("an error", data + 4, len - 4);
  }
}

static size_t rooms_take(struct sender *sender, uint8_t *data, size_t len) {
  return take_frame(sender, data, len, stoa_shaken, rooms_on_frame);
}

/* NATS: JetStream acknowledges to the inbox of the sender. */

static void nats_open(struct sender *sender) {
  char text[160];
  int len =
      sender->is_subscriber
          ? snprintf(text, sizeof text, "CONNECT {\"verbose\":false}\r\nSUB room.bench 1\r\nPING\r\n")
          : snprintf(text, sizeof text, "CONNECT {\"verbose\":false}\r\nSUB _INBOX.%u 1\r\nPING\r\n", sender->index);
  senders_write(sender, text, (size_t)len);
}

static size_t nats_take_message(struct sender *sender, const uint8_t *data, size_t line, size_t len) {
  const char *last = memrchr(data, ' ', line);
  size_t body_len = strtoul(last, NULL, 10);
  size_t whole = line + 2 + body_len + 2;
  if (len < whole) {
    return 0;
  }
  const uint8_t *body = data + line + 2;
  if (sender->is_subscriber) {
    senders_delivered(sender);
  } else if (memmem(body, body_len, "\"error\"", 7) != NULL) {
    senders_fail("an error", body, body_len);
  } else {
    senders_acknowledged(sender);
  }
  return whole;
}

static size_t nats_take(struct sender *sender, uint8_t *data, size_t len) {
  const uint8_t *end = memmem(data, len, "\r\n", 2);
  if (end == NULL) {
    return 0;
  }
  size_t line = (size_t)(end - data);
  if (line > 4 && memcmp(data, "MSG ", 4) == 0) {
    return nats_take_message(sender, data, line, len);
  }
  if (line >= 4 && memcmp(data, "PING", 4) == 0) {
    senders_write(sender, "PONG\r\n", 6);
  } else if (line >= 4 && memcmp(data, "PONG", 4) == 0) {
    senders_ready(sender);
  } else if (data[0] == '-') {
    senders_fail("an error", data, line);
  }
  return line + 2;
}

static void nats_send(struct sender *sender, uint32_t number, const char *body) {
  char text[300];
  (void)number;
  int len = snprintf(text, sizeof text, "PUB room.bench _INBOX.%u %u\r\n%s\r\n", sender->index, SENDERS_BODY_LEN, body);
  senders_write(sender, text, (size_t)len);
}

/* nchan: publishers send POST requests, subscribers have a WebSocket. */

static void nchan_open(struct sender *sender) {
  if (sender->is_subscriber) {
    upgrade(sender, "/sub/bench", NULL);
  } else {
    senders_ready(sender);
  }
}

static void count_delivery(struct sender *sender, const uint8_t *data, size_t len) {
  (void)data, (void)len;
  senders_delivered(sender);
}

static size_t nchan_take(struct sender *sender, uint8_t *data, size_t len) {
  if (sender->is_subscriber) {
    return take_frame(sender, data, len, senders_ready, count_delivery);
  }
  const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
  data[len] = '\0'; /* there is a byte more */
  const char *length = end == NULL ? NULL : strstr((const char *)data, "Content-Length: ");
  if (end == NULL) {
    return 0;
  }
  size_t whole = (size_t)(end + 4 - data) + (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
  if (len < whole) {
    return 0;
  }
  if (memcmp(data + 9, "20", 2) != 0) {
    senders_fail("a request is refused", data, len);
  }
  senders_acknowledged(sender);
  return whole;
}

static void nchan_send(struct sender *sender, uint32_t number, const char *body) {
  char text[400];
  (void)number;
  int len = snprintf(text, sizeof text, "POST /pub/bench HTTP/1.1\r\nHost: localhost\r\nContent-Length: %u\r\n\r\n%s",
                     SENDERS_BODY_LEN, body);
  senders_write(sender, text, (size_t)len);
}

/* Socket.IO: posts have a callback; a subscriber joins a room. */

static void socketio_open(struct sender *sender) {
  upgrade(sender, "/socket.io/?EIO=4&transport=websocket", NULL);
}

static void wait_for_server(struct sender *sender) {
  (void)sender;
}

static void socketio_on_frame(struct sender *sender, const uint8_t *data, size_t len) {
  if (len > 0 && data[0] == '0') {
    send_frame(sender, 1, "40", 2);
  } else if (len > 0 && data[0] == '2') {
    send_frame(sender, 1, "3", 1);
  } else if (len > 1 && memcmp(data, "40", 2) == 0) {
    if (sender->is_subscriber) {
      send_frame(sender, 1, "420[\"follow\"]", 13);
    } else {
      senders_ready(sender);
    }
  } else if (len > 1 && memcmp(data, "43", 2) == 0) {
    if (sender->is_subscriber) {
      senders_ready(sender);
    } else {
      senders_acknowledged(sender);
    }
  } else if (len > 1 && memcmp(data, "42", 2) == 0) {
    senders_delivered(sender);
  }
}

static size_t socketio_take(struct sender *sender, uint8_t *data, size_t len) {
  return take_frame(sender, data, len, wait_for_server, socketio_on_frame);
}

static void socketio_send(struct sender *sender, uint32_t number, const char *body) {
  char text[300];
  int len = snprintf(text, sizeof text, "42%u[\"post\",\"%s-%u\",\"%s\"]", number, senders_run(), number, body);
  send_frame(sender, 1, text, (size_t)len);
}

/* A small WebSocket server: "follow" is answered with "following", "post ID BODY" with "ok". */

static void plain_open(struct sender *sender) {
  upgrade(sender, "/", NULL);
}

static void plain_shaken(struct sender *sender) {
  if (sender->is_subscriber) {
    send_frame(sender, 1, "follow", 6);
  } else {
    senders_ready(sender);
  }
}

static void plain_on_frame(struct sender *sender, const uint8_t *data, size_t len) {
  if (!sender->is_subscriber) {
    if (len != 2) {
      senders_fail("an error", data, len);
    }
    senders_acknowledged(sender);
  } else if (len == 9) {
    senders_ready(sender);
  } else {
    senders_delivered(sender);
  }
}

static size_t plain_take(struct sender *sender, uint8_t *data, size_t len) {
  return take_frame(sender, data, len, plain_shaken, plain_on_frame);
}

static void plain_send(struct sender *sender, uint32_t number, const char *body) {
  char text[300];
  int len = snprintf(text, sizeof text, "post %s-%u %s", senders_run(), number, body);
  send_frame(sender, 1, text, (size_t)len);
}

const struct contestant contestants[] = {
    {"stoa", stoa_open, stoa_take, stoa_send},      {"tell", stoa_open, rooms_take, tell_send},
    {"echo", stoa_open, rooms_take, echo_send},     {"make", stoa_open, rooms_take, make_send},
    {"follow", stoa_open, rooms_take, follow_send}, {"follow-tens", stoa_open, rooms_take, follow_tens_send},
    {"fill", stoa_open, rooms_take, fill_send},     {"nats", nats_open, nats_take, nats_send},
    {"nchan", nchan_open, nchan_take, nchan_send},  {"socketio", socketio_open, socketio_take, socketio_send},
    {"plain", plain_open, plain_take, plain_send}};
const size_t contestant_count = sizeof contestants / sizeof contestants[0];
