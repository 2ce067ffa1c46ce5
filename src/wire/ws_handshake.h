/* wire/ws_handshake.h: the server's part of the WebSocket opening handshake (RFC 6455 4.2).
 *
 * Pure: from a parsed request head to a verdict and the bytes of the answer.
 */
#ifndef STOA_WIRE_WS_HANDSHAKE_H
#define STOA_WIRE_WS_HANDSHAKE_H

#include "wire/http.h"
#include "wire/ws_deflate.h"

#define STOA_WS_KEY_LEN 24 /* base64 of 16 bytes */
#define STOA_WS_ACCEPT_LEN 28

/* The client's request. Views into its bytes. */
struct stoa_ws_request {
  struct stoa_string key;    /* Sec-WebSocket-Key, checked: base64 of 16 bytes */
  struct stoa_string origin; /* data NULL: none */
  struct stoa_string host;
};

/* Is this a valid upgrade to WebSocket?
 * Returns 101 when it is, and fills *out_request; 0 when no upgrade to WebSocket is asked for (a plain request); 400
 * for a broken one (method not GET, no Connection: upgrade, no or bad key, a second Sec-WebSocket-Key,
 * Sec-WebSocket-Version or Origin); 426 when Sec-WebSocket-Version is missing or not 13, or the request is HTTP/1.0,
 * which cannot be upgraded (RFC 9110 7.8). A proxy sends that when it is not configured for 1.1 (nginx:
 * proxy_http_version 1.1); an answer with a page would hide the mistake. */
int stoa_ws_request_read(const struct stoa_http_head *head, const uint8_t *data, struct stoa_ws_request *out_request);

/* Walk the offered subprotocols: start with *cursor zeroed; data NULL at the end. A list that breaks the grammar (RFC
 * 6455 11.3.4: tokens) ends there. */
struct stoa_ws_protocol_cursor {
  size_t field;
  size_t at;
};
struct stoa_string stoa_ws_protocol_next(const struct stoa_http_head *head, const uint8_t *data,
                                         struct stoa_ws_protocol_cursor *cursor);

/* Sec-WebSocket-Accept for a key (RFC 6455 4.2.2 5.4). */
void stoa_ws_accept(struct stoa_string key, char out_accept[STOA_WS_ACCEPT_LEN]);

/* The 101 answer.
 *
 * protocol  one of the server's own names, at most 128 bytes, never text from the request; NULL: none
 * deflate   NULL: not used
 * fields    more fields, complete lines with CRLF; NULL: none
 * Returns the bytes written, or 0 when out_size is too small; 512 and the length of fields are always enough. */
size_t stoa_ws_response(struct stoa_string key, const char *protocol, const struct stoa_ws_deflate *deflate,
                        const char *fields, char *out, size_t out_size);

#endif
