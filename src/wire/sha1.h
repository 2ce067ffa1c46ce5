/* wire/sha1.h: SHA-1 (RFC 3174) of a few bytes.
 *
 * Its one use is Sec-WebSocket-Accept (RFC 6455 4.2.2), which proves no secret: it shows a client that it talks to a
 * WebSocket server. The handshake needs nothing else of a cryptographic library, so the floor does without one.
 */
#ifndef STOA_WIRE_SHA1_H
#define STOA_WIRE_SHA1_H

#include <stoa/bytes.h>

#define STOA_SHA1_LEN 20

void stoa_sha1(struct stoa_bytes message, uint8_t out_digest[STOA_SHA1_LEN]);

#endif
