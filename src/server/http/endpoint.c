#include "server/http/endpoint.h"

#include "wire/http_date.h"

#include <assert.h>
#include <stdio.h>

#define ENCODED_SIZE (STOA_ENDPOINT_PATH_BYTES_MAX * 3 + 1)
#define BODY_SIZE (ENCODED_SIZE + 32)

/* RFC 3986 2.3, and the slash between segments. Every other byte is written as %XX, so that JSON needs no escapes. */
static bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("/-._~", c));
}

static void encode(struct stoa_string path, char out[ENCODED_SIZE]) {
  for (size_t i = 0; i < path.len; i++) {
    if (is_plain(path.data[i])) {
      *out++ = path.data[i];
    } else {
      out += snprintf(out, 4, "%%%02X", (unsigned char)path.data[i]);
    }
  }
  *out = '\0';
}

static void refuse(struct stoa_stream *stream, bool is_head) {
  const struct stoa_http_refusal refusal = {.code = 404, .head_only = is_head, .wall_us = stoa_http_wall_us(stream)};
  stoa_http_refuse(stream, &refusal);
}

void stoa_endpoint_answer(struct stoa_string path, struct stoa_stream *stream, const struct stoa_http_head *head) {
  assert(path.len > 0 && path.data[0] == '/');
  char encoded[ENCODED_SIZE];
  char body[BODY_SIZE];
  char date[STOA_HTTP_DATE_SIZE];
  char answer[BODY_SIZE + 512];
  bool is_head = head->method == STOA_HTTP_HEAD;
  if (path.len > STOA_ENDPOINT_PATH_BYTES_MAX) {
    refuse(stream, is_head);
    return;
  }
  encode(path, encoded);
  stoa_http_date(stoa_http_wall_us(stream), date);
  int body_len = snprintf(body, sizeof body, "{\"endpoint\":\".%s\"}\n", encoded);
  int len = snprintf(answer, sizeof answer,
                     "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: %s\r\n\r\n%s",
                     date, body_len, head->keep_alive ? "keep-alive" : "close", is_head ? "" : body);
  if (stoa_stream_output_bytes(stream, answer, (size_t)len) == STOA_OK) {
    stoa_http_answered(stream, head->keep_alive);
  }
}
