#include "transcript.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_BYTES_MAX ((size_t)64 << 20)
#define PENDING_LEN_MAX 139

static void must(bool condition) {
  if (!condition) {
    abort();
  }
}

static void append(struct stoa_buffer *buffer, const void *data, size_t len) {
  must(stoa_buffer_append(buffer, data, len) == STOA_OK);
}

static void append_text(struct stoa_buffer *buffer, const char *text) {
  append(buffer, text, strlen(text));
}

/* Short payloads as they are, with what is no printable ASCII as \xx; long ones as length and hash. */
static void append_payload(struct stoa_buffer *log, const uint8_t *data, size_t len) {
  char text[64];
  append_text(log, "\"");
  if (len > 64) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) {
      hash = (hash ^ data[i]) * 1099511628211u;
    }
    snprintf(text, sizeof text, "%zu bytes, hash %016llx", len, (unsigned long long)hash);
    append_text(log, text);
  }
  for (size_t i = 0; len <= 64 && i < len; i++) {
    snprintf(text, sizeof text, data[i] >= 0x20 && data[i] < 0x7f ? "%c" : "\\%02x", data[i]);
    append_text(log, text);
  }
  append_text(log, "\"; ");
}

void transcript_init(struct transcript *transcript, bool peer_masks, bool compression, uint64_t message_len_max) {
  stoa_ws_reader_init(&transcript->reader, peer_masks, compression);
  transcript->message_len_max = message_len_max;
  transcript->in_message = false;
  stoa_buffer_init(&transcript->pending, LOG_BYTES_MAX);
  stoa_buffer_init(&transcript->message, LOG_BYTES_MAX);
  stoa_buffer_init(&transcript->log, LOG_BYTES_MAX);
}

void transcript_fini(struct transcript *transcript) {
  stoa_buffer_fini(&transcript->pending);
  stoa_buffer_fini(&transcript->message);
  stoa_buffer_fini(&transcript->log);
}

static void payload_seen(struct transcript *transcript, const struct stoa_ws_event *event) {
  must(event->first == !transcript->in_message);
  must(event->opcode == STOA_WS_TEXT || event->opcode == STOA_WS_BINARY);
  append(&transcript->message, event->data, event->len);
  transcript->in_message = !event->last;
  if (event->last) {
    append_text(&transcript->log, event->opcode == STOA_WS_TEXT ? "text" : "binary");
    append_text(&transcript->log, event->compressed ? "* " : " ");
    append_payload(&transcript->log, transcript->message.data, transcript->message.len);
    transcript->message.len = 0;
  }
}

static void control_seen(struct transcript *transcript, const struct stoa_ws_event *event) {
  char text[32] = "";
  must(event->len <= STOA_WS_CONTROL_LEN_MAX);
  if (event->opcode == STOA_WS_CLOSE) {
    snprintf(text, sizeof text, "close %d ", event->code);
    append_text(&transcript->log, text);
    append_payload(&transcript->log, event->data + (event->len > 0 ? 2 : 0), event->len > 0 ? event->len - 2 : 0);
    return;
  }
  must(event->opcode == STOA_WS_PING || event->opcode == STOA_WS_PONG);
  append_text(&transcript->log, event->opcode == STOA_WS_PING ? "ping " : "pong ");
  append_payload(&transcript->log, event->data, event->len);
}

static void event_seen(struct transcript *transcript, const struct stoa_ws_event *event) {
  char text[32];
  switch (event->kind) {
    case STOA_WS_EVENT_NONE:
      return;
    case STOA_WS_EVENT_PAYLOAD:
      payload_seen(transcript, event);
      return;
    case STOA_WS_EVENT_CONTROL:
      control_seen(transcript, event);
      return;
    case STOA_WS_EVENT_ERROR:
      must(event->reason != NULL && event->reason[0] != 0);
      snprintf(text, sizeof text, "error %d; ", event->code);
      append_text(&transcript->log, text);
      return;
  }
}

/* Read until no event is left; returns what was used. The block is exactly as long as what there is to read, so that
 * a sanitizer sees a read after it. */
static size_t read_all(struct transcript *transcript, uint8_t *block, size_t len) {
  size_t at = 0;
  for (;;) {
    struct stoa_ws_event event;
    size_t used = SIZE_MAX;
    stoa_ws_read(&transcript->reader, transcript->message_len_max, block + at, len - at, &used, &event);
    must(used <= len - at);
    must(event.len == 0 || (event.data >= block + at && event.data + event.len <= block + at + used));
    at += used;
    event_seen(transcript, &event);
    if (event.kind == STOA_WS_EVENT_NONE) {
      return at;
    }
  }
}

void transcript_feed(struct transcript *transcript, const uint8_t *data, size_t len) {
  append(&transcript->pending, data, len);
  size_t block_len = transcript->pending.len;
  uint8_t *block = malloc(block_len > 0 ? block_len : 1);
  must(block != NULL);
  if (block_len > 0) {
    memcpy(block, transcript->pending.data, block_len);
  }
  size_t used = read_all(transcript, block, block_len);
  must(block_len - used <= PENDING_LEN_MAX);
  must(!transcript->in_message || !stoa_ws_reader_idle(&transcript->reader));
  transcript->pending.len = 0;
  append(&transcript->pending, block + used, block_len - used);
  free(block);
}

const char *transcript_text(struct transcript *transcript) {
  append(&transcript->log, "", 1);
  transcript->log.len--;
  return (const char *)transcript->log.data;
}

void frame_put(struct stoa_buffer *out, uint8_t first, const void *payload, size_t len) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  const uint8_t *bytes = payload;
  uint8_t header[10];
  size_t header_len = stoa_ws_header_write(header, STOA_WS_BINARY, false, len);
  header[0] = first;
  header[1] |= 0x80;
  append(out, header, header_len);
  append(out, mask, sizeof mask);
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = bytes[i] ^ mask[i % 4];
    append(out, &byte, 1);
  }
}
