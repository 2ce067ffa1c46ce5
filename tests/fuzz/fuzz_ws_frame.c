/* Frames: any pieces give the same messages, controls and errors. The first byte chooses role, extension and pieces.
 *
 * A target is one source file, so the recorder comes in whole. */
#include "../wire/transcript.c" /* NOLINT(bugprone-suspicious-include) */

#include "must.h"

#define MESSAGE_LEN_MAX 2000

static void feed_in(struct transcript *transcript, uint8_t choice, const uint8_t *data, size_t len, size_t piece) {
  transcript_init(transcript, (choice & 1) == 0, (choice & 2) != 0, MESSAGE_LEN_MAX);
  for (size_t at = 0; at < len;) {
    size_t part = len - at < piece ? len - at : piece;
    transcript_feed(transcript, data + at, part);
    at += part;
  }
}

static void same_place(const struct stoa_ws_reader *a, const struct stoa_ws_reader *b) {
  must(a->frame_left == b->frame_left && a->message_len == b->message_len);
  must(a->mask == b->mask && a->utf8 == b->utf8);
  must(a->state == b->state && a->opcode == b->opcode && a->flags == b->flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct transcript whole, single, pieces;
  if (len == 0) {
    return 0;
  }
  feed_in(&whole, data[0], data + 1, len - 1, SIZE_MAX);
  feed_in(&single, data[0], data + 1, len - 1, 1);
  feed_in(&pieces, data[0], data + 1, len - 1, 2 + data[0] / 4);
  must(strcmp(transcript_text(&whole), transcript_text(&single)) == 0);
  must(strcmp(transcript_text(&whole), transcript_text(&pieces)) == 0);
  /* Where it stands is unspecified only after an error. */
  if (strstr(transcript_text(&whole), "error") == NULL) {
    same_place(&whole.reader, &single.reader);
  }
  transcript_fini(&whole);
  transcript_fini(&single);
  transcript_fini(&pieces);
  return 0;
}
