#include "frames.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { CONTROL_BIT = 0x08, MASK_BIT = 0x80, LEN_16 = 126, LEN_64 = 127 };

/* The length of the head, known from its second byte. */
static size_t head_len(const struct frames *frames) {
  uint8_t len = frames->start[1];
  return len == LEN_64 ? 10 : len == LEN_16 ? 4 : 2;
}

static uint64_t payload_len(const struct frames *frames) {
  if (frames->start[1] < LEN_16) {
    return frames->start[1];
  }
  uint64_t len = 0;
  for (size_t i = 2; i < head_len(frames); i++) {
    len = len << 8 | frames->start[i];
  }
  return len;
}

/* How many bytes belong to `start`, as far as known now. */
static size_t start_wanted(const struct frames *frames) {
  if (frames->start_len < 2) {
    return 2;
  }
  bool is_control = (frames->start[0] & CONTROL_BIT) != 0;
  return head_len(frames) + (is_control ? frames->start[1] % LEN_16 : 0);
}

/* `start` is whole. */
static void finish_start(struct frames *frames, frames_on_control *on_control, void *context) {
  size_t head = head_len(frames);
  if ((frames->start[0] & CONTROL_BIT) != 0) {
    on_control(context, frames->start[0], frames->start + head, frames->start_len - head);
  } else {
    frames->skip_bytes = payload_len(frames);
  }
  frames->start_len = 0;
}

void frames_take(struct frames *frames, const uint8_t *data, size_t len, frames_on_control *on_control, void *context) {
  size_t at = 0;
  while (at < len) {
    if (frames->skip_bytes > 0) {
      size_t skip = frames->skip_bytes < len - at ? (size_t)frames->skip_bytes : len - at;
      frames->skip_bytes -= skip;
      at += skip;
      continue;
    }
    frames->start[frames->start_len++] = data[at++];
    if (frames->start_len >= 2 && frames->start_len == start_wanted(frames)) {
      finish_start(frames, on_control, context);
    }
  }
}

size_t frames_control(uint8_t first, const void *payload, size_t len, uint8_t out[FRAMES_CONTROL_SIZE]) {
  assert(len <= FRAMES_CONTROL_LEN_MAX);
  const uint8_t head[6] = {first, (uint8_t)(MASK_BIT | len), 0, 0, 0, 0};
  memcpy(out, head, sizeof head);
  if (len > 0) {
    memcpy(out + sizeof head, payload, len);
  }
  return sizeof head + len;
}
