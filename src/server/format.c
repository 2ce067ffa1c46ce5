#include "server/format.h"

#include "codec/base64.h"
#include "session/event.h"

#include <assert.h>
#include <stdio.h>

#define HEADER_GUESS 4 /* of payloads from 126 to 65535 bytes; others are moved to where they belong */

static bool writes_alike(const struct stoa_format *a, const struct stoa_format *b) {
  return a->codec == b->codec && a->framing == b->framing && a->order == b->order && a->is_events == b->is_events;
}

static void find_writing(struct stoa_formats *formats, struct stoa_format *format) {
  format->writing = 0;
  while (!writes_alike(&formats->items[format->writing], format)) {
    format->writing++;
  }
}

static bool add(struct stoa_formats *formats, const char *subprotocol, const struct stoa_codec *codec, size_t index,
                enum stoa_framing framing, enum stoa_typed_order order) {
  if (formats->count == STOA_FORMATS_MAX) {
    return false;
  }
  struct stoa_format *format = &formats->items[formats->count++];
  snprintf(format->subprotocol, sizeof format->subprotocol, "%s", subprotocol);
  format->codec = codec;
  format->codec_index = (uint8_t)index;
  format->framing = framing;
  format->order = order;
  formats->has_own_codec = formats->has_own_codec || (codec != &stoa_codec_json && codec != &stoa_codec_proto);
  find_writing(formats, format);
  return true;
}

static void add_negotiated(struct stoa_formats *formats, const struct stoa_codec_registry *registry,
                           enum stoa_typed_order order) {
  for (size_t i = 0; i < registry->count; i++) {
    char name[STOA_SUBPROTOCOL_LEN_MAX];
    snprintf(name, sizeof name, "stoa.%s", registry->codecs[i]->name);
    bool added = add(formats, name, registry->codecs[i], i, STOA_FRAMING_BINARY, order);
    assert(added);
    if (registry->codecs[i] == &stoa_codec_json) {
      added = add(formats, "stoa.text", registry->codecs[i], i, STOA_FRAMING_OBJECT, order);
      assert(added);
    }
  }
}

int stoa_formats_init(struct stoa_formats *formats, const struct stoa_codec_registry *registry,
                      struct stoa_string plain_codec, bool plain_text, enum stoa_typed_order order) {
  *formats = (struct stoa_formats){.count = 0};
  for (size_t i = 0; i < registry->count; i++) {
    const struct stoa_codec *codec = registry->codecs[i];
    if (!stoa_string_equal(stoa_string_of(codec->name), plain_codec)) {
      continue;
    }
    if (plain_text && !codec->is_text) {
      return STOA_E_ARGUMENT;
    }
    add(formats, "", codec, i, plain_text ? STOA_FRAMING_QUOTED : STOA_FRAMING_BINARY, order);
    add_negotiated(formats, registry, order);
    return STOA_OK;
  }
  return STOA_E_NOT_FOUND;
}

void stoa_formats_add_events(struct stoa_formats *formats) {
  size_t count = formats->count;
  for (size_t i = 1; i < count; i++) {
    assert(formats->count < STOA_FORMATS_MAX);
    struct stoa_format *format = &formats->items[formats->count++];
    *format = formats->items[i];
    format->is_events = true;
    find_writing(formats, format);
  }
}

int stoa_formats_find(const struct stoa_formats *formats, struct stoa_string subprotocol, bool is_events) {
  for (size_t i = 1; i < formats->count; i++) {
    if (formats->items[i].is_events == is_events &&
        stoa_string_equal(stoa_string_of(formats->items[i].subprotocol), subprotocol)) {
      return (int)i;
    }
  }
  return -1;
}

int stoa_format_read(const struct stoa_format *format, struct stoa_bytes message, bool is_text,
                     struct stoa_buffer *scratch, struct stoa_typed *out_typed) {
  if (is_text != (format->framing != STOA_FRAMING_BINARY)) {
    return STOA_E_TYPE;
  }
  if (!is_text) {
    return stoa_typed_read(message, format->order, out_typed);
  }
  scratch->len = 0;
  return stoa_typed_text_read(message, format->framing == STOA_FRAMING_QUOTED, scratch, out_typed);
}

/* A codec that came into use while the message was in transit has no payload: the message is decoded from another
 * codec's. */
static int restore_message(struct stoa_outgoing *outgoing) {
  const struct stoa_codec_registry *registry = outgoing->registry;
  for (size_t i = 0; i < registry->count; i++) {
    if (outgoing->payloads[i].data == NULL) {
      continue;
    }
    void *message = stoa_arena_calloc(outgoing->arena, outgoing->message_type->size);
    struct stoa_codec_error error;
    if (message == NULL) {
      return STOA_E_MEMORY;
    }
    outgoing->message = message;
    return registry->codecs[i]->decode(outgoing->message_type, outgoing->payloads[i], outgoing->arena, message, &error);
  }
  return STOA_E_NOT_FOUND;
}

static int encode(struct stoa_outgoing *outgoing, const struct stoa_codec *codec, struct stoa_buffer *out) {
  if (outgoing->message == NULL) {
    int status = restore_message(outgoing);
    if (status != STOA_OK) {
      return status;
    }
  }
  return codec->encode(outgoing->message_type, outgoing->message, out);
}

/* Kept there for other variants of the codec. */
int stoa_outgoing_encode(struct stoa_outgoing *outgoing, size_t codec_index) {
  assert(codec_index < outgoing->registry->count);
  struct stoa_bytes *payload = &outgoing->payloads[codec_index];
  if (payload->data != NULL) {
    return STOA_OK;
  }
  struct stoa_buffer *scratch = &outgoing->scratch[codec_index];
  scratch->len = 0;
  /* An empty message may encode to 0 bytes; its data must not be NULL, which means not encoded yet. */
  int status = stoa_buffer_reserve(scratch, 1);
  status = status == STOA_OK ? encode(outgoing, outgoing->registry->codecs[codec_index], scratch) : status;
  if (status == STOA_OK) {
    *payload = stoa_bytes_make(scratch->data, scratch->len);
  }
  return status;
}

static struct stoa_typed typed_of(const struct stoa_format *format, const struct stoa_outgoing *outgoing) {
  return (struct stoa_typed){outgoing->type, outgoing->is_call, outgoing->is_error, outgoing->id,
                             outgoing->payloads[format->codec_index]};
}

int stoa_format_measure(const struct stoa_format *format, struct stoa_outgoing *outgoing, size_t *out_len) {
  int status = stoa_outgoing_encode(outgoing, format->codec_index);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_typed typed = typed_of(format, outgoing);
  uint8_t header[STOA_TYPED_HEADER_LEN_MAX];
  *out_len = format->framing == STOA_FRAMING_BINARY
                 ? stoa_typed_write(header, format->order, &typed) + typed.payload.len
                 : stoa_typed_text_len(&typed, format->framing == STOA_FRAMING_QUOTED);
  return STOA_OK;
}

/* JSON text has no control characters, so quoting at most doubles it. */
size_t stoa_format_body_max(const struct stoa_format *format, size_t payload_len_max) {
  if (payload_len_max > SIZE_MAX / 4) {
    return SIZE_MAX;
  }
  switch (format->framing) {
    case STOA_FRAMING_BINARY:
      return payload_len_max + STOA_TYPED_HEADER_LEN_MAX;
    case STOA_FRAMING_QUOTED:
      return payload_len_max * 2 + STOA_TYPED_TEXT_AROUND_MAX;
    case STOA_FRAMING_OBJECT:
      return payload_len_max + STOA_TYPED_TEXT_AROUND_MAX;
  }
  return SIZE_MAX;
}

/* Text packets escape or wrap the payload, so it is encoded into scratch memory first. */
static int append_text_body(const struct stoa_format *format, struct stoa_outgoing *outgoing, struct stoa_buffer *out) {
  int status = stoa_outgoing_encode(outgoing, format->codec_index);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_typed typed = typed_of(format, outgoing);
  return stoa_typed_text_write(&typed, format->framing == STOA_FRAMING_QUOTED, out);
}

static int append_binary_body(const struct stoa_format *format, struct stoa_outgoing *outgoing,
                              struct stoa_buffer *out) {
  struct stoa_typed typed = {outgoing->type, outgoing->is_call, outgoing->is_error, outgoing->id, {NULL, 0}};
  struct stoa_bytes payload = outgoing->payloads[format->codec_index];
  uint8_t header[STOA_TYPED_HEADER_LEN_MAX];
  int status = stoa_buffer_append(out, header, stoa_typed_write(header, format->order, &typed));
  if (status != STOA_OK) {
    return status;
  }
  return payload.data != NULL ? stoa_buffer_append(out, payload.data, payload.len)
                              : encode(outgoing, format->codec, out);
}

static int compress(struct stoa_deflater *deflater, struct stoa_outgoing *outgoing, struct stoa_buffer *out,
                    size_t body, bool *out_compressed) {
  struct stoa_bytes plain = {out->data + body, out->len - body};
  outgoing->packed->len = 0;
  int status = stoa_deflater_message(deflater, plain, outgoing->packed);
  if (status != STOA_OK) {
    return status;
  }
  *out_compressed = outgoing->packed->len < plain.len;
  if (*out_compressed) {
    memcpy(out->data + body, outgoing->packed->data, outgoing->packed->len);
    out->len = body + outgoing->packed->len;
  }
  return STOA_OK;
}

/* The body begins HEADER_GUESS after `start`: write the header before it. Returns the header's length. */
static size_t put_header(const struct stoa_format *format, bool compressed, struct stoa_buffer *out, size_t start) {
  assert(out->len >= start + HEADER_GUESS);
  size_t body_len = out->len - start - HEADER_GUESS;
  uint8_t header[10];
  enum stoa_ws_opcode opcode = format->framing == STOA_FRAMING_BINARY ? STOA_WS_BINARY : STOA_WS_TEXT;
  size_t header_len = stoa_ws_header_write(header, opcode, compressed, body_len);
  if (header_len != HEADER_GUESS) {
    memmove(out->data + start + header_len, out->data + start + HEADER_GUESS, body_len);
  }
  memcpy(out->data + start, header, header_len);
  out->len = start + header_len + body_len;
  return header_len;
}

/* Base64 and the lines of an event, in a chunk. */
#define EVENT_AROUND_MAX 64u

size_t stoa_format_sent_max(const struct stoa_format *format, size_t body_len) {
  return format->is_events ? stoa_base64_len(body_len) + EVENT_AROUND_MAX : body_len + STOA_WS_HEADER_LEN_MAX;
}

static int write_event_text(const struct stoa_format *format, const struct stoa_typed *typed, struct stoa_buffer *out) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, STOA_ENCODING_BYTES_MAX);
  int status = stoa_typed_text_write(typed, format->framing == STOA_FRAMING_QUOTED, &text);
  if (status == STOA_OK) {
    status = stoa_event_append_message(out, stoa_bytes_make(text.data, text.len), true);
  }
  stoa_buffer_fini(&text);
  return status;
}

static int write_event(const struct stoa_format *format, struct stoa_outgoing *outgoing, struct stoa_buffer *out) {
  size_t len;
  int status = stoa_format_measure(format, outgoing, &len); /* encodes the payload too */
  if (status == STOA_OK && len > outgoing->body_bytes_max) {
    status = STOA_E_LIMIT;
  }
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_typed typed = typed_of(format, outgoing);
  if (format->framing != STOA_FRAMING_BINARY) {
    return write_event_text(format, &typed, out);
  }
  uint8_t header[STOA_TYPED_HEADER_LEN_MAX];
  size_t header_len = stoa_typed_write(header, format->order, &typed);
  return stoa_event_append_frame(out, stoa_bytes_make(header, header_len), typed.payload, format->codec->is_text);
}

int stoa_format_write(const struct stoa_format *format, struct stoa_deflater *deflater, struct stoa_outgoing *outgoing,
                      struct stoa_buffer *out) {
  if (format->is_events) {
    assert(deflater == NULL);
    return write_event(format, outgoing, out);
  }
  size_t start = out->len;
  size_t body = start + HEADER_GUESS;
  bool compressed = false;
  int status = stoa_buffer_reserve(out, STOA_WS_HEADER_LEN_MAX);
  if (status != STOA_OK) {
    return status;
  }
  out->len = body;
  if (deflater != NULL) {
    /* Encode the payload apart: compression overwrites the body, from which other variants would copy it. */
    status = stoa_outgoing_encode(outgoing, format->codec_index);
    if (status != STOA_OK) {
      out->len = start;
      return status;
    }
  }
  status = format->framing == STOA_FRAMING_BINARY ? append_binary_body(format, outgoing, out)
                                                  : append_text_body(format, outgoing, out);
  if (status == STOA_OK && out->len - body > outgoing->body_bytes_max) {
    status = STOA_E_LIMIT;
  }
  if (status == STOA_OK && deflater != NULL && out->len - body >= STOA_DEFLATE_BYTES_MIN) {
    status = compress(deflater, outgoing, out, body, &compressed);
  }
  if (status == STOA_OK) {
    status = stoa_buffer_reserve(out, STOA_WS_HEADER_LEN_MAX);
  }
  if (status != STOA_OK) {
    out->len = start;
    return status;
  }
  size_t header_len = put_header(format, compressed, out, start);
  struct stoa_bytes *payload = &outgoing->payloads[format->codec_index];
  if (payload->data == NULL && format->framing == STOA_FRAMING_BINARY) {
    /* Other variants of this codec copy the payload from here, before this buffer is written again. */
    size_t payload_start = start + header_len + (outgoing->is_call ? 8u : 4u);
    *payload = stoa_bytes_make(out->data + payload_start, out->len - payload_start);
  }
  return STOA_OK;
}
