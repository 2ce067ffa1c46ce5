#include "server/endpoint.h"

#include <assert.h>
#include <stdio.h>

#define ENCODED_SIZE (STOA_ENDPOINT_PATH_BYTES_MAX * 3 + 1)
#define BODY_SIZE (ENCODED_SIZE + 32)

/* RFC 3986 2.3, and the slash between segments. All else is written as %XX, so JSON has nothing to escape. */
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

static bool append(struct stoa_buffer *out, const char *text, int len) {
  return len > 0 && stoa_buffer_append(out, text, (size_t)len) == STOA_OK;
}

static bool refuse(const struct stoa_http_head *head, struct stoa_buffer *out) {
  char answer[512];
  size_t len = stoa_http_refusal(404, "", head->method == STOA_HTTP_HEAD, answer, sizeof answer);
  append(out, answer, (int)len);
  return false;
}

bool stoa_endpoint_answer(struct stoa_string path, const struct stoa_http_head *head, struct stoa_buffer *out) {
  assert(path.len > 0 && path.data[0] == '/');
  char encoded[ENCODED_SIZE];
  char body[BODY_SIZE];
  char fields[256];
  size_t start = out->len;
  if (path.len > STOA_ENDPOINT_PATH_BYTES_MAX) {
    return refuse(head, out);
  }
  encode(path, encoded);
  int body_len = snprintf(body, sizeof body, "{\"endpoint\":\".%s\"}\n", encoded);
  int fields_len = snprintf(fields, sizeof fields,
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: %s\r\n\r\n",
                            body_len, head->keep_alive ? "keep-alive" : "close");
  bool whole = append(out, fields, fields_len) && (head->method == STOA_HTTP_HEAD || append(out, body, body_len));
  if (!whole) {
    out->len = start;
  }
  return whole && head->keep_alive;
}
