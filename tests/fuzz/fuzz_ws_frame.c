/* Frames: any pieces give the same messages, controls and errors. The first byte chooses role, extension and pieces.
 *
 * A target is one source file, so the recorder comes in whole. */
#include "../wire/talk.c" /* NOLINT(bugprone-suspicious-include) */

#include "must.h"

#define MESSAGE_LEN_MAX 2000

static void feed_in(struct talk *talk, uint8_t choice, const uint8_t *data, size_t len, size_t piece) {
  talk_init(talk, (choice & 1) == 0, (choice & 2) != 0, MESSAGE_LEN_MAX);
  for (size_t at = 0; at < len;) {
    size_t part = len - at < piece ? len - at : piece;
    talk_feed(talk, data + at, part);
    at += part;
  }
}

static void same_place(const struct stoa_ws_reader *a, const struct stoa_ws_reader *b) {
  must(a->frame_left == b->frame_left && a->message_len == b->message_len);
  must(a->mask == b->mask && a->utf8 == b->utf8);
  must(a->state == b->state && a->opcode == b->opcode && a->flags == b->flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct talk whole, single, pieces;
  if (len == 0) {
    return 0;
  }
  feed_in(&whole, data[0], data + 1, len - 1, SIZE_MAX);
  feed_in(&single, data[0], data + 1, len - 1, 1);
  feed_in(&pieces, data[0], data + 1, len - 1, 2 + data[0] / 4);
  must(strcmp(talk_log(&whole), talk_log(&single)) == 0);
  must(strcmp(talk_log(&whole), talk_log(&pieces)) == 0);
  /* Where it stands is unspecified only after an error. */
  if (strstr(talk_log(&whole), "error") == NULL) {
    same_place(&whole.reader, &single.reader);
  }
  talk_fini(&whole);
  talk_fini(&single);
  talk_fini(&pieces);
  return 0;
}
