/* wire/ws_offer.h: the client's part of the WebSocket opening handshake (RFC 6455 4.1).
 *
 * Pure: writes the bytes of the request, checks the parsed answer. The server's part is ws_handshake.h.
 */
#ifndef STOA_WIRE_WS_OFFER_H
#define STOA_WIRE_WS_OFFER_H

#include "wire/http_response.h"
#include "wire/ws_handshake.h"
#include "wire/ws_url.h"

#include <stoa/buffer.h>

/* The request of a client. */
struct stoa_ws_offer {
  struct stoa_string authority;
  struct stoa_string target;             /* as stoa_ws_url_parse() gives it */
  const char *protocol;                  /* NULL: none */
  bool deflate;                          /* permessage-deflate: the server may compress, the client does not */
  char key[STOA_WS_KEY_LEN];             /* Sec-WebSocket-Key */
  const struct stoa_buffer *more_fields; /* whole field lines, as stoa_ws_offer_field() writes them */
};

/* Append a field line of the program.
 * Errors: STOA_E_ARGUMENT  the name is not a token, or the handshake writes or forbids this field; the value has bytes
 *                          that are not allowed (above all a line break), or blanks around it
 *         STOA_E_LIMIT, STOA_E_MEMORY  as stoa_buffer_append(); nothing was appended after any of these */
int stoa_ws_offer_field(struct stoa_buffer *fields, const char *name, const char *value);

/* Append the request. Errors: as stoa_buffer_append(); `out` is unchanged then. */
int stoa_ws_offer_write(const struct stoa_ws_offer *offer, struct stoa_buffer *out);

/* Is this the answer to that offer (RFC 6455 4.1)?
 *
 * out_deflate  did the server accept permessage-deflate? Written on STOA_OK
 * out_reason   for people, a literal; written unless the return is STOA_OK
 * Errors: STOA_E_DENIED       a status other than 101
 *         STOA_E_UNSUPPORTED  the offered protocol was not accepted
 *         STOA_E_SYNTAX       no upgrade to WebSocket, the Sec-WebSocket-Accept of another key, a protocol, an
 *                             extension or a parameter that was not offered, a field twice that may occur once */
int stoa_ws_offer_check(const struct stoa_ws_offer *offer, const struct stoa_http_response *response,
                        const uint8_t *data, bool *out_deflate, const char **out_reason);

#endif
