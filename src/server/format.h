/* server/format.h: how messages to a session are written: a codec inside a framing.
 *
 * Format 0 is the first client's, without a subprotocol; the others have one each: stoa.<codec> for every codec, and
 * stoa.text. With the HTTP fallback, the negotiated ones are there once more, as events. A variant is a way of writing,
 * with or without compression, that several formats may share: its bytes are the same for all of its sessions, so they
 * are made once. Thread: the table is built at the start and only read afterwards.
 */
#ifndef STOA_SERVER_FORMAT_H
#define STOA_SERVER_FORMAT_H

#include "codec/registry.h"
#include "wire/typed.h"
#include "wire/ws_deflate.h"
#include "wire/ws_frame.h"

/* Each but that of the first client may be there a second time, as events. */
#define STOA_FORMATS_MAX (STOA_CODECS_MAX * 2 + 3)
#define STOA_VARIANTS_MAX (STOA_FORMATS_MAX * 2)
#define STOA_DEFLATE_BITS_SHARED 15
/* The longest encoded and framed message; configurable limits of messages are lower. */
#define STOA_ENCODING_BYTES_MAX ((size_t)64 * 1024 * 1024)

enum stoa_framing {
  STOA_FRAMING_BINARY, /* type: u32 | payload */
  STOA_FRAMING_QUOTED, /* {"type":N,"payload":"..."} */
  STOA_FRAMING_OBJECT  /* {"type":N,"payload":{...}} */
};

struct stoa_format {
  char subprotocol[STOA_SUBPROTOCOL_LEN_MAX]; /* "" for format 0 */
  const struct stoa_codec *codec;
  uint8_t codec_index; /* in the registry */
  uint8_t writing;     /* the first format that writes pushes to the same bytes */
  bool is_events;      /* written as Server-Sent Events (session/event.h); read as the others */
  enum stoa_framing framing;
  enum stoa_typed_order order;
};

struct stoa_formats {
  struct stoa_format items[STOA_FORMATS_MAX];
  size_t count;
  bool has_own_codec; /* the program added a codec */
};

/* Errors: STOA_E_NOT_FOUND  no codec named `plain_codec`; STOA_E_ARGUMENT  text packets need a text codec */
int stoa_formats_init(struct stoa_formats *formats, const struct stoa_codec_registry *registry,
                      struct stoa_string plain_codec, bool plain_text, enum stoa_typed_order order);
/* Add the forms of the HTTP fallback. Without them its variants do not exist, and cost nothing. */
void stoa_formats_add_events(struct stoa_formats *formats);
/* The format of a subprotocol, or -1. */
int stoa_formats_find(const struct stoa_formats *formats, struct stoa_string subprotocol, bool is_events);

/* One outgoing message. Its payload is encoded once per codec, when first needed, and kept here. */
struct stoa_outgoing {
  uint32_t type;
  bool is_call, is_error;
  bool leaves_out_plain; /* to a group that keeps plain sessions apart: they do not get it */
  uint32_t id;
  const struct stoa_message_type *message_type;
  const void *message;                         /* NULL: only payloads are left, see publication.h */
  struct stoa_bytes payloads[STOA_CODECS_MAX]; /* data NULL: not made yet; borrowed */
  const struct stoa_codec_registry *registry;
  size_t body_bytes_max;       /* of the WebSocket message, not compressed */
  struct stoa_buffer *scratch; /* STOA_CODECS_MAX of them, the thread's */
  struct stoa_buffer *packed;  /* the worker's, for compressing; NULL elsewhere */
  struct stoa_arena *arena;    /* the worker's, for making one payload from another; NULL elsewhere */
};

/* Read one typed message of this format. Errors: as stoa_typed_read() and stoa_typed_text_read(), STOA_E_TYPE when text
 * comes where binary should, or the reverse. */
int stoa_format_read(const struct stoa_format *format, struct stoa_bytes message, bool is_text,
                     struct stoa_buffer *scratch, struct stoa_typed *out_typed);

/* A variant is the number of the first format that writes the same bytes, and whether it is compressed. */
static inline size_t stoa_variant_make(size_t format, bool compressed) {
  return format * 2 + (compressed ? 1 : 0);
}
static inline size_t stoa_variant_format(size_t variant) {
  return variant / 2;
}
static inline bool stoa_variant_is_compressed(size_t variant) {
  return variant % 2 == 1;
}
static inline size_t stoa_formats_variant_count(const struct stoa_formats *formats) {
  return stoa_variant_make(formats->count, false);
}

/* Where a session's messages to a group are gathered. A session with a smaller window than the shared one cannot read
 * shared compressed messages, so it gets them uncompressed. */
static inline size_t stoa_format_variant(const struct stoa_format *format, uint8_t deflate_bits) {
  return stoa_variant_make(format->writing, deflate_bits == STOA_DEFLATE_BITS_SHARED);
}
/* The same in a group that keeps plain sessions apart: nobody shares the variants of format 0, so that a message can
 * leave them out. */
static inline size_t stoa_formats_variant_apart(const struct stoa_formats *formats, size_t index,
                                                uint8_t deflate_bits) {
  const struct stoa_format *format = &formats->items[index];
  return stoa_variant_make(format->writing == 0 ? index : format->writing, deflate_bits == STOA_DEFLATE_BITS_SHARED);
}
static inline bool stoa_variant_is_plain(size_t variant) {
  return stoa_variant_format(variant) == 0;
}

/* Encode the payload in one codec, if that was not done yet. Errors: STOA_E_LIMIT, STOA_E_MEMORY, STOA_E_UTF8,
 * STOA_E_TYPE
 */
int stoa_outgoing_encode(struct stoa_outgoing *outgoing, size_t codec_index);
/* The body's length in this format; encodes the payload. Errors: as stoa_outgoing_encode() */
int stoa_format_measure(const struct stoa_format *format, struct stoa_outgoing *outgoing, size_t *out_len);
/* The greatest length of the body with a payload of that length at most. SIZE_MAX gives SIZE_MAX. */
size_t stoa_format_body_max(const struct stoa_format *format, size_t payload_len_max);

/* At most so many bytes are sent for a body of that length. */
size_t stoa_format_sent_max(const struct stoa_format *format, size_t body_len);

/* Append one whole WebSocket frame, or chunk with an event, with the message. deflater NULL: not compressed, as events
 * always are.
 * Errors: STOA_E_LIMIT  the body would be longer than body_bytes_max, or the buffer than its cap; STOA_E_MEMORY;
 *         STOA_E_UTF8; STOA_E_TYPE; out is as before. */
int stoa_format_write(const struct stoa_format *format, struct stoa_deflater *deflater, struct stoa_outgoing *outgoing,
                      struct stoa_buffer *out);

#endif
