/* wire/sha1.h: SHA-1 (RFC 3174) of short input.
 *
 * It is used only for Sec-WebSocket-Accept (RFC 6455 4.2.2), which protects no secret: it shows a client that the
 * server supports WebSocket. The handshake needs nothing else from a cryptographic library, so this layer uses none.
 */
#ifndef STOA_WIRE_SHA1_H
#define STOA_WIRE_SHA1_H

#include <stoa/bytes.h>

#define STOA_SHA1_LEN 20

void stoa_sha1(struct stoa_bytes message, uint8_t out_digest[STOA_SHA1_LEN]);

#endif
