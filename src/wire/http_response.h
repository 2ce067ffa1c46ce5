/* wire/http_response.h: strict parsing of the head of an HTTP/1.1 response (RFC 9112 4), for a WebSocket client.
 *
 * Bytes in, offsets out, as in wire/http.h: the caller keeps the received bytes in one run from the first one and calls
 * again with the longer run. Each byte is checked once and in order, so that any split of the input gives the same
 * verdict at the same byte.
 *
 * Does not know: sockets, time, bodies, WebSocket.
 */
#ifndef STOA_WIRE_HTTP_RESPONSE_H
#define STOA_WIRE_HTTP_RESPONSE_H

#include "wire/http.h"

struct stoa_http_response {
  uint16_t status; /* 100 to 599 */
  size_t head_len; /* bytes of the head, including the empty line */
  struct stoa_http_fields fields;
  /* Private to http_response.c. */
  uint32_t scan; /* bytes judged */
  uint8_t state;
  int verdict; /* STOA_E_AGAIN while incomplete, then final */
};

void stoa_http_response_init(struct stoa_http_response *response);

/* Parse as far as the bytes go.
 *
 * data, len  everything received since the head's first byte; the limits head_bytes_max and fields_max apply
 * Returns STOA_OK when the head is complete; its numbers and spans are valid only then.
 * Errors: STOA_E_AGAIN        incomplete: call again with more. Every other verdict is final
 *         STOA_E_SYNTAX       not RFC 9112 grammar: bare LF or CR, obs-fold, a blank before the colon, control bytes,
 *                             no colon, a status that is not three digits from 100 to 599
 *         STOA_E_UNSUPPORTED  a version other than HTTP/1.1
 *         STOA_E_LIMIT        too many bytes or fields */
int stoa_http_response_parse(struct stoa_http_response *response, const struct stoa_http_limits *limits,
                             const uint8_t *data, size_t len);

/* The value of the first field of that name (compared without case), or a view with data NULL. `index` (may be NULL) is
 * where the next search begins: start at 0. */
struct stoa_string stoa_http_response_field(const struct stoa_http_response *response, const uint8_t *data,
                                            const char *name, size_t *index);

#endif
