/* tests/server/asking.h: plain HTTP requests over the client of client.h, and what is answered. */
#ifndef TESTS_SERVER_ASKING_H
#define TESTS_SERVER_ASKING_H

#include "client.h"

struct http_answer {
  int status;     /* 0: the connection ended before one */
  bool is_closed; /* the server said that no other request may follow */
  char head[8192];
  char *body; /* ended by a NUL that does not count; until the next answer */
  size_t len;
};

/* Send text, or a part of a request. */
void http_send(struct client *client, const char *text);
/* Read one answer, by Content-Length, by chunks, or up to the end of the connection; 100 (Continue) is an answer. */
const struct http_answer *http_read(struct client *client);
/* The same for a HEAD, whose answer has no content. */
const struct http_answer *http_read_head(struct client *client);
/* The next line, with its line feed, as it comes; false at the end of the connection. */
bool http_read_line(struct client *client, char *out, size_t size);
/* The value of a field of the last answer; NULL when it has none. */
const char *http_field(const char *name);
/* Connect, send, read one answer, close. */
const struct http_answer *http_ask(const char *address, const char *request);
/* A request of HTTP/1.1 with Host: localhost; `fields` are lines with CRLF, NULL: none; body NULL: none. */
const struct http_answer *http_request(const char *address, const char *method, const char *target, const char *fields,
                                       const char *body);
/* The server ends the connection, without another byte. */
bool http_is_ended(struct client *client);

#endif
