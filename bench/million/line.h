/* bench/million/line.h: the messages of this measurement, all with one length and one form.
 *
 * A typed frame of type 0 with the JSON of a ChatMessage, in which two numbers differ: the round and the sender. A
 * server that decodes and encodes it again produces the same bytes.
 */
#ifndef STOA_BENCH_MILLION_LINE_H
#define STOA_BENCH_MILLION_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LINE_PAYLOAD_LEN = 104, /* type and JSON */
  LINE_FRAME_LEN = 2 + LINE_PAYLOAD_LEN,
  LINE_MASKED_LEN = LINE_FRAME_LEN + 4,
  LINE_ROUNDS_MAX = 10000,
  LINE_SENDERS_MAX = 100000,
};

/* The frame as a client sends it. */
void line_write(unsigned round, unsigned sender, uint8_t out[LINE_MASKED_LEN]);

/* Read a payload of LINE_PAYLOAD_LEN bytes. Returns false when any byte is not as it was sent. */
bool line_read(const uint8_t *payload, unsigned *out_round, unsigned *out_sender);

#endif
