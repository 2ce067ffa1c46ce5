/* tools/stoa/bench_message.h: the bytes of the load.
 *
 * All messages of a run have one length and differ in a marker of twelve hexadecimal digits only: four for the sender,
 * eight for its sequence number. So a frame to send is one copy and twelve digits, and a received frame is compared as
 * a whole. Compressed messages have the marker in a stored block, where it can be written too; the rest is compressed
 * once.
 *
 * Does not know: sockets, connections.
 */
#ifndef STOA_TOOL_BENCH_MESSAGE_H
#define STOA_TOOL_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_deflate.h"
#include "bench_options.h"

enum { BENCH_MARKER_LEN = 12, BENCH_HEAD_MAX = 10, BENCH_KEY_LEN = 4, BENCH_CONTROL_MAX = 125 };

/* RFC 7692 6: in a message's first byte, RSV1 means that it is compressed. */
enum { BENCH_COMPRESSED = 0x40 };

/* The first bytes of a client's message, up to the end of the marker: head, key, a stored block's head, prefix,
 * `{"message":"`, marker. */
enum { BENCH_LEAD_MAX = BENCH_HEAD_MAX + BENCH_KEY_LEN + BENCH_STORED_HEAD + BENCH_PREFIX_MAX + 12 + BENCH_MARKER_LEN };

struct bench_message {
  uint8_t *plain; /* the frame a server sends, for sender 0 and sequence 0 */
  size_t plain_len;
  size_t head_len;
  size_t prefix_len;
  size_t marker_at;
  size_t text_len; /* json: payload up to the quote after the text; 0: nothing follows that could be rewritten */
  uint8_t *masked; /* the frame a client sends */
  size_t masked_len;
  size_t masked_marker_at;
  size_t marker_key_at; /* the byte of the key that masks the first byte of the marker */
  uint8_t key[BENCH_KEY_LEN];
};

/* Build the frames for `options`. Returns false with the reason on stderr: the size is too small for the template, or
 * memory is out. */
bool bench_message_init(struct bench_message *message, const struct bench_options *options);
/* Allowed on a message that is all zero, or whose init failed. */
void bench_message_fini(struct bench_message *message);

/* Write the client's frame, masked_len bytes. */
void bench_message_write(const struct bench_message *message, uint32_t sender, uint32_t seq, uint8_t *out);
/* Write only its first masked_marker_at + BENCH_MARKER_LEN bytes; the rest is the same in every message. */
void bench_message_write_lead(const struct bench_message *message, uint32_t sender, uint32_t seq, uint8_t *out);

/* Read the marker of the plain_len bytes at `frame`. Returns false when it is not twelve digits. */
bool bench_message_marker(const struct bench_message *message, const uint8_t *frame, uint32_t *out_sender,
                          uint32_t *out_seq);
/* Are the plain_len bytes at `frame`, except the marker, those that were sent? */
bool bench_message_matches(const struct bench_message *message, const uint8_t *frame);

/* Is the payload's begin, text_len bytes, that of a message of the run, whatever follows it? A server that fills in
 * the sender or the time itself rewrites the rest. */
bool bench_message_text(const struct bench_message *message, const uint8_t *payload, uint32_t *out_sender,
                        uint32_t *out_seq);

/* Write a frame's head, in the shortest of its three forms, to `out`, which has room for BENCH_HEAD_MAX. `first` has
 * FIN, RSV1 and the opcode; `masked` is 0x80 for a client's. Returns its length. */
size_t bench_head_write(unsigned first, uint8_t masked, size_t payload_len, uint8_t *out);
/* Read the head of a server's frame. Returns its length, 0 while it is incomplete. */
size_t bench_head_read(const uint8_t *data, size_t len, uint64_t *out_payload_len);

/* Write a masked control frame with up to BENCH_CONTROL_MAX bytes of payload. Returns its length. */
size_t bench_control_write(const struct bench_message *message, unsigned opcode, const uint8_t *payload,
                           size_t payload_len, uint8_t *out);

#endif
