/* wire/ws_frame.h: WebSocket frames (RFC 6455 5), both directions.
 *
 * Reader: bytes in, events out; payloads are unmasked in place, with wide words. The reader keeps no bytes: it does not
 * consume an incomplete header or control frame (at most 139 bytes), and the caller passes these bytes again in front
 * of the next ones. Message payload is returned in pieces as it arrives, so a message need not be contiguous here. Any
 * split of the input gives the same sequence of messages, control frames and errors; only the pieces of a message that
 * is never completed may differ. A small message that arrives whole is one event.
 *
 * Text is checked as UTF-8 while it arrives, up to the first bad byte (RFC 6455 8.1); compressed messages (RSV1 set)
 * are not, the caller checks their text after inflating it.
 *
 * Does not know: sockets, memory, time, the meaning of a message.
 */
#ifndef STOA_WIRE_WS_FRAME_H
#define STOA_WIRE_WS_FRAME_H

#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_WS_CONTROL_LEN_MAX 125
#define STOA_WS_HEADER_LEN_MAX 14

enum stoa_ws_opcode {
  STOA_WS_CONTINUATION = 0,
  STOA_WS_TEXT = 1,
  STOA_WS_BINARY = 2,
  STOA_WS_CLOSE = 8,
  STOA_WS_PING = 9,
  STOA_WS_PONG = 10
};

/* Close codes of RFC 6455 7.4.1. */
enum stoa_ws_close_code {
  STOA_WS_CLOSE_NORMAL = 1000,
  STOA_WS_CLOSE_GOING_AWAY = 1001,
  STOA_WS_CLOSE_PROTOCOL_ERROR = 1002,
  STOA_WS_CLOSE_UNSUPPORTED = 1003,
  STOA_WS_CLOSE_NO_STATUS = 1005, /* never sent */
  STOA_WS_CLOSE_ABNORMAL = 1006,  /* never sent */
  STOA_WS_CLOSE_INVALID_DATA = 1007,
  STOA_WS_CLOSE_POLICY = 1008,
  STOA_WS_CLOSE_TOO_BIG = 1009,
  STOA_WS_CLOSE_INTERNAL = 1011
};

struct stoa_ws_reader {
  uint32_t frame_left;  /* payload bytes of the current data frame that have not arrived */
  uint32_t message_len; /* payload bytes of the current message, from the headers of its frames so far */
  uint32_t mask;        /* of the current frame, rotated to the next byte */
  uint32_t utf8;        /* state of base/utf8.h */
  uint8_t state;        /* private */
  uint8_t opcode;       /* of the current message: text or binary; 0 between messages */
  uint8_t flags;        /* private: FIN of the current frame, compressed message, masked peer, extension in use */
  uint8_t reserved;
};

enum stoa_ws_event_kind {
  STOA_WS_EVENT_NONE,    /* all usable bytes are used; call again with more */
  STOA_WS_EVENT_PAYLOAD, /* a piece of a message; empty only where the message begins or ends */
  STOA_WS_EVENT_CONTROL, /* a whole ping, pong or close */
  STOA_WS_EVENT_ERROR    /* the peer violated the protocol; nothing after this is read */
};

struct stoa_ws_event {
  enum stoa_ws_event_kind kind;
  enum stoa_ws_opcode opcode; /* PAYLOAD: text or binary; CONTROL: close, ping, pong */
  bool first;                 /* PAYLOAD: the message starts here */
  bool last;                  /* PAYLOAD: the message ends here */
  bool compressed;            /* PAYLOAD: the message has RSV1 set (RFC 7692 6) */
  uint8_t *data;              /* PAYLOAD, CONTROL: unmasked, inside the caller's bytes */
  size_t len;
  uint16_t code;      /* ERROR: the close code to send. CONTROL close: the peer's code, 1005 for none */
  const char *reason; /* ERROR: for people */
};

/* peer_masks   true on a server (frames must be masked), false on a client (must not be)
 * compression  permessage-deflate was negotiated: RSV1 may start a message */
void stoa_ws_reader_init(struct stoa_ws_reader *reader, bool peer_masks, bool compression);

/* Read the next event.
 *
 * message_len_max  a header with which the message exceeds it is an error 1009 before any payload; at most 1 GiB,
 *                  higher values count as 1 GiB. A compressed message may be an eighth and 64 bytes longer, because
 *                  deflate can make data longer
 * out_used         bytes consumed from `data`; those the event points to are among them. After an error or a close
 *                  frame all bytes are consumed, now and later, and give no event (RFC 6455 5.5.1)
 * The checks are strict: RSV bits, reserved opcodes, lengths not minimal or with the top bit set, long or fragmented
 * control frames, a continuation without a start and a start inside a message, a missing or forbidden mask, close
 * payloads of one byte, with a code that may not be sent (RFC 6455 7.4) or a reason that is not UTF-8: 1002, or 1007
 * for text. When text becomes invalid inside a frame, the valid bytes before that are not returned; the event is ERROR
 * 1007.
 */
void stoa_ws_read(struct stoa_ws_reader *reader, uint64_t message_len_max, uint8_t *data, size_t len, size_t *out_used,
                  struct stoa_ws_event *out_event);

/* Is the reader between messages? Then its state need not be kept. */
bool stoa_ws_reader_idle(const struct stoa_ws_reader *reader);

/* May a peer send this code in a close frame? 1000-1003, 1007-1014, 3000-4999. */
bool stoa_ws_close_code_valid(uint16_t code);

/* XOR with the mask, in place, with wide words; returns the mask rotated by len bytes. `mask` is the four key bytes in
 * memory order. */
uint32_t stoa_ws_mask(uint32_t mask, uint8_t *data, size_t len);

/* A frame's header as a server sends it (not masked). Returns its length: 2, 4 or 10. */
static inline size_t stoa_ws_header_write(uint8_t out[10], enum stoa_ws_opcode opcode, bool compressed,
                                          uint64_t payload_len) {
  out[0] = (uint8_t)(0x80 | (compressed ? 0x40 : 0) | (int)opcode);
  if (payload_len < 126) {
    out[1] = (uint8_t)payload_len;
    return 2;
  }
  if (payload_len <= 0xffff) {
    out[1] = 126;
    out[2] = (uint8_t)(payload_len >> 8);
    out[3] = (uint8_t)payload_len;
    return 4;
  }
  out[1] = 127;
  for (int i = 0; i < 8; i++) {
    out[2 + i] = (uint8_t)(payload_len >> (56 - 8 * i));
  }
  return 10;
}

/* The whole length of a frame that a server has written (not masked), header included. */
static inline size_t stoa_ws_sent_frame_len(const uint8_t *frame) {
  size_t len = frame[1] & 0x7f;
  if (len == 126) {
    return 4 + ((size_t)frame[2] << 8 | frame[3]);
  }
  if (len == 127) {
    len = 0;
    for (int i = 2; i < 10; i++) {
      len = len << 8 | frame[i];
    }
    return 10 + len;
  }
  return 2 + len;
}

/* How many frames that a server has written are in [start, end) of `data`; they are whole. */
static inline uint32_t stoa_ws_sent_frame_count(const uint8_t *data, size_t start, size_t end) {
  uint32_t count = 0;
  while (start < end) {
    start += stoa_ws_sent_frame_len(data + start);
    count++;
  }
  return count;
}

/* A whole unmasked close frame: code and reason; the reason is cut after at most 123 bytes, between two characters.
 * Code 1005 gives an empty payload. Returns its length, at most 127. */
size_t stoa_ws_close_write(uint8_t out[127], uint16_t code, const char *reason);

#endif
