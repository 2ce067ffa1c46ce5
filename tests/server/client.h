/* tests/server/client.h: a small blocking WebSocket client. It takes no memory through base/memory.h, so that faults
 * and counts concern the server alone. Every wait ends after DEADLINE_MS and then fails the test.
 */
#ifndef TESTS_SERVER_CLIENT_H
#define TESTS_SERVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_CLOSED (-1) /* the server ended the connection */

struct ssl_st;

struct client {
  int fd;
  struct ssl_st *ssl;
  uint8_t *data; /* received, not yet used */
  size_t at, len, size;
};

struct client_frame {
  int opcode; /* CLIENT_CLOSED at the end */
  bool compressed;
  const uint8_t *data; /* until the next call */
  size_t len;
  uint16_t code; /* of a close frame; 1005 for none */
};

/* "127.0.0.1:port", "[::1]:port" or "unix:path". */
void client_connect(struct client *client, const char *address);
/* False when nobody listens there. */
bool client_try_connect(struct client *client, const char *address);
void client_connect_tls(struct client *client, const char *address);
void client_close(struct client *client);
/* False when the connection is broken. */
bool client_write(struct client *client, const void *data, size_t len);

/* Upgrade; protocol NULL: none; extra: field lines with CRLF. Returns the status code, 0 when the connection broke. */
int client_upgrade(struct client *client, const char *target, const char *protocol, const char *extra);
/* The same in two steps, for a server that is busy in between. */
bool client_ask_upgrade(struct client *client, const char *target, const char *protocol, const char *extra);
int client_read_status(struct client *client);
/* A plain GET; returns the status code. */
int client_get(struct client *client, const char *target);

/* One masked frame. */
bool client_send(struct client *client, int first_byte, const void *data, size_t len);
/* A typed frame with a payload of text. */
bool client_send_typed(struct client *client, uint32_t type, const char *payload);
/* A call. */
bool client_send_call(struct client *client, uint32_t type, uint32_t id, const char *payload);

/* The next frame. */
struct client_frame client_read(struct client *client);
/* The next frame that is no ping; it must be a message. */
struct client_frame client_read_message(struct client *client);
/* Read up to the close frame and the end; returns its code, 1006 when there was none. */
int client_read_close(struct client *client);

/* Read what is there without waiting, and drop it; false at the end of the connection. */
bool client_drain(struct client *client);

#endif
