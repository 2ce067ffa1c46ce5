/* tests/server/events.h: a client of the HTTP fallback: it reads events on one connection and posts on another. */
#ifndef TESTS_SERVER_EVENTS_H
#define TESTS_SERVER_EVENTS_H

#include "asking.h"

enum event_kind {
  EVENT_MESSAGE, /* binary */
  EVENT_TEXT,    /* a text message */
  EVENT_PING,
  EVENT_CLOSE,
  EVENT_END,   /* of the response, complete */
  EVENT_BROKEN /* the connection ended before that */
};

struct event {
  enum event_kind kind;
  const uint8_t *data; /* the message, or the reason of a close; until the next call */
  size_t len;
  int code;
};

struct events {
  const char *address;
  struct client down, up;
  bool has_up;
  char key[128];
  unsigned long number; /* of the last post */
};

/* Open a session; extra: field lines with CRLF, or NULL. Returns the status; after 200 the key is there. */
int events_open(struct events *events, const char *address, const char *protocol, const char *extra);
/* The same on a connection that exists: events->down. */
int events_open_on(struct events *events, const char *protocol, const char *extra);
void events_close(struct events *events);
struct event events_read(struct events *events);
/* The next event that is no ping; it must be a message. */
struct event events_read_message(struct events *events);
/* Read up to the end; returns the code of the close, 1006 when there was none. */
int events_read_close(struct events *events);

/* Append one message to a body; returns the new length. */
size_t events_pack(uint8_t *body, size_t at, const void *data, size_t len);
size_t events_pack_typed(uint8_t *body, size_t at, uint32_t type, const char *payload);
size_t events_pack_call(uint8_t *body, size_t at, uint32_t type, uint32_t id, const char *payload);

/* Post a body with this number (0: none) and read the answer; on the connection `up`, which is kept. */
const struct http_answer *events_post(struct events *events, unsigned long number, const void *body, size_t len);
/* The same in two steps. */
void events_send_post(struct events *events, unsigned long number, const void *body, size_t len);
const struct http_answer *events_read_answer(struct events *events);
/* Post one typed frame with the next number; it must be answered with 204. */
void events_say(struct events *events, uint32_t type, const char *payload);
/* Call Ask and wait for its reply. */
void events_sync(struct events *events);

#endif
