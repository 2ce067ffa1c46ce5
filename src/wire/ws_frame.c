#include "wire/ws_frame.h"

#include <assert.h>

#include "base/utf8.h"

enum reader_state {
  READER_HEADER,  /* between frames */
  READER_PAYLOAD, /* inside a data frame */
  READER_ENDED    /* after a close frame or an error: input is discarded */
};

enum reader_flag {
  FLAG_PEER_MASKS = 1,
  FLAG_COMPRESSION = 2, /* permessage-deflate is in use */
  FLAG_FIN = 4,         /* the current frame ends its message */
  FLAG_COMPRESSED = 8,  /* the current message has RSV1 set */
  FLAG_FIRST = 16,      /* no piece of the current message was returned yet */
  FLAGS_OF_MESSAGE = FLAG_FIN | FLAG_COMPRESSED | FLAG_FIRST
};

/* RFC 6455 5.2: the first two bytes of a frame. */
enum first_byte { BIT_FIN = 0x80, BIT_RSV1 = 0x40, BITS_RSV23 = 0x30, BIT_CONTROL = 0x08, BITS_OPCODE = 0x0f };
enum second_byte { BIT_MASK = 0x80, BITS_LEN = 0x7f };

enum head_verdict { HEAD_WHOLE, HEAD_PARTIAL, HEAD_BAD };

/* The reader counts a message's bytes in 32 bits; deflate may make data longer that it cannot compress. */
#define MESSAGE_LEN_HIGHEST ((uint64_t)1 << 30)

/* A frame's header, decoded. */
struct frame_head {
  uint64_t payload_len;
  uint32_t mask;
  uint8_t first;
  uint8_t len;
};

void stoa_ws_reader_init(struct stoa_ws_reader *reader, bool peer_masks, bool compression) {
  memset(reader, 0, sizeof *reader);
  reader->flags = (uint8_t)((peer_masks ? FLAG_PEER_MASKS : 0) | (compression ? FLAG_COMPRESSION : 0));
}

bool stoa_ws_reader_idle(const struct stoa_ws_reader *reader) {
  return reader->state == READER_HEADER && reader->opcode == 0;
}

static void violate(struct stoa_ws_event *event, enum stoa_ws_close_code code, const char *reason) {
  event->kind = STOA_WS_EVENT_ERROR;
  event->code = (uint16_t)code;
  event->reason = reason;
}

/* The error in a frame's first byte, or NULL. */
static const char *first_byte_violation(const struct stoa_ws_reader *reader, uint8_t first) {
  unsigned opcode = first & BITS_OPCODE;
  bool starts_message = opcode == STOA_WS_TEXT || opcode == STOA_WS_BINARY;
  if ((first & BITS_RSV23) != 0) {
    return "reserved bit set";
  }
  /* RFC 7692 6: RSV1 may be set in the first frame of a message, never in a control frame. */
  if ((first & BIT_RSV1) != 0 && !(starts_message && (reader->flags & FLAG_COMPRESSION) != 0)) {
    return "RSV1 set where it is not allowed";
  }
  if (starts_message) {
    return reader->opcode != 0 ? "a message starts inside another" : NULL;
  }
  if (opcode == STOA_WS_CONTINUATION) {
    return reader->opcode == 0 ? "continuation without a message" : NULL;
  }
  if (opcode < STOA_WS_CLOSE || opcode > STOA_WS_PONG) {
    return "reserved opcode";
  }
  /* RFC 6455 5.5: control frames MUST NOT be fragmented. */
  return (first & BIT_FIN) == 0 ? "fragmented control frame" : NULL;
}

/* The error in the second byte, or NULL. */
static const char *second_byte_violation(const struct stoa_ws_reader *reader, uint8_t first, uint8_t second) {
  bool masked = (second & BIT_MASK) != 0;
  bool peer_masks = (reader->flags & FLAG_PEER_MASKS) != 0;
  if (masked != peer_masks) {
    return peer_masks ? "frame not masked" : "frame masked";
  }
  /* RFC 6455 5.5: a control frame's payload MUST be 125 bytes or less. */
  return (first & BIT_CONTROL) != 0 && (second & BITS_LEN) > STOA_WS_CONTROL_LEN_MAX ? "control frame too long" : NULL;
}

/* How many bytes of length follow the second byte. */
static inline size_t length_size(uint8_t second) {
  size_t short_len = second & BITS_LEN;
  return short_len < 126 ? 0 : short_len == 126 ? 2 : 8;
}

static inline uint64_t big_endian(const uint8_t *data, size_t len) {
  uint64_t value = 0;
  for (size_t i = 0; i < len; i++) {
    value = value << 8 | data[i];
  }
  return value;
}

/* The error in a length written in that many bytes, or NULL. */
static const char *length_violation(uint64_t payload_len, size_t size) {
  if (size == 0) {
    return NULL;
  }
  if (payload_len >> 63 != 0) {
    return "length with its top bit set";
  }
  /* RFC 6455 5.2: the minimal number of bytes MUST be used to encode the length. */
  return payload_len < (size == 2 ? 126u : 0x10000u) ? "length not minimal" : NULL;
}

/* Would the message exceed the limit with this frame? Lengths from the peer are never added, so nothing can overflow.
 *
 * Deflate may make a message longer: fixed Huffman codes spend up to nine bits on a byte. A compressed message whose
 * inflated length is within the limit must not be refused for that, so an eighth more is allowed; the exact limit is
 * checked while inflating. */
static bool too_long(const struct stoa_ws_reader *reader, const struct frame_head *head, uint64_t message_len_max) {
  uint64_t limit = message_len_max < MESSAGE_LEN_HIGHEST ? message_len_max : MESSAGE_LEN_HIGHEST;
  bool compressed = (head->first & BIT_RSV1) != 0 || (reader->flags & FLAG_COMPRESSED) != 0;
  if ((head->first & BIT_CONTROL) != 0) {
    return false;
  }
  if (compressed) {
    limit += limit / 8 + 64;
  }
  return reader->message_len > limit || head->payload_len > limit - reader->message_len;
}

/* Check the first two bytes, or the one that has arrived. */
static enum head_verdict opening_read(const struct stoa_ws_reader *reader, const uint8_t *data, size_t len,
                                      struct stoa_ws_event *event) {
  if (len == 0) {
    return HEAD_PARTIAL;
  }
  const char *wrong = first_byte_violation(reader, data[0]);
  if (wrong == NULL && len >= 2) {
    wrong = second_byte_violation(reader, data[0], data[1]);
  }
  if (wrong != NULL) {
    violate(event, STOA_WS_CLOSE_PROTOCOL_ERROR, wrong);
    return HEAD_BAD;
  }
  return len < 2 ? HEAD_PARTIAL : HEAD_WHOLE;
}

/* Decode a header, checking each byte as soon as it has arrived: the verdict on a header must not depend on how many
 * bytes after it arrived together with it. */
static enum head_verdict head_read(const struct stoa_ws_reader *reader, uint64_t message_len_max, const uint8_t *data,
                                   size_t len, struct frame_head *head, struct stoa_ws_event *event) {
  enum head_verdict verdict = opening_read(reader, data, len, event);
  if (verdict != HEAD_WHOLE) {
    return verdict;
  }
  size_t size = length_size(data[1]);
  if (len < 2 + size) {
    return HEAD_PARTIAL;
  }
  head->first = data[0];
  head->payload_len = size == 0 ? data[1] & BITS_LEN : big_endian(data + 2, size);
  const char *wrong = length_violation(head->payload_len, size);
  if (wrong != NULL) {
    violate(event, STOA_WS_CLOSE_PROTOCOL_ERROR, wrong);
    return HEAD_BAD;
  }
  if (too_long(reader, head, message_len_max)) {
    violate(event, STOA_WS_CLOSE_TOO_BIG, "message too big");
    return HEAD_BAD;
  }
  size_t mask_len = (data[1] & BIT_MASK) != 0 ? 4 : 0;
  if (len < 2 + size + mask_len) {
    return HEAD_PARTIAL;
  }
  head->mask = 0;
  memcpy(&head->mask, data + 2 + size, mask_len);
  head->len = (uint8_t)(2 + size + mask_len);
  assert(head->len <= STOA_WS_HEADER_LEN_MAX);
  return HEAD_WHOLE;
}

/* RFC 6455 5.5.1, 7.4: the body of a close frame is empty, or has a code that may be sent and a reason in UTF-8. */
static void close_read(struct stoa_ws_event *event) {
  event->code = STOA_WS_CLOSE_NO_STATUS;
  if (event->len == 0) {
    return;
  }
  if (event->len == 1) {
    violate(event, STOA_WS_CLOSE_PROTOCOL_ERROR, "close code cut short");
    return;
  }
  uint16_t code = (uint16_t)big_endian(event->data, 2);
  if (!stoa_ws_close_code_valid(code)) {
    violate(event, STOA_WS_CLOSE_PROTOCOL_ERROR, "close code that may not be sent");
    return;
  }
  if (!stoa_utf8_valid(event->data + 2, event->len - 2)) {
    violate(event, STOA_WS_CLOSE_INVALID_DATA, "close reason is not UTF-8");
    return;
  }
  event->code = code;
}

/* A control frame is taken whole or not at all. Returns the bytes used. */
static size_t control_read(struct stoa_ws_reader *reader, const struct frame_head *head, uint8_t *data, size_t len,
                           struct stoa_ws_event *event) {
  size_t payload_len = (size_t)head->payload_len;
  /* second_byte_violation() has refused longer ones. */
  assert(payload_len <= STOA_WS_CONTROL_LEN_MAX);
  if (len - head->len < payload_len) {
    return 0;
  }
  event->kind = STOA_WS_EVENT_CONTROL;
  event->opcode = (enum stoa_ws_opcode)(head->first & BITS_OPCODE);
  event->data = data + head->len;
  event->len = payload_len;
  stoa_ws_mask(head->mask, event->data, payload_len);
  if (event->opcode == STOA_WS_CLOSE) {
    close_read(event);
    /* RFC 6455 5.5.1, 1.4: data after a close frame is discarded. */
    reader->state = READER_ENDED;
  }
  return head->len + payload_len;
}

static void data_frame_start(struct stoa_ws_reader *reader, const struct frame_head *head) {
  assert(reader->state == READER_HEADER);
  /* too_long() has refused lengths that do not fit. */
  assert(head->payload_len <= UINT32_MAX - reader->message_len);
  uint8_t opcode = head->first & BITS_OPCODE;
  uint8_t flags = reader->flags & (uint8_t)~FLAG_FIN;
  if (opcode != STOA_WS_CONTINUATION) {
    reader->opcode = opcode;
    reader->utf8 = STOA_UTF8_START;
    flags |= FLAG_FIRST | ((head->first & BIT_RSV1) != 0 ? FLAG_COMPRESSED : 0);
  }
  reader->flags = flags | ((head->first & BIT_FIN) != 0 ? FLAG_FIN : 0);
  reader->message_len += (uint32_t)head->payload_len;
  reader->frame_left = (uint32_t)head->payload_len;
  reader->mask = head->mask;
  reader->state = READER_PAYLOAD;
}

static void data_frame_end(struct stoa_ws_reader *reader) {
  assert(reader->frame_left == 0);
  reader->state = READER_HEADER;
  if ((reader->flags & FLAG_FIN) != 0) {
    reader->flags &= (uint8_t)~FLAGS_OF_MESSAGE;
    reader->opcode = 0;
    reader->message_len = 0;
  }
}

/* RFC 6455 8.1. True when the text is valid UTF-8 up to this piece, and complete at the end. */
static bool text_holds(struct stoa_ws_reader *reader, const uint8_t *data, size_t len, bool last) {
  if (reader->opcode != STOA_WS_TEXT || (reader->flags & FLAG_COMPRESSED) != 0) {
    return true;
  }
  return stoa_utf8_check(&reader->utf8, data, len) == len && (!last || reader->utf8 == STOA_UTF8_START);
}

/* Return the available part of the current frame. A piece is an event when it has bytes, or begins or ends the message.
 * Returns the bytes used. */
static size_t payload_read(struct stoa_ws_reader *reader, uint8_t *data, size_t len, struct stoa_ws_event *event) {
  assert(reader->state == READER_PAYLOAD);
  size_t taken = len < reader->frame_left ? len : reader->frame_left;
  bool frame_done = taken == reader->frame_left;
  event->first = (reader->flags & FLAG_FIRST) != 0;
  event->last = frame_done && (reader->flags & FLAG_FIN) != 0;
  event->compressed = (reader->flags & FLAG_COMPRESSED) != 0;
  event->opcode = (enum stoa_ws_opcode)reader->opcode;
  if ((reader->flags & FLAG_PEER_MASKS) != 0) {
    reader->mask = stoa_ws_mask(reader->mask, data, taken);
  }
  if (!text_holds(reader, data, taken, event->last)) {
    violate(event, STOA_WS_CLOSE_INVALID_DATA, "text is not UTF-8");
    return taken;
  }
  if (taken > 0 || (frame_done && (event->first || event->last))) {
    event->kind = STOA_WS_EVENT_PAYLOAD;
    event->data = data;
    event->len = taken;
    reader->flags &= (uint8_t)~FLAG_FIRST;
  }
  reader->frame_left -= (uint32_t)taken;
  if (frame_done) {
    data_frame_end(reader);
  }
  return taken;
}

/* Take the next frame's header, with the whole frame when it is a control frame. Returns the bytes used: 0 when there
 * are not enough, or when the event is an error. */
static size_t frame_read(struct stoa_ws_reader *reader, uint64_t message_len_max, uint8_t *data, size_t len,
                         struct stoa_ws_event *event) {
  struct frame_head head;
  if (head_read(reader, message_len_max, data, len, &head, event) != HEAD_WHOLE) {
    return 0;
  }
  if ((head.first & BIT_CONTROL) != 0) {
    return control_read(reader, &head, data, len, event);
  }
  data_frame_start(reader, &head);
  return head.len;
}

void stoa_ws_read(struct stoa_ws_reader *reader, uint64_t message_len_max, uint8_t *data, size_t len, size_t *out_used,
                  struct stoa_ws_event *out_event) {
  assert(data != NULL || len == 0);
  memset(out_event, 0, sizeof *out_event);
  size_t used = 0;
  /* It repeats only for empty frames in the middle of a message, which give no event. */
  while (out_event->kind == STOA_WS_EVENT_NONE && reader->state != READER_ENDED) {
    if (reader->state == READER_HEADER) {
      size_t head_used = frame_read(reader, message_len_max, data + used, len - used, out_event);
      used += head_used;
      if (head_used == 0 || out_event->kind != STOA_WS_EVENT_NONE) {
        break;
      }
    }
    used += payload_read(reader, data + used, len - used, out_event);
    if (reader->state == READER_PAYLOAD) {
      break;
    }
  }
  if (out_event->kind == STOA_WS_EVENT_ERROR) {
    reader->state = READER_ENDED;
  }
  /* After the reader has ended, all bytes count as used. The event may still point to its own bytes. */
  *out_used = reader->state == READER_ENDED ? len : used;
  assert(*out_used <= len);
}
