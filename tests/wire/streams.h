/* tests/wire/streams.h: bytes of peers, valid and invalid, and the events that a server's frame reader must give. */
#ifndef TESTS_WIRE_STREAMS_H
#define TESTS_WIRE_STREAMS_H

#include <stoa/buffer.h>

#define STREAM_MESSAGE_LEN_MAX 1000

struct stream_frame {
  uint8_t first; /* FIN, RSV and opcode */
  const char *payload;
  size_t len;
};

struct stream {
  const char *name;
  bool compression;
  struct stream_frame frames[7]; /* masked properly; ends at the first without payload */
  const char *raw_hex;           /* bytes as they are, after the frames */
  const char *expected;          /* as transcript.h writes it */
};

extern const struct stream streams[];
extern const size_t stream_count;

void stream_bytes(const struct stream *stream, struct stoa_buffer *out);

#endif
