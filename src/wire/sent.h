/* wire/sent.h: what a server has written to a session, one message after the other: WebSocket frames, or chunks of an
 * HTTP/1.1 response (RFC 9112 7.1) with one event of Server-Sent Events in each.
 *
 * A frame of a server is never fragmented, so that its first byte is above 0x7f; a chunk begins with a hexadecimal
 * digit. So bytes that were written show by themselves which of the two they are.
 *
 * Does not know: events, sockets. Pure.
 */
#ifndef STOA_WIRE_SENT_H
#define STOA_WIRE_SENT_H

#include "wire/ws_frame.h"

/* The length of a chunk, as hexadecimal digits, and CRLF. */
#define STOA_CHUNK_START_LEN_MAX 18
/* What ends a response in chunks. */
#define STOA_CHUNK_LAST "0\r\n\r\n"
#define STOA_CHUNK_LAST_LEN 5

/* Write the line before the content of a chunk, which is `content_len` bytes, above 0, and CRLF after them. Returns the
 * line's length. */
static inline size_t stoa_chunk_start_write(uint8_t out[STOA_CHUNK_START_LEN_MAX], size_t content_len) {
  static const char digits[] = "0123456789abcdef";
  unsigned shift = 0;
  size_t len = 0;
  while (content_len >> shift > 15) {
    shift += 4;
  }
  for (;; shift -= 4) {
    out[len++] = (uint8_t)digits[content_len >> shift & 15];
    if (shift == 0) {
      break;
    }
  }
  out[len] = '\r';
  out[len + 1] = '\n';
  return len + 2;
}

/* The whole length of a chunk that a server has written: its line, its content and CRLF. */
static inline size_t stoa_chunk_sent_len(const uint8_t *chunk) {
  size_t content_len = 0;
  size_t at = 0;
  for (; chunk[at] != '\r'; at++) {
    content_len = content_len << 4 | (size_t)(chunk[at] <= '9' ? chunk[at] - '0' : chunk[at] - 'a' + 10);
  }
  return at + 2 + content_len + 2;
}

/* The whole length of a frame, or of a chunk. */
static inline size_t stoa_sent_len(const uint8_t *sent) {
  return sent[0] > 0x7f ? stoa_ws_sent_frame_len(sent) : stoa_chunk_sent_len(sent);
}

/* How many frames, or chunks, are in [start, end) of `data`; they are whole, and all of one kind. */
static inline uint32_t stoa_sent_count(const uint8_t *data, size_t start, size_t end) {
  uint32_t count = 0;
  if (start == end || data[start] > 0x7f) {
    return stoa_ws_sent_frame_count(data, start, end);
  }
  while (start < end) {
    start += stoa_chunk_sent_len(data + start);
    count++;
  }
  return count;
}

#endif
