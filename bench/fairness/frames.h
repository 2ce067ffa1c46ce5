/* bench/fairness/frames.h: reads a server's frames after its answer to the upgrade, however the bytes are split.
 *
 * Does not know: sockets. Trusts the server, and skips the payload of messages.
 */
#ifndef STOA_BENCH_FAIRNESS_FRAMES_H
#define STOA_BENCH_FAIRNESS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum {
  FRAMES_CLOSE = 0x88,
  FRAMES_PING = 0x89,
  FRAMES_PONG = 0x8a,
  FRAMES_CONTROL_LEN_MAX = 125,
  FRAMES_CONTROL_SIZE = 6 + FRAMES_CONTROL_LEN_MAX
};

struct frames {
  uint8_t start[2 + 8 + FRAMES_CONTROL_LEN_MAX]; /* the current frame: head, payload of a control frame */
  size_t start_len;
  uint64_t skip_bytes; /* of a message's payload */
};

/* A control frame was received: its first byte and its payload, which is valid during the call. */
typedef void frames_on_control(void *context, uint8_t first, const uint8_t *payload, size_t len);

/* Take the next bytes. */
void frames_take(struct frames *frames, const uint8_t *data, size_t len, frames_on_control *on_control, void *context);

/* Write a client's control frame to `out`, masked with zeros. `len` is at most FRAMES_CONTROL_LEN_MAX. Returns its
 * length. */
size_t frames_control(uint8_t first, const void *payload, size_t len, uint8_t out[FRAMES_CONTROL_SIZE]);

#endif
