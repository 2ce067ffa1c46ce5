/* tests/wire/transcript.h: a peer's bytes go through a frame reader in pieces of any size, and what comes out is
 * written down in a form that does not depend on the pieces: whole messages, controls, the error.
 *
 *   text "Hello"; binary ""; text* "..." (compressed); ping "x"; pong ""; close 1000 "bye"; error 1002;
 *
 * It keeps the caller's contract of wire/ws_frame.h: what a read left is presented again in front of what comes
 * next. It aborts where the reader breaks its own: events outside of the bytes, more kept than allowed.
 */
#ifndef TESTS_WIRE_TRANSCRIPT_H
#define TESTS_WIRE_TRANSCRIPT_H

#include <stoa/buffer.h>

#include "wire/ws_frame.h"

struct transcript {
  struct stoa_ws_reader reader;
  uint64_t message_len_max;
  struct stoa_buffer pending; /* received, not yet used */
  struct stoa_buffer message; /* the pieces of the message so far */
  struct stoa_buffer log;
  bool in_message;
};

void transcript_init(struct transcript *transcript, bool peer_masks, bool compression, uint64_t message_len_max);
void transcript_fini(struct transcript *transcript);
/* The next bytes arrive. */
void transcript_feed(struct transcript *transcript, const uint8_t *data, size_t len);
/* What was written down, NUL-terminated. */
const char *transcript_text(struct transcript *transcript);

/* A masked frame, its length written in the fewest bytes. */
void frame_put(struct stoa_buffer *out, uint8_t first, const void *payload, size_t len);

#endif
