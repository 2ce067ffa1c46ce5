/* bench/durable/protocols.c: examples/feed in JSON, plain text frames, and Socket.IO 4. */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL 0x80000000u
#define ERROR 0x40000000u
#define FOLLOW 1u
#define SEND 2u

static uint32_t read_word(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void write_word(char *out, uint32_t word) {
  for (int i = 0; i < 4; i++) {
    out[i] = (char)(word >> (24 - 8 * i));
  }
}

/* The number after "name":, quoted or not. Payloads end with a NUL byte here. */
static uint64_t number_after(const char *text, const char *name) {
  const char *at = strstr(text, name);
  if (at == NULL) {
    return 0;
  }
  at += strlen(name);
  return strtoull(at + strspn(at, "\":"), NULL, 10);
}

/* Those of the posts of a page come before those of the reply. */
static uint64_t last_number_after(const char *text, const char *name) {
  const char *last = text;
  for (const char *at = text; (at = strstr(at, name)) != NULL; at++) {
    last = at;
  }
  return number_after(last, name);
}

/* Stoa: examples/feed. */

static void call(struct member *member, uint32_t type, uint32_t id, const char *json) {
  char frame[256];
  write_word(frame, CALL | type);
  write_word(frame + 4, id);
  int len = snprintf(frame + 8, sizeof frame - 8, "%s", json);
  crowd_send(member, false, frame, 8 + (size_t)len);
}

static void stoa_join(struct member *member) {
  char json[160];
  snprintf(json, sizeof json, "{\"feed\":\"bench\",\"epoch\":\"%llu\",\"offset\":\"%llu\"}",
           (unsigned long long)member->epoch, (unsigned long long)member->offset);
  call(member, FOLLOW, 0, json);
}

static void stoa_joined(struct member *member, const char *json) {
  bool is_recovered = strstr(json, "\"recovered\":true") != NULL;
  if (!is_recovered) {
    for (const char *at = json; (at = strstr(at, "\"text\"")) != NULL; at++) {
      crowd_seen(member, (uint32_t)number_after(at, "\"text\""));
    }
    member->epoch = last_number_after(json, "\"epoch\"");
    member->offset = last_number_after(json, "\"offset\"");
  }
  crowd_joined(member);
}

static void stoa_on_frame(struct member *member, const uint8_t *data, size_t len) {
  uint32_t word = len < 4 ? ERROR : read_word(data);
  if (word == 0) {
    const char *json = (const char *)data + 4;
    member->epoch = number_after(json, "\"epoch\"");
    member->offset = number_after(json, "\"offset\"");
    crowd_seen(member, (uint32_t)number_after(json, "\"text\""));
  } else if (word == (CALL | FOLLOW) && len > 8) {
    stoa_joined(member, (const char *)data + 8);
  } else if (word == (CALL | SEND) && len > 8) {
    crowd_acknowledged(read_word(data + 4));
  } else {
    crowd_lose(member); /* an error: it comes back, and sends again */
  }
}

static void stoa_publish(struct member *member, uint32_t number) {
  char json[160];
  snprintf(json, sizeof json, "{\"feed\":\"bench\",\"text\":\"%u\",\"author\":\"bench\",\"id\":\"%u\"}", number,
           number);
  call(member, SEND, number, json);
}

const struct protocol protocol_stoa = {.name = "stoa",
                                       .target = "/",
                                       .subprotocol = "stoa.json",
                                       .has_answers = true,
                                       .catch_up_ms = 60000,
                                       .join = stoa_join,
                                       .on_frame = stoa_on_frame,
                                       .publish = stoa_publish};

/* Numbers in text frames. */

static void ws_on_frame(struct member *member, const uint8_t *data, size_t len) {
  (void)len;
  crowd_seen(member, (uint32_t)strtoul((const char *)data, NULL, 10));
}

static void ws_publish(struct member *member, uint32_t number) {
  char text[16];
  int len = snprintf(text, sizeof text, "%u", number);
  crowd_send(member, true, text, (size_t)len);
}

const struct protocol protocol_ws = {.name = "ws",
                                     .target = "/",
                                     .catch_up_ms = 5000,
                                     .join = crowd_joined,
                                     .on_frame = ws_on_frame,
                                     .publish = ws_publish};

/* Socket.IO: token 0 is the session's private id, token 1 the offset of the last message. */

static void socketio_join(struct member *member) {
  (void)member; /* when the server has opened its side */
}

static void copy_string(char out[48], const char *from) {
  size_t len = strcspn(from, "\"");
  if (len < 48) {
    memcpy(out, from, len);
    out[len] = '\0';
  }
}

static void socketio_connect(struct member *member) {
  char text[160] = "40";
  if (member->token[0][0] != '\0') {
    snprintf(text, sizeof text, "40{\"pid\":\"%s\",\"offset\":\"%s\"}", member->token[0], member->token[1]);
  }
  crowd_send(member, true, text, strlen(text));
}

/* 42["post","NUMBER","OFFSET"] */
static void socketio_event(struct member *member, const char *text) {
  const char *number = strstr(text, "\"post\",\"");
  if (number == NULL) {
    return;
  }
  number += strlen("\"post\",\"");
  const char *offset = strstr(number, "\",\"");
  if (offset != NULL) {
    copy_string(member->token[1], offset + 3);
  }
  crowd_seen(member, (uint32_t)strtoul(number, NULL, 10));
}

static void socketio_on_frame(struct member *member, const uint8_t *data, size_t len) {
  const char *text = (const char *)data;
  const char *pid;
  (void)len;
  if (text[0] == '0') {
    socketio_connect(member);
  } else if (text[0] == '2') {
    crowd_send(member, true, "3", 1);
  } else if (strncmp(text, "40", 2) == 0) {
    pid = strstr(text, "\"pid\":\"");
    if (pid != NULL) {
      copy_string(member->token[0], pid + 7);
    }
    crowd_joined(member);
  } else if (strncmp(text, "42", 2) == 0) {
    socketio_event(member, text);
  } else if (strncmp(text, "43", 2) == 0) {
    crowd_acknowledged((uint32_t)strtoul(text + 2, NULL, 10));
  }
}

static void socketio_publish(struct member *member, uint32_t number) {
  char text[48];
  int len = snprintf(text, sizeof text, "42%u[\"post\",\"%u\"]", number, number);
  crowd_send(member, true, text, (size_t)len);
}

const struct protocol protocol_socketio = {.name = "socketio",
                                           .target = "/socket.io/?EIO=4&transport=websocket",
                                           .has_answers = true,
                                           .catch_up_ms = 20000,
                                           .join = socketio_join,
                                           .on_frame = socketio_on_frame,
                                           .publish = socketio_publish};
