/* wire/ws_url.h: the URL of a WebSocket server (RFC 6455 3).
 *
 *   ws://host[:port][/target]   wss://host[:port][/target]   ws+unix:/path/of/the/socket[:/target]
 *
 * Thread: any. Views are into the text.
 */
#ifndef STOA_WIRE_WS_URL_H
#define STOA_WIRE_WS_URL_H

#include <stoa/bytes.h>
#include <stoa/status.h>

struct stoa_ws_url {
  bool tls;
  struct stoa_string socket_path; /* of a unix socket; data NULL: none, the URL has a host */
  struct stoa_string host;        /* without the brackets of an IPv6 address */
  uint16_t port;                  /* 80 or 443 when the URL has none */
  struct stoa_string authority;   /* for the Host field: as written; "localhost" for a unix socket */
  struct stoa_string target;      /* path and query; without a path it is empty or begins with '?' */
};

/* Errors: STOA_E_SYNTAX  none of the forms; user information; a fragment, which RFC 6455 3 forbids; a byte that is not
 * allowed in a target; port 0; more than 2048 bytes */
int stoa_ws_url_parse(struct stoa_string text, struct stoa_ws_url *out_url);

#endif
