/* bench/plain_ws.h: the minimum of WebSocket for a well-behaved client.
 *
 * For the floor programs only: it trusts the peer, and a hostile peer could crash it.
 */
#ifndef STOA_BENCH_PLAIN_WS_H
#define STOA_BENCH_PLAIN_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAIN_WS_ANSWER_MAX = 160, PLAIN_WS_HEAD_MAX = 14, PLAIN_WS_CLOSE = 8, PLAIN_WS_PING = 9, PLAIN_WS_PONG = 10 };

/* A client's frame inside a buffer; `payload` is still masked. */
struct plain_ws_frame {
  unsigned opcode;
  const uint8_t *key;
  const uint8_t *payload;
  size_t payload_len;
  size_t frame_len; /* head, key and payload */
};

/* Write the answer to the upgrade request in `head` (`head_len` bytes, the empty line included) to `out`, which has
 * room for PLAIN_WS_ANSWER_MAX. Returns its length, 0 when the request has no key. */
size_t plain_ws_answer(const char *head, size_t head_len, char *out);

/* Read the frame at `data`. Returns false while it is incomplete. */
bool plain_ws_parse(const uint8_t *data, size_t len, struct plain_ws_frame *out_frame);

/* Write the frame as a server sends it, whole and unmasked, to `out`, which has room for PLAIN_WS_HEAD_MAX bytes more
 * than the payload. Returns its length. */
size_t plain_ws_copy(const struct plain_ws_frame *frame, unsigned opcode, uint8_t *out);

/* A listening socket on 127.0.0.1; port 0 takes a free one. Prints "listening on 127.0.0.1:PORT". Returns the
 * descriptor, or -1 with errno. */
int plain_ws_listen(unsigned port);

#endif
