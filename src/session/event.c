#include "session/event.h"

#include "codec/base64.h"
#include "wire/sent.h"

#include <assert.h>
#include <stdio.h>

/* Around the content of an event: the line before it in its chunk, `data:` and a character, the two line feeds, and
 * CRLF. */
#define AROUND_LEN_MAX (STOA_CHUNK_START_LEN_MAX + 10u)
/* Base64 takes three bytes at a time: so many bytes of a frame come from its header, and the first of its payload. */
#define FIRST_LEN_MAX 12u

static bool has_line_break(struct stoa_bytes bytes) {
  return bytes.len > 0 && (memchr(bytes.data, '\n', bytes.len) != NULL || memchr(bytes.data, '\r', bytes.len) != NULL);
}

/* After room was made. */
static void put(struct stoa_buffer *out, const void *data, size_t len) {
  assert(out->cap - out->len >= len);
  if (len > 0) {
    memcpy(out->data + out->len, data, len);
    out->len += len;
  }
}

/* Begin an event whose line has `content_len` bytes after its first character, and make room for all of it. */
static int begin(struct stoa_buffer *out, char kind, size_t content_len) {
  uint8_t start[STOA_CHUNK_START_LEN_MAX];
  int status = stoa_buffer_reserve(out, content_len + AROUND_LEN_MAX);
  if (status == STOA_OK) {
    put(out, start, stoa_chunk_start_write(start, content_len + 8));
    put(out, "data:", 5);
    put(out, &kind, 1);
  }
  return status;
}

static void end(struct stoa_buffer *out) {
  put(out, "\n\n\r\n", 4);
}

static void put_base64(struct stoa_buffer *out, struct stoa_bytes bytes) {
  size_t len = stoa_base64_len(bytes.len);
  assert(out->cap - out->len >= len);
  if (len > 0) {
    stoa_base64_write(bytes, out->data + out->len);
    out->len += len;
  }
}

static int append_base64(struct stoa_buffer *out, char kind, struct stoa_bytes message) {
  int status = begin(out, kind, stoa_base64_len(message.len));
  if (status == STOA_OK) {
    put_base64(out, message);
    end(out);
  }
  return status;
}

static int append_binary_frame(struct stoa_buffer *out, struct stoa_bytes header, struct stoa_bytes payload) {
  uint8_t first[FIRST_LEN_MAX];
  size_t of_payload = (header.len + 3) / 3 * 3 + 3 - header.len;
  of_payload = of_payload < payload.len ? of_payload : payload.len;
  assert(header.len + of_payload <= sizeof first);
  int status = begin(out, 'b', stoa_base64_len(header.len + payload.len));
  if (status == STOA_OK) {
    memcpy(first, header.data, header.len);
    if (of_payload > 0) {
      memcpy(first + header.len, payload.data, of_payload);
    }
    put_base64(out, stoa_bytes_make(first, header.len + of_payload));
    put_base64(out,
               stoa_bytes_make(payload.len > of_payload ? payload.data + of_payload : NULL, payload.len - of_payload));
    end(out);
  }
  return status;
}

int stoa_event_append_frame(struct stoa_buffer *out, struct stoa_bytes header, struct stoa_bytes payload,
                            bool payload_is_text) {
  static const char digits[] = "0123456789abcdef";
  assert(header.len <= STOA_EVENT_HEADER_LEN_MAX);
  if (!payload_is_text || has_line_break(payload)) {
    return append_binary_frame(out, header, payload);
  }
  int status = begin(out, header.len == STOA_EVENT_HEADER_LEN_MAX ? 'c' : 'f', 2 * header.len + payload.len);
  if (status == STOA_OK) {
    for (size_t i = 0; i < header.len; i++) {
      const char hex[2] = {digits[header.data[i] >> 4], digits[header.data[i] & 15]};
      put(out, hex, sizeof hex);
    }
    put(out, payload.data, payload.len);
    end(out);
  }
  return status;
}

int stoa_event_append_message(struct stoa_buffer *out, struct stoa_bytes message, bool is_text) {
  if (!is_text) {
    return append_base64(out, 'b', message);
  }
  if (has_line_break(message)) {
    return append_base64(out, 'u', message);
  }
  int status = begin(out, 't', message.len);
  if (status == STOA_OK) {
    put(out, message.data, message.len);
    end(out);
  }
  return status;
}

/* An event of other lines. */
static int append_lines(struct stoa_buffer *out, const char *before, struct stoa_string text, const char *after) {
  uint8_t start[STOA_CHUNK_START_LEN_MAX];
  size_t len = strlen(before) + text.len + 2;
  int status = stoa_buffer_reserve(out, len + AROUND_LEN_MAX + strlen(after));
  if (status == STOA_OK) {
    put(out, start, stoa_chunk_start_write(start, len));
    put(out, before, strlen(before));
    put(out, text.data, text.len);
    end(out);
    put(out, after, strlen(after));
  }
  return status;
}

int stoa_event_append_open(struct stoa_buffer *out, struct stoa_string text) {
  assert(!has_line_break(stoa_bytes_make(text.data, text.len)));
  return append_lines(out, "event:open\ndata:", text, "");
}

int stoa_event_append_ping(struct stoa_buffer *out) {
  return append_lines(out, ":", stoa_string_make(NULL, 0), "");
}

/* How much of the reason is sent, without cutting a character in two. */
static size_t reason_len(const char *reason) {
  size_t len = reason == NULL ? 0 : strnlen(reason, STOA_EVENT_REASON_LEN_MAX + 1);
  if (len <= STOA_EVENT_REASON_LEN_MAX) {
    return len;
  }
  for (len = STOA_EVENT_REASON_LEN_MAX; len > 0 && ((uint8_t)reason[len] & 0xc0) == 0x80; len--) {
  }
  return len;
}

int stoa_event_append_close(struct stoa_buffer *out, uint16_t code, const char *reason) {
  char text[STOA_EVENT_REASON_LEN_MAX + 8];
  /* 1005 stands for no code (RFC 6455 7.4.1), and is sent as it is: nothing else can say so here. */
  int len = snprintf(text, sizeof text, "%u %.*s", code, (int)reason_len(reason), reason == NULL ? "" : reason);
  assert(len > 0 && (size_t)len < sizeof text);
  for (int i = 0; i < len; i++) {
    if ((uint8_t)text[i] < ' ') {
      text[i] = ' ';
    }
  }
  return append_lines(out, "event:close\ndata:", stoa_string_make(text, (size_t)len), STOA_CHUNK_LAST);
}
