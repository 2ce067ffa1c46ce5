/* wire/ws_handshake.h: the server's half of the WebSocket opening handshake (RFC 6455 4.2).
 *
 * Pure: takes a parsed request head, gives a verdict and the answer's bytes.
 */
#ifndef STOA_WIRE_WS_HANDSHAKE_H
#define STOA_WIRE_WS_HANDSHAKE_H

#include "wire/http.h"
#include "wire/ws_deflate.h"

#define STOA_WS_ACCEPT_LEN 28

/* What the client asked for. Views into the request's bytes. */
struct stoa_ws_request {
  struct stoa_string key;       /* Sec-WebSocket-Key, checked: base64 of 16 bytes */
  struct stoa_string origin;    /* data NULL: none */
  struct stoa_string host;
};

/* Is this an upgrade to WebSocket, and a good one?
 * Returns 101 when it is; 0 when no upgrade to WebSocket is asked for (a plain request); 400 for a broken one (method
 * not GET, no or bad key, no Connection: upgrade); 426 when Sec-WebSocket-Version is not 13. */
int stoa_ws_request_read(const struct stoa_http_head *head, const uint8_t *data, struct stoa_ws_request *out_request);

/* Walk the offered subprotocols: start with *cursor zeroed; data NULL at the end. A list that breaks the grammar
 * (RFC 6455 11.3.4: tokens) ends at the break. */
struct stoa_ws_protocol_cursor {
  size_t field;
  size_t at;
};
struct stoa_string stoa_ws_protocol_next(const struct stoa_http_head *head, const uint8_t *data,
                                         struct stoa_ws_protocol_cursor *cursor);

/* May a page of this origin connect? (RFC 6455 10.2, RFC 6454.) Scheme, host and port are compared exactly after
 * lower-casing; a default port (80, 443) may be left out on either side.
 *
 * origin   as sent; "null" and anything that is not scheme://host[:port] is refused
 * host     the request's Host; same host and port is allowed when `allowed_count` is 0
 * allowed  exact origins, or "*"
 * A request without Origin does not come from a browser: the caller decides. */
bool stoa_ws_origin_allowed(struct stoa_string origin, struct stoa_string host, const struct stoa_string *allowed,
                            size_t allowed_count);

/* Sec-WebSocket-Accept for a key (RFC 6455 4.2.2 5.4). */
void stoa_ws_accept(struct stoa_string key, char out_accept[STOA_WS_ACCEPT_LEN]);

/* The 101 answer. `protocol` and `deflate` may be NULL (not spoken).
 * Returns bytes written; 512 bytes are always enough. */
size_t stoa_ws_response(struct stoa_string key, const char *protocol, const struct stoa_ws_deflate *deflate,
                        char *out, size_t out_size);

#endif
