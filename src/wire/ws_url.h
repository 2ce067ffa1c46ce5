/* wire/ws_url.h: where a WebSocket server is (RFC 6455 3).
 *
 *   ws://host[:port][/target]   wss://host[:port][/target]   ws+unix:/path/of/the/socket[:/target]
 *
 * Thread: any. The views lie in the text.
 */
#ifndef STOA_WIRE_WS_URL_H
#define STOA_WIRE_WS_URL_H

#include <stoa/bytes.h>
#include <stoa/status.h>

struct stoa_ws_url {
  bool tls;
  struct stoa_string socket_path; /* of a unix socket; data NULL: none, there is a host */
  struct stoa_string host;        /* without the brackets of an IPv6 address */
  uint16_t port;                  /* 80 and 443 where none is written */
  struct stoa_string authority;   /* for the Host field: as written; "localhost" of a unix socket */
  struct stoa_string target;      /* path and query; where no path is written it is empty or begins with '?' */
};

/* Errors: STOA_E_SYNTAX  none of the forms; user information; a fragment, which RFC 6455 3 forbids; a byte that a
 * target cannot hold; port 0; more than 2048 bytes */
int stoa_ws_url_parse(struct stoa_string text, struct stoa_ws_url *out_url);

#endif
